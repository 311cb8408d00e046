"""Dropout is what its papers say, drawn once where they say so and anew where they say so.

The masks are read off layers that let them through as they are: a linear cell whose weights are
identities. What a key draws depends on the sizes alone, so they are the masks of any other cell.
"""

# NumPy arrays go where JAX arrays are declared.
# pyright: reportArgumentType=false

from __future__ import annotations

import dataclasses
import functools
import itertools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import rnnjax
from rnnjax import GRU, LSTM, LSTMP, Bidirectional, Dropout, Reversed, SimpleRNN, Stack
from rnnjax.cells import LSTMCarry, LSTMParams, SimpleRNNCarry, SimpleRNNParams
from rnnjax.combinators import BidirectionalParams
from tests import running
from tests.cells_under_test import random_like
from tests.oracles import NONLINEARITIES
from tests.running import assert_close, unroll

pytestmark = pytest.mark.usefixtures("x64")

KEY = jax.random.key(7)
STEPS, ROWS, UNITS = 6, 40, 5
LINEAR = SimpleRNN(UNITS, UNITS, activation="linear")
sigma, tanh = NONLINEARITIES["sigmoid"], NONLINEARITIES["tanh"]


def sample(layer, seed=3):
    rng = np.random.default_rng(seed)
    params = random_like(rng, jax.eval_shape(layer.init, jax.random.key(0)), 0.6)
    carry = random_like(rng, jax.eval_shape(lambda: layer.initial_carry((ROWS,))), 0.8)
    return layer, params, rng.standard_normal((STEPS, ROWS, layer.input_size)), carry


def input_masks(rate, key=KEY):
    """What reaches a cell of inputs that are ones, ``[T, B, D]``."""
    params = SimpleRNNParams(np.eye(UNITS), np.zeros((UNITS, UNITS)), np.zeros(UNITS))
    xs = np.ones((STEPS, ROWS, UNITS))
    return unroll(Dropout(LINEAR, inputs=rate), params, xs, key=key)[1]


def state_masks(rate, key=KEY):
    """What is left of a state of ones after every step, each multiplying by the mask once."""
    params = SimpleRNNParams(np.zeros((UNITS, UNITS)), np.eye(UNITS), np.zeros(UNITS))
    carry = SimpleRNNCarry(np.ones((ROWS, UNITS)))
    xs = np.zeros((STEPS, ROWS, UNITS))
    return unroll(Dropout(LINEAR, state=rate), params, xs, carry, key=key)[1]


def update_masks(rate, key=KEY):
    """What a memory gains at every step that adds one to it, ``[T, B, H]``."""
    cell = LSTM(1, UNITS, activation="linear", recurrent_activation="linear")
    ones = np.ones(UNITS)
    params = LSTMParams(
        np.zeros((1, 4 * UNITS)), np.zeros((UNITS, 4 * UNITS)), np.concatenate([ones] * 4)
    )
    carries, _ = rnnjax.unroll_carries(
        Dropout(cell, update=rate), params, jnp.zeros((STEPS, ROWS, 1)), key=key
    )
    return np.diff(np.asarray(carries.c), axis=0, prepend=0)


class MatrixParams(NamedTuple):
    w_h: Any


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class Matrix(rnnjax.Cell):
    """Gives its state times its matrix, and keeps the state."""

    input_size: int
    width: int

    @property
    def output_size(self):
        return self.width

    def init(self, key):
        del key
        return MatrixParams(jnp.ones((UNITS, self.width)))

    def initial_carry(self, batch_shape=(), dtype=None):
        return SimpleRNNCarry(jnp.zeros((*batch_shape, UNITS), dtype))

    def project(self, params, x):
        return x

    def step(self, params, carry, z):
        return carry, carry.h @ params.w_h


def weight_mask(rate, key=KEY, width=UNITS):
    """What is left of a matrix of ones, at every step: ``[T, H, width]``."""
    layer = Dropout(Matrix(1, width), weights=rate)
    params, carry = layer.init(key), SimpleRNNCarry(np.eye(UNITS))
    return unroll(layer, params, np.zeros((STEPS, UNITS, 1)), carry, key=key)[1]


def assert_mask(mask, rate):
    """Zeros and 1 / (1 - rate), in the proportion that the rate says."""
    np.testing.assert_allclose(np.unique(mask.round(12)), [0, 1 / (1 - rate)])
    spread = np.sqrt(rate * (1 - rate) / mask.size)
    assert abs((mask == 0).mean() - rate) < 4 * spread


def test_inputs_have_one_mask_per_row_for_all_steps():
    masks = input_masks(0.3)
    assert_mask(masks[0], 0.3)
    assert (masks == masks[0]).all()
    assert len(np.unique(masks[0], axis=0)) > ROWS / 3


def test_the_state_has_one_mask_per_row_for_all_steps():
    powers = state_masks(0.3)
    mask = powers[0]
    assert_mask(mask, 0.3)
    assert_close(powers, np.stack([mask**t for t in range(1, STEPS + 1)]))
    assert len(np.unique(mask, axis=0)) > ROWS / 3


def test_the_update_has_a_new_mask_at_every_step():
    masks = update_masks(0.3)
    assert_mask(masks, 0.3)
    for before, after in itertools.pairwise(masks):
        assert (before != after).mean() > 0.3


def test_the_weights_have_one_mask_for_the_whole_batch():
    masks = weight_mask(0.4)
    np.testing.assert_allclose(np.unique(masks.round(12)), [0, 1 / 0.6])
    assert 0.1 < (masks[0] == 0).mean() < 0.7
    assert (masks[0] != masks[0][:1]).any()
    assert (masks[0] != masks[0][:, :1]).any()
    assert (masks[0] == masks[1]).all()


def test_another_key_draws_other_masks():
    other = jax.random.key(8)
    for masks in (input_masks, state_masks, update_masks, weight_mask):
        assert (masks(0.5) == masks(0.5)).all()
        assert (masks(0.5) != masks(0.5, other)).mean() > 0.2


def test_the_masks_of_the_four_places_are_not_the_same():
    drawn = [input_masks(0.5)[0], state_masks(0.5)[0], update_masks(0.5)[0]]
    for i, one in enumerate(drawn):
        for other in drawn[:i]:
            assert (one != other).mean() > 0.3


def test_an_lstm_with_all_of_them_equals_its_equations():
    layer, params, xs, carry = sample(Dropout(LSTM(UNITS, UNITS), 0.2, 0.3, 0.4, 0.5))
    m_x, m_h, m_g = input_masks(0.2)[0], state_masks(0.3)[0], update_masks(0.4)
    w_h = params.w_h * weight_mask(0.5, width=4 * UNITS)[0]
    h, c, ys = carry.h, carry.c, []
    for x, update in zip(xs, m_g, strict=True):
        i, f, g, o = np.split((m_x * x) @ params.w_x + (m_h * h) @ w_h + params.b, 4, axis=-1)
        c = sigma(f) * c + sigma(i) * update * tanh(g)
        h = sigma(o) * tanh(c)
        ys.append(h)
    assert_close(unroll(layer, params, xs, carry, key=KEY), (LSTMCarry(h, c), np.stack(ys)))


@pytest.mark.parametrize("reset_after", [True, False])
def test_a_gru_keeps_the_full_value_of_its_state(reset_after):
    cell = GRU(UNITS, UNITS, reset_after=reset_after)
    layer, params, xs, carry = sample(Dropout(cell, state=0.3, update=0.4))
    m_h, m_n = state_masks(0.3)[0], update_masks(0.4)
    w, u = (np.split(p, 3, axis=-1) for p in (params.w_x, params.w_h))
    b = np.split(params.b, 3)
    b_h = np.split(params.b_h, 3) if reset_after else [0, 0, 0]
    h, ys = carry.h, []
    for x, update in zip(xs, m_n, strict=True):
        r = sigma(x @ w[0] + b[0] + (m_h * h) @ u[0] + b_h[0])
        z = sigma(x @ w[1] + b[1] + (m_h * h) @ u[1] + b_h[1])
        reads = r * ((m_h * h) @ u[2] + b_h[2]) if reset_after else (r * m_h * h) @ u[2]
        h = z * h + (1 - z) * update * tanh(x @ w[2] + b[2] + reads)
        ys.append(h)
    assert_close(unroll(layer, params, xs, carry, key=KEY)[1], np.stack(ys))


def test_a_projected_state_is_dropped_where_it_is_read():
    layer, params, xs, carry = sample(Dropout(LSTMP(UNITS, 7, UNITS), state=0.3))
    m_h = state_masks(0.3)[0]
    h, c, ys = carry.h, carry.c, []
    for x in xs:
        i, f, g, o = np.split(x @ params.w_x + (m_h * h) @ params.w_h + params.b, 4, axis=-1)
        c = sigma(f) * c + sigma(i) * tanh(g)
        h = (sigma(o) * tanh(c)) @ params.w_p
        ys.append(h)
    assert_close(unroll(layer, params, xs, carry, key=KEY)[1], np.stack(ys))


def test_without_a_key_and_with_rates_of_zero_nothing_is_dropped():
    cell = LSTM(UNITS, UNITS)
    layer, params, xs, carry = sample(Dropout(cell, 0.2, 0.3, 0.4, 0.5))
    plain = unroll(cell, params, xs, carry)
    assert_close(unroll(layer, params, xs, carry), plain, tolerance=0)
    assert_close(unroll(Dropout(cell), params, xs, carry, key=KEY), plain, tolerance=0)
    assert_close(layer(params, carry, xs[0]), cell(params, carry, xs[0]), tolerance=0)
    assert (unroll(layer, params, xs, carry, key=KEY)[1] != plain[1]).all()


NOISY = Stack(
    (
        Bidirectional(Dropout(GRU(3, 4), inputs=0.2, state=0.3, update=0.2), merge="sum"),
        Dropout(rnnjax.Zoneout(LSTM(4, 4), h=0.2, c=0.3), inputs=0.1, weights=0.4),
    ),
    dropout=0.3,
)
MASK = np.random.default_rng(5).random((35, 3)) < 0.8
RESETS = np.random.default_rng(6).random((35, 3)) < 0.1


def long_sample():
    rng = np.random.default_rng(4)
    params = random_like(rng, jax.eval_shape(NOISY.init, jax.random.key(0)), 0.6)
    return params, rng.standard_normal((35, 3, 3))


@pytest.mark.parametrize("reverse", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_gradients_under_one_key_are_those_of_a_plain_scan(reverse):
    params, xs = long_sample()
    rng = np.random.default_rng(1)
    tangents = random_like(rng, (params, xs))
    run = functools.partial(
        rnnjax.unroll, NOISY, mask=MASK, resets=RESETS, reverse=reverse, key=KEY
    )

    @running.quick_jit
    def push(*arguments):
        return jax.jvp(lambda p, x: run(p, x, executor="scan"), arguments, tangents)

    outputs, pushed = jax.device_get(push(params, xs))
    cotangents = random_like(rng, outputs)

    @running.quick_jit
    def pull(*arguments):
        outputs, vjp = jax.vjp(run, *arguments)
        return outputs, vjp(cotangents)

    found, gradients = jax.device_get(pull(params, xs))
    assert_close(found, outputs)
    np.testing.assert_allclose(
        running.dot(gradients, tangents), running.dot(cotangents, pushed), rtol=1e-9
    )


def test_what_lies_behind_the_mask_reaches_nothing_in_training():
    params, xs = long_sample()
    xs, mask = xs[:STEPS], MASK[:STEPS]
    assert not mask.all()
    poisoned = np.where(mask[..., None], xs, np.nan)
    carry = NOISY.initial_carry((3,))

    @running.quick_jit
    def run(xs):
        run = functools.partial(rnnjax.unroll, NOISY, mask=mask, key=KEY)
        outputs, vjp = jax.vjp(run, params, xs, carry)
        return outputs, vjp(jax.tree.map(jnp.cos, outputs))

    assert_close(*jax.device_get((run(poisoned), run(xs))))


def test_a_stack_drops_between_its_layers_anew_at_every_step():
    identity = SimpleRNNParams(np.eye(UNITS), np.zeros((UNITS, UNITS)), np.zeros(UNITS))
    ones = np.ones((STEPS, ROWS, UNITS))
    two = Stack((LINEAR, LINEAR), dropout=0.3)
    ys = unroll(two, (identity, identity), ones, key=KEY)[1]
    assert_mask(ys, 0.3)
    assert (ys[0] != ys[1]).mean() > 0.3
    assert (unroll(two, (identity, identity), ones)[1] == 1).all()
    one = Stack((LINEAR,), dropout=0.3)
    assert (unroll(one, (identity,), ones, key=KEY)[1] == 1).all(), "not above the top layer"


def test_layers_and_directions_draw_masks_of_their_own():
    identity = SimpleRNNParams(np.eye(UNITS), np.zeros((UNITS, UNITS)), np.zeros(UNITS))
    ones = np.ones((STEPS, ROWS, UNITS))
    drop = Dropout(LINEAR, inputs=0.5)
    ways = Bidirectional(drop, merge="none")
    ahead, behind = unroll(ways, BidirectionalParams(identity, identity), ones, key=KEY)[1]
    assert (ahead != behind).mean() > 0.3
    once = unroll(Stack((drop, LINEAR)), (identity, identity), ones, key=KEY)[1]
    twice = unroll(Stack((drop, drop)), (identity, identity), ones, key=KEY)[1]
    assert ((twice != 0).mean() - 0.25) < 0.1 < (once != 0).mean() - (twice != 0).mean()


def test_the_mean_over_keys_is_the_evaluation():
    layer, params, xs, carry = sample(Dropout(LINEAR, 0.2, 0.3, 0.0, 0.4))
    xs, carry = xs[:1, :4], SimpleRNNCarry(carry.h[:4])
    keys = jax.random.split(KEY, 4000)
    draw = jax.vmap(lambda key: rnnjax.unroll(layer, params, xs, carry, key=key)[1])
    drawn, expected = np.asarray(jax.jit(draw)(keys)), unroll(LINEAR, params, xs, carry)[1]
    error = drawn.std(axis=0) / np.sqrt(len(keys))
    assert (np.abs(drawn.mean(axis=0) - expected) < 5 * error).all()


@pytest.mark.parametrize(
    ("build", "complaint"),
    [
        (lambda: Dropout(LSTM(3, 4), inputs=1.0), "inputs must be a rate .* not 1.0"),
        (lambda: Dropout(LSTM(3, 4), state=-0.1), "state must be a rate"),
        (lambda: Dropout(LSTM(3, 4), weights=True), "weights must be a rate"),
        (lambda: Dropout("lstm"), "expected cells"),
        (lambda: Dropout(SimpleRNN(3, 4), update=0.1), "SimpleRNN has no update"),
        (lambda: Dropout(Stack((LSTM(3, 4),)), state=0.1), "Stack has no state"),
        (lambda: Dropout(Reversed(LSTM(3, 4)), state=0.1), "Reversed has no state"),
        (lambda: Dropout(Bidirectional(LSTM(3, 4)), weights=0.1), "no matrix w_h"),
        (lambda: Dropout(Dropout(LSTM(3, 4), 0.1), 0.1), "dropout already"),
        (lambda: Stack((LSTM(3, 4),), dropout=1.5), "Stack: dropout must be a rate"),
    ],
)
def test_what_can_not_be_dropped_is_refused(build, complaint):
    with pytest.raises(ValueError, match=complaint):
        build()


def test_inputs_of_any_layer_can_be_dropped():
    layer = Dropout(Bidirectional(GRU(3, 4)), inputs=0.5)
    params = layer.init(KEY)
    xs = np.random.default_rng(0).standard_normal((4, 2, 3))
    assert (unroll(layer, params, xs, key=KEY)[1] != unroll(layer, params, xs)[1]).all()
