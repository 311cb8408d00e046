"""Cells around plain cells: what they equal, and what they refuse."""

# NumPy arrays go where JAX arrays are declared.
# pyright: reportArgumentType=false

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import rnnjax
from rnnjax import (
    GRU,
    LSTM,
    LSTMP,
    ConvGRU,
    Dilated,
    Dropout,
    FastSlow,
    Grouped,
    LegendreMemory,
    Momentum,
    Residual,
    SimpleRNN,
    Skip,
    Stack,
)
from rnnjax.combinators.skip import straight_round
from tests import oracles
from tests.cells_under_test import random_like
from tests.flagged import MASK, RESETS, ROWS, STEPS
from tests.oracles import sigmoid
from tests.running import assert_close, init, quick_jit, unroll, unroll_last

pytestmark = pytest.mark.usefixtures("x64")

KEY = jax.random.key(3)


def sample(layer, rows=(3,), steps=7) -> Any:
    rng = np.random.default_rng(5)
    params = random_like(rng, jax.eval_shape(layer.init, KEY), 0.6)
    carry = random_like(rng, jax.eval_shape(lambda: layer.initial_carry(rows)), 0.8)
    return layer, params, rng.standard_normal((steps, *rows, *layer.input_shape)), carry


@pytest.mark.parametrize("dilation", [3, 9], ids=["several_rounds", "one_round"])
@pytest.mark.parametrize("reverse", [False, True])
def test_dilated_is_separate_runs(dilation, reverse):
    layer, params, xs, carry = sample(Dilated(LSTM(3, 4), dilation), steps=8)
    final, ys = unroll(layer, params, xs, carry, reverse=reverse)
    ahead, outputs = (xs[::-1], ys[::-1]) if reverse else (xs, ys)
    for lane in range(min(dilation, 8)):
        begin = jax.tree.map(lambda a, lane=lane: a[:, lane], carry)
        after, expected = unroll(LSTM(3, 4), params, ahead[lane::dilation], begin)
        place = (lane - 8) % dilation
        found = jax.tree.map(lambda a, place=place: a[:, place], final)
        assert_close((found, outputs[lane::dilation]), (after, expected))
    assert_close(unroll_last(layer, params, xs, carry, reverse=reverse), (final, outputs[-1]))


def test_dilated_takes_the_same_steps_side_by_side_and_one_by_one():
    for rows in ((), (2, 1)):
        layer, params, xs, carry = sample(Dilated(GRU(3, 4), 3), rows)
        beside = unroll(layer, params, xs, carry)
        one_by_one = unroll(layer, params, xs, carry, mask=np.ones(7, bool))
        assert_close(beside, one_by_one)


def test_dilated_by_one_is_the_cell():
    layer, params, xs, carry = sample(Dilated(GRU(3, 4), 1))
    inside = jax.tree.map(lambda a: a[:, 0], carry)
    final, ys = unroll(GRU(3, 4), params, xs, inside)
    found, outputs = unroll(layer, params, xs, carry)
    assert_close((jax.tree.map(lambda a: a[:, 0], found), outputs), (final, ys))


def test_dilated_takes_cells_of_space_and_linear_ones():
    for cell in (ConvGRU(2, 3, (4,), (3,)), LegendreMemory(3, 4, 10.0)):
        layer, params, xs, carry = sample(Dilated(cell, 2))
        beside = unroll(layer, params, xs, carry)
        assert_close(beside, unroll(layer, params, xs, carry, mask=np.ones(7, bool)))


def test_dilated_runs_a_loop_so_many_times_shorter():
    layer, *arguments = sample(Dilated(GRU(3, 4), 3), steps=6)

    def run(*arguments):
        return rnnjax.unroll(layer, *arguments, executor="scan")

    assert "length=2" in str(jax.make_jaxpr(run)(*arguments))


def test_without_momentum_it_is_the_cell():
    for cell in (LSTM(3, 4), GRU(3, 4), ConvGRU(2, 3, (4,), (3,))):
        layer, params, xs, carry = sample(Momentum(cell, momentum=0.0, step_size=1.0))
        final, ys = unroll(layer, params, xs, carry)
        assert_close((final.cell, ys), unroll(cell, params, xs, carry.cell))


def test_momentum_settles_where_its_docstring_says():
    layer, params, xs, carry = sample(Momentum(SimpleRNN(3, 4), 0.5, 0.3), steps=1)
    final, _ = unroll(layer, params, np.repeat(xs, 50, axis=0), carry)
    np.testing.assert_allclose(final.v, 0.3 / 0.5 * layer.layer.project(params, xs[0]), rtol=1e-10)


def test_fast_cells_in_turn_on_one_state():
    fast, slow = (GRU(3, 4), GRU(5, 4)), SimpleRNN(4, 5, activation="linear")
    layer, params, xs, carry = sample(FastSlow(fast, slow))
    params = params._replace(slow=jax.tree.map(np.zeros_like, params.slow))
    _, ys = unroll(layer, params, xs, carry)
    nothing = np.zeros((3, 5))

    @quick_jit
    def in_turn(state, x):
        state, _ = fast[0](params.fast[0], state, x)
        return fast[1](params.fast[1], state, nothing)

    state = carry.fast
    for x, y in zip(xs, ys, strict=True):
        state, expected = in_turn(state, x)
        np.testing.assert_allclose(y, expected, rtol=1e-10)


def test_one_group_is_the_cell():
    layer, params, xs, carry = sample(Grouped(LSTM(3, 4), 1))
    inner, inside = jax.tree.map(lambda a: a[0], params), jax.tree.map(lambda a: a[:, 0], carry)
    final, ys = unroll(LSTM(3, 4), inner, xs, inside)
    found, outputs = unroll(layer, params, xs, carry)
    assert_close((jax.tree.map(lambda a: a[:, 0], found), outputs), (final, ys))


def test_groups_are_drawn_each_by_itself_as_the_cell():
    params = init(Grouped(LSTM(3, 4), 2), KEY)
    assert (params.w_x[0] != params.w_x[1]).all()
    for w_h in params.w_h:
        np.testing.assert_allclose(w_h @ w_h.T, np.eye(4), atol=1e-10)


def skip_step(inner, p, carry, x, reads):
    """The paper's, with ũ itself in the place of what it lacks of 1."""
    state, chance = carry
    u = np.round(chance)
    after, _ = inner(p.layer, state, x)
    state = tuple(u * new + (1 - u) * old for new, old in zip(after, state, strict=True))
    grown = sigmoid(state[reads] @ p.w_p + p.b_p)
    chance = u * grown + (1 - u) * (chance + np.minimum(grown, 1 - chance))
    return (state, chance), state[0], u


@pytest.mark.parametrize(("cell", "inner", "reads"), [
    (LSTM(3, 4), oracles.lstm(), 1), (GRU(3, 4), oracles.gru(), 0),
], ids=["lstm", "gru"])  # fmt: skip
def test_skip_is_its_paper(cell, inner, reads):
    layer, params, xs, carry = sample(Skip(cell), steps=12)
    params = params._replace(w_p=0.5 * params.w_p, b_p=np.array([-1.3]))
    carry = carry._replace(lack=np.array([[0.0], [0.7], [0.3]]))
    carries, ys = jax.device_get(quick_jit(lambda *a: rnnjax.unroll_carries(layer, *a))(
        params, xs, carry
    ))  # fmt: skip
    assert 0.2 < carries.taken.mean() < 0.8
    for row in range(3):
        state = tuple(own[row] for own in carry.cell), 1 - carry.lack[row]
        for t in range(12):
            state, y, u = skip_step(inner, params, state, xs[t, row], reads)
            np.testing.assert_allclose(ys[t, row], y, rtol=1e-10)
            np.testing.assert_allclose(1 - carries.lack[t, row], state[1], rtol=1e-10)
            np.testing.assert_array_equal(carries.taken[t, row], u)


def test_with_a_large_bias_no_step_is_skipped():
    layer, params, xs, carry = sample(Skip(LSTM(3, 4)))
    params = params._replace(b_p=np.array([40.0]))
    carry = carry._replace(lack=np.zeros((3, 1)))
    final, ys = unroll(layer, params, xs, carry)
    assert_close((final.cell, ys), unroll(LSTM(3, 4), params.layer, xs, carry.cell))


def test_the_first_step_is_taken_also_after_a_reset():
    layer, params, xs, _ = sample(Skip(GRU(3, 4)), (ROWS,), STEPS)
    params = params._replace(w_p=np.zeros((4, 1)), b_p=np.array([-20.0]))
    carries, ys = jax.device_get(rnnjax.unroll_carries(layer, params, xs, mask=MASK, resets=RESETS))
    taken = carries.taken[..., 0] == 1
    for row in range(2):
        fresh, expected = True, []
        for t in range(STEPS):
            fresh |= RESETS[t, row]
            if MASK[t, row]:
                expected.append(fresh)
                fresh = False
        np.testing.assert_array_equal(taken[MASK[:, row], row], expected)
    assert (ys[~MASK] == 0).all()


def test_the_rounding_lets_gradients_through():
    assert jax.grad(straight_round)(0.3) == 1.0
    assert (straight_round(0.3), straight_round(0.7), straight_round(0.5)) == (0.0, 1.0, 0.0)
    layer, params, xs, carry = sample(Skip(LSTM(3, 4)))

    def cost(params):
        return rnnjax.unroll_carries(layer, params, xs, carry)[0].taken.sum()

    gradient = quick_jit(jax.grad(cost))(params)
    assert (gradient.w_p != 0).all()


def test_skip_begins_with_a_bias_of_one_and_runs_in_half_precision():
    layer = Skip(LSTM(3, 4))
    params = init(layer, KEY)
    assert (float(params.b_p[0]), params.w_p.shape) == (1.0, (4, 1))
    params, xs = jax.tree.map(lambda a: a.astype(jnp.bfloat16), (params, jnp.ones((4, 2, 3))))
    carry = layer.initial_carry((2,), jnp.float32)
    final, ys = unroll(layer, params, xs, carry)
    assert ys.dtype == jnp.bfloat16
    assert {a.dtype for a in jax.tree.leaves(final)} == {jnp.dtype(jnp.float32)}


@pytest.mark.parametrize(
    ("build", "complaint"),
    [
        (lambda: Dilated(Dropout(LSTM(3, 4), state=0.1), 2), "Dilated: Dropout is no cell by"),
        (lambda: Momentum(Stack((LSTM(3, 4),))), "Momentum: Stack is no cell by itself"),
        (lambda: Momentum(rnnjax.HiPPORNN(3, 4)), "Momentum: what HiPPORNN makes of an input"),
        (lambda: Grouped(Residual(LSTM(4, 4)), 2), "Grouped: Residual is no cell by itself"),
        (lambda: Grouped(ConvGRU(2, 3, (4,), (3,)), 2), "Grouped: ConvGRU reads inputs with axes"),
        (lambda: Skip(Dilated(LSTM(3, 4), 2)), "Skip: Dilated is no cell by itself"),
        (lambda: Skip(ConvGRU(2, 3, (4,), (3,))), "Skip: ConvGRU is no cell whose output"),
        (lambda: FastSlow((GRU(3, 4),), GRU(4, 4)), "at least two fast layers"),
        (lambda: FastSlow((GRU(3, 4), GRU(4, 4)), GRU(5, 4)), "GRU takes inputs of shape .5,."),
        (lambda: FastSlow((GRU(3, 4), GRU(6, 4)), GRU(4, 5)), "GRU takes inputs of shape .6,."),
        (lambda: FastSlow((GRU(3, 4), LSTM(5, 4)), GRU(4, 5)), "share one state"),
        (lambda: FastSlow((LSTM(3, 4), LSTMP(5, 6, 4)), GRU(4, 5)), "share one state"),
    ],
)
def test_what_can_not_be_put_together_is_refused(build, complaint):
    with pytest.raises(ValueError, match=complaint):
        build()
