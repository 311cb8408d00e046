"""States over time, and their gradients against finite differences in float64."""

from __future__ import annotations

import dataclasses
import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import rnnjax
from rnnjax import GRU, LSTM, LSTMP, LayerNormGRU, Residual, SimpleRNN, Stack, Zoneout
from rnnjax.analysis.state import step_norms, trace_state
from rnnjax.cells.linear import LRU
from tests.cells_under_test import CELLS_UNDER_TEST
from tests.running import quick_jit
from tests.slow import slow_but

STEPS, ROWS = 6, 2


def filled(layer, key=3):
    """Parameters without a zero: a bias that is one hides mistakes."""
    leaves, tree = jax.tree.flatten(layer.init(jax.random.key(0)))
    keys = jax.random.split(jax.random.key(key), len(leaves))
    noise = [0.4 * jax.random.normal(k, leaf.shape) for k, leaf in zip(keys, leaves, strict=True)]
    return jax.tree.unflatten(tree, [a + b for a, b in zip(leaves, noise, strict=True)])


def inputs(features):
    return jax.random.normal(jax.random.key(1), (STEPS, ROWS, features))


def weigh_last(ys):
    weights = jnp.sin(jnp.arange(ys[-1].size)).reshape(ys[-1].shape)
    return jnp.sum(weights * jnp.tanh(ys[-1] + 0.3) ** 2)


def weigh_all(ys):
    return jnp.sum(jnp.cos(jnp.arange(ys.size)).reshape(ys.shape) * ys**2)


@functools.partial(quick_jit, static_argnames=("cells", "where"))
def run_moved(cells, params, xs, where, moved):
    """The loss of cells one above the other, written out, when one state is moved by so much.

    Args:
        where: the step, the layer and the field.
    """
    carries = [c.initial_carry(xs.shape[1:-1], xs.dtype) for c in cells]
    outputs = []
    for t, x in enumerate(xs):
        y = x
        for layer, (cell, p) in enumerate(zip(cells, params, strict=True)):
            inner = cell.layer if isinstance(cell, Residual) else cell
            assert isinstance(inner, rnnjax.Cell)
            carry, out = inner(p, carries[layer], y)
            if (t, layer) == where[:2]:
                carry = carry._replace(**{where[2]: getattr(carry, where[2]) + moved})
            carries[layer] = carry
            if layer == len(cells) - 1:
                out = carry.h
            y = out + y if isinstance(cell, Residual) else out
        outputs.append(y)
    return weigh_all(jnp.stack(outputs))


CELLS = [
    (SimpleRNN(3, 4),),
    (GRU(3, 4),),
    (LSTM(3, 4),),
    (LSTMP(3, 4, 2),),
    (LayerNormGRU(3, 4),),
    (Residual(GRU(3, 3)),),
    (LSTM(3, 4), Residual(GRU(4, 4)), SimpleRNN(4, 2)),
]


@pytest.mark.parametrize(
    "cells",
    slow_but({CELLS[-1]}, CELLS),
    ids=lambda cells: "+".join(type(cell).__name__ for cell in cells),
)
def test_gradients_are_finite_differences(x64, cells):
    layer = cells[0] if len(cells) == 1 else Stack(cells)
    params, xs = filled(layer), inputs(cells[0].input_size)
    trace = jax.jit(lambda p, xs: trace_state(layer, p, xs, weigh_all))(params, xs)
    several = (trace.gradients,) if len(cells) == 1 else trace.gradients
    each = (params,) if len(cells) == 1 else params
    rng, size = np.random.default_rng(0), 1e-6
    for index, gradients in enumerate(several):
        for field in gradients._fields:
            for t in (2, STEPS - 1):
                gradient = getattr(gradients, field)[t]
                way = jnp.asarray(rng.normal(size=gradient.shape))
                there, back = (
                    float(run_moved(cells, each, xs, (t, index, field), sign * size * way))
                    for sign in (1, -1)
                )
                expected = (there - back) / (2 * size)
                assert float(jnp.sum(gradient * way)) == pytest.approx(expected, rel=1e-5, abs=1e-8)


KINDS = ("lstm", "lstmp", "layer_norm_gru", "peephole_lstm", "wrappers")


@pytest.mark.parametrize("name", slow_but({"wrappers"}, KINDS))
def test_states_are_those_of_unroll_and_gradients_those_of_the_steps_to_come(name, x64):
    """From a state in its midst on, what is left of a sequence has the gradient of that state."""
    layer = next(case.make() for case in CELLS_UNDER_TEST if case.name == name)
    params, xs, t = filled(layer), inputs(layer.input_size), 2
    trace = jax.jit(lambda p, xs: trace_state(layer, p, xs, weigh_last))(params, xs)
    carries, ys = jax.jit(lambda p, xs: rnnjax.unroll_carries(layer, p, xs, executor="scan"))(
        params, xs
    )
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-12), trace.carries, carries)
    np.testing.assert_allclose(trace.outputs, ys, rtol=1e-12)
    assert trace.loss == pytest.approx(float(weigh_last(ys)))

    @jax.jit
    @jax.grad
    def of_the_rest(carry):
        ys = rnnjax.unroll_last(layer, params, xs[t + 1 :], carry, executor="scan")[1]
        return weigh_last(ys[None])

    expected = of_the_rest(jax.tree.map(lambda a: a[t], trace.carries))
    for field, gradient in step_norms(trace.gradients).items():
        np.testing.assert_allclose(gradient[t], step_norms(expected)[field], rtol=1e-9)


def test_a_given_state_is_where_it_starts(x64):
    cell = GRU(3, 4)
    params, xs = filled(cell), inputs(3)
    whole = trace_state(cell, params, xs, weigh_last)
    carry = jax.tree.map(lambda a: a[1], whole.carries)
    rest = trace_state(cell, params, xs[2:], weigh_last, carry)
    np.testing.assert_allclose(rest.gradients.h, whole.gradients.h[2:], rtol=1e-12)


def test_a_sum_over_rows_has_each_rows_gradient(x64):
    cell = LSTM(3, 4)
    params, xs = filled(cell), inputs(3)
    together = trace_state(cell, params, xs, lambda ys: jnp.sum(ys[-1] ** 2))
    for row in range(ROWS):
        alone = trace_state(cell, params, xs[:, row], lambda ys: jnp.sum(ys[-1] ** 2))
        np.testing.assert_allclose(together.gradients.c[:, row], alone.gradients.c, rtol=1e-10)


def test_a_linear_state_vanishes_like_a_power(x64):
    """h = a h + x: the gradient of the last state is a^(T - t)."""
    cell = SimpleRNN(1, 1, activation="linear", use_bias=False)
    params = cell.init(jax.random.key(0))._replace(w_h=jnp.array([[0.5]]))
    trace = trace_state(cell, params, inputs(1), lambda ys: ys[-1].sum())
    norms = step_norms(trace.gradients)["h"]
    np.testing.assert_allclose(norms[:, 0], 0.5 ** np.arange(STEPS - 1, -1, -1), rtol=1e-12)


class CountingCarry(NamedTuple):
    h: jax.Array
    kept: jax.Array


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class Keeping(rnnjax.Cell):
    """Hands a part of its state on as it came, and reads it in the next step."""

    input_size: int = 1
    output_size: int = 1

    def init(self, key):
        return ()

    def initial_carry(self, batch_shape=(), dtype=None):
        zero = jnp.zeros((*batch_shape, 1), dtype)
        return CountingCarry(zero, zero + 1)

    def project(self, params, x):
        return x

    def step(self, params, carry, z):
        h = z + carry.kept * carry.h
        return CountingCarry(h, carry.kept), h


def test_a_state_that_is_handed_on_untouched_has_a_gradient(x64):
    xs = jnp.array([[2.0], [3.0], [5.0]])
    trace = trace_state(Keeping(), (), xs, lambda ys: ys[-1].sum())
    # h_3 = 5 + k_2 (3 + k_1 2), where k_1 = 1 + a_1 and k_2 = 1 + a_1 + a_2.
    np.testing.assert_allclose(trace.gradients.kept[:, 0], [2 + 5, 5, 0])
    np.testing.assert_allclose(trace.gradients.h[:, 0], [1, 1, 1])


def test_norms_are_named_by_layer_and_field():
    stack = Stack((LSTM(3, 4), Zoneout(GRU(4, 5), h=0.1)))
    carries = stack.initial_carry((7,))
    norms = step_norms(jax.tree.map(lambda a: jnp.stack([a, a + 3.0]), carries))
    assert sorted(norms) == ["0.c", "0.h", "1.h"]
    np.testing.assert_allclose(norms["1.h"][:, 0], [0, 3 * np.sqrt(5)], rtol=1e-6)


def test_what_needs_the_whole_sequence_is_refused():
    both = rnnjax.Bidirectional(GRU(3, 4))
    with pytest.raises(ValueError, match="can't be stepped"):
        trace_state(both, both.init(jax.random.key(0)), inputs(3), weigh_last)
    with pytest.raises(ValueError, match="built for inputs of 3 features"):
        trace_state(GRU(3, 4), GRU(3, 4).init(jax.random.key(0)), inputs(2), weigh_last)


@pytest.mark.usefixtures("x64")
def test_a_readout_is_done_anew():
    """Moving the state of the last step by a little moves the loss as its gradient says."""
    cell = LRU(3, 4)
    params = cell.init(jax.random.key(0))
    xs = jax.random.normal(jax.random.key(1), (3, 3))

    def loss(ys):
        return (ys**2).sum()

    found = trace_state(cell, params, xs, loss)
    after = jax.tree.map(lambda own: own[-1], found.carries)
    z = cell.project(params, xs[-1])
    moved = after._replace(re=after.re + 1e-6)
    slope = (loss(cell.read(params, moved, z)) - loss(found.outputs[-1])) / 1e-6
    assert float(found.gradients.re[-1].sum()) == pytest.approx(float(slope), rel=1e-4)


def test_a_readout_on_top_of_other_layers_is_told():
    layer = Stack((LSTM(3, 4), Residual(LRU(4, 4))))
    with pytest.raises(ValueError, match="LRU puts out is read from its state"):
        trace_state(layer, layer.init(jax.random.key(0)), jax.numpy.ones((2, 3)), lambda y: y.sum())
