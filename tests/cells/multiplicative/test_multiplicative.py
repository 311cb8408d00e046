"""What multiplicative cells become for some parameters, and what they begin with."""

# NumPy arrays go where JAX arrays are declared.
# pyright: reportArgumentType=false

from __future__ import annotations

import jax
import numpy as np
import pytest

from rnnjax import (
    GRU,
    LSTM,
    MIGRU,
    MILSTM,
    MIRNN,
    FastWeightsRNN,
    MogrifierLSTM,
    MultiplicativeLSTM,
    MultiplicativeRNN,
    SimpleRNN,
)
from rnnjax.cells.gru import GRUParams
from rnnjax.cells.lstm import LSTMParams
from rnnjax.cells.multiplicative.factored import FactoredParams
from rnnjax.cells.multiplicative.fast_weights_rnn import FastWeightsParams
from rnnjax.cells.multiplicative.integration import IntegrationParams
from rnnjax.cells.simple_rnn import SimpleRNNParams
from rnnjax.normalization import layer_norm
from tests.running import assert_close

pytestmark = pytest.mark.usefixtures("x64")

RNG = np.random.default_rng(0)
# The last feature is always 1.
X = np.concatenate([RNG.standard_normal((2, 2)), np.ones((2, 1))], axis=1)
H, C = RNG.standard_normal((2, 2, 4))
W, U, B = RNG.standard_normal((3, 16)), RNG.standard_normal((4, 16)), RNG.standard_normal(16)


def step(cell, params, *carry):
    after, y = cell(params, cell.carry_type(*carry), X)
    return tuple(after), y


def constant(factors):
    """A matrix of the input that gives ones."""
    return np.stack([np.zeros(factors)] * 2 + [np.ones(factors)])


def test_a_factor_of_one_leaves_a_simple_rnn():
    w, v, b, u = W[:, :4], U[:2, :4], B[:4], U[:, 4:6]
    params = FactoredParams(w, v, b, constant(2), u)
    found = step(MultiplicativeRNN(3, 4, 2), params, H)
    assert_close(found, step(SimpleRNN(3, 4), SimpleRNNParams(w, u @ v, b), H))


def test_a_factor_of_one_leaves_an_lstm():
    params = FactoredParams(W, U, B, constant(4), np.eye(4))
    found = step(MultiplicativeLSTM(3, 4), params, H, C)
    assert_close(found, step(LSTM(3, 4), LSTMParams(W, U, B), H, C))


@pytest.mark.parametrize(
    ("cell", "parent", "kind", "num_gates"),
    [
        (MIRNN(3, 4), SimpleRNN(3, 4), SimpleRNNParams, 1),
        (MILSTM(3, 4), LSTM(3, 4), LSTMParams, 4),
        (MIGRU(3, 4), GRU(3, 4, reset_after=False), GRUParams, 3),
    ],
    ids=lambda own: type(own).__name__,
)
def test_integration_without_a_product_leaves_the_parent(cell, parent, kind, num_gates):
    size = 4 * num_gates
    w, u, b = W[:, :size], U[:, :size], B[:size]
    params = IntegrationParams(w, u, b, np.zeros(size), np.ones(size), np.ones(size))
    carry = (H, C)[: len(cell.carry_type._fields)]
    assert_close(step(cell, params, *carry), step(parent, kind(w, u, b), *carry))


def test_integration_begins_with_the_weights_that_it_is_given():
    params = MILSTM(3, 4, 2.0, 0.5, 0.25).init(jax.random.key(0))
    assert_close(params[3:], tuple(np.full(16, value) for value in (2.0, 0.5, 0.25)))
    assert_close(params.b, np.repeat([0.0, 1.0, 0.0, 0.0], 4))
    assert_close(MIRNN(3, 4).init(jax.random.key(0))[3:], (np.ones(4),) * 3)


@pytest.mark.parametrize("rounds", [1, 2, 5])
def test_a_mogrifier_of_zeros_is_an_lstm(rounds):
    cell = MogrifierLSTM(3, 4, rounds)
    zeros = jax.tree.map(np.zeros_like, cell.init(jax.random.key(0)))
    found = step(cell, zeros._replace(w_x=W, w_h=U, b=B), H, C)
    assert_close(found, step(LSTM(3, 4), LSTMParams(W, U, B), H, C))


def test_low_rank_is_a_product_of_two_matrices():
    full, low = MogrifierLSTM(3, 4, 3), MogrifierLSTM(3, 4, 3, 2)
    params = low.init(jax.random.key(0))
    q, r = params.q @ params.q_out, params.r @ params.r_out
    whole = params._replace(q=q, r=r, q_out=None, r_out=None)
    assert_close(step(low, params, H, C), step(full, whole, H, C))


def test_a_capped_input_gate_keeps_the_memory_below_one():
    cell = MogrifierLSTM(3, 4, cap_input_gate=True)
    params = cell.init(jax.random.key(0))
    open_gates = params._replace(b=params.b + 50)
    (_, c), _ = step(cell, open_gates, H, 0.9 + 0 * C)
    assert (np.abs(c) <= 1).all()
    (_, c), _ = step(MogrifierLSTM(3, 4), open_gates, H, 0.9 + 0 * C)
    assert (c > 1.5).all()


def test_mogrifiers_begin_with_matrices_that_differ():
    params = MogrifierLSTM(3, 4).init(jax.random.key(0))
    assert params.q.shape == (3, 4, 3)
    assert params.r.shape == (2, 3, 4)
    assert np.unique(params.q).size == 36
    assert (params.b_q == 0).all()
    assert MogrifierLSTM(3, 4, use_bias=False).init(jax.random.key(0)).b_q is None


def fast_weights():
    gain, shift = RNG.standard_normal((2, 4))
    return FastWeightsParams(W[:, :4], U[:, :4], B[:4], gain, shift)


@pytest.mark.parametrize("inner_steps", [1, 3])
def test_fast_weights_of_no_rate_leave_a_normalised_simple_rnn(inner_steps):
    params, cell = fast_weights(), FastWeightsRNN(3, 4, rate=0, inner_steps=inner_steps)
    (_, a), y = step(cell, params, H, np.zeros((2, 4, 4)))
    _, sums = step(SimpleRNN(3, 4, "linear"), SimpleRNNParams(*params[:3]), H)
    normed = layer_norm(sums, params.gain, params.shift, epsilon=1e-5)
    assert_close((a, y), (np.zeros((2, 4, 4)), np.maximum(normed, 0)))


def test_fast_weights_are_attention_to_past_states():
    cell, params = FastWeightsRNN(3, 4, 0.8, 0.3), fast_weights()
    carry, past = cell.initial_carry((2,)), [np.zeros((2, 4))]
    for _ in range(4):
        carry, y = cell(params, carry, X)
        past.append(np.asarray(y))
    *past, _ = past
    s = RNG.standard_normal((2, 4))
    t = len(past)
    read = sum(
        0.3 * 0.8 ** (t - 1 - k) * (s * h).sum(axis=-1, keepdims=True) * h
        for k, h in enumerate(past)
    )
    assert_close((s[:, None] @ carry.a)[:, 0], read)


def test_fast_weights_begin_with_little_of_the_identity():
    params = FastWeightsRNN(3, 4).init(jax.random.key(0))
    assert_close(params.w_h, 0.05 * np.eye(4))
    assert_close(params[3:], (np.ones(4), np.zeros(4)))
    other = FastWeightsRNN(3, 4).init(jax.random.key(1))
    assert (params.w_x != other.w_x).all()
