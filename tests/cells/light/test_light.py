"""What light cells become for some parameters, and what they begin with."""

# NumPy arrays go where JAX arrays are declared.
# pyright: reportArgumentType=false

from __future__ import annotations

import jax
import numpy as np
import pytest

from rnnjax import GRU, LSTM, FastGRNN, FastRNN, IndRNN, IndyGRU, IndyLSTM, SimpleRNN
from rnnjax.cells.gru import GRUParams
from rnnjax.cells.light.diagonal import DiagonalParams
from rnnjax.cells.light.fast import FastGRNNParams, FastRNNParams
from rnnjax.cells.lstm import LSTMParams
from rnnjax.cells.simple_rnn import SimpleRNNParams
from tests.running import assert_close

pytestmark = pytest.mark.usefixtures("x64")

RNG = np.random.default_rng(0)
X, H, C = (RNG.standard_normal((2, size)) for size in (3, 4, 4))
W, U, B = RNG.standard_normal((3, 16)), RNG.standard_normal((4, 16)), RNG.standard_normal(16)


def step(cell, params, *carry):
    after, y = cell(params, cell.carry_type(*carry), X)
    return tuple(after), y


def diagonal(u):
    """The fused matrices of the state ``[H, G H]`` of fused diagonals."""
    return np.concatenate([np.diag(own) for own in np.split(u, u.size // 4)], axis=1)


def test_fast_rnn_with_scalars_of_one_and_nothing_is_a_simple_rnn():
    w, u, b = W[:, :4], U[:, :4], B[:4]
    scalars = np.array([50.0]), np.array([-50.0])
    found = step(FastRNN(3, 4), FastRNNParams(w, u, b, *scalars), H)
    assert_close(found, step(SimpleRNN(3, 4), SimpleRNNParams(w, u, b), H))


def test_fast_rnn_with_opposite_scalars_is_a_leaky_integrator():
    w, u, b = W[:, :4], U[:, :4], B[:4]
    scalars = np.array([0.7]), np.array([-0.7])
    _, y = step(FastRNN(3, 4), FastRNNParams(w, u, b, *scalars), H)
    _, new = step(SimpleRNN(3, 4), SimpleRNNParams(w, u, b), H)
    assert_close(y - H, (new - H) / (1 + np.exp(-0.7)))


def test_fast_grnn_is_a_gru_without_reset_that_shares_its_matrices():
    w, u, b = W[:, :4], U[:, :4], B[:8]
    scalars = np.array([50.0]), np.array([-50.0])
    found = step(FastGRNN(3, 4), FastGRNNParams(w, u, b, *scalars), H)
    none, open_gate = 0 * w, np.full(4, 50.0)
    gru = GRUParams(
        np.concatenate([none, w, w], 1),
        np.concatenate([0 * u, u, u], 1),
        np.concatenate([open_gate, b]),
    )
    assert_close(found, step(GRU(3, 4, reset_after=False), gru, H))


@pytest.mark.parametrize(("kind", "first"), [(FastRNN, (-3, 3)), (FastGRNN, (1, -4))])
def test_fast_cells_begin_as_the_official_code_does(kind, first):
    params = kind(30, 50).init(jax.random.key(0))
    assert_close(params[3:5], tuple(np.full(1, float(value)) for value in first))
    assert (params.b == 1).all()
    for matrix in (params.w_x, params.w_h, *kind(30, 50, "tanh", 20, 20).init(jax.random.key(1))):
        if matrix.ndim == 2:
            np.testing.assert_allclose(np.std(matrix), 0.1, rtol=0.1)


def test_ind_rnn_is_a_simple_rnn_of_a_diagonal_matrix():
    w, u, b = W[:, :4], B[4:8], B[:4]
    found = step(IndRNN(3, 4), DiagonalParams(w, u, b), H)
    expected = step(SimpleRNN(3, 4, "relu"), SimpleRNNParams(w, diagonal(u), b), H)
    assert_close(found, expected)


def test_ind_rnn_begins_and_is_kept_between_bounds():
    assert 0 <= IndRNN(3, 200).init(jax.random.key(0)).u.min() < 0.1
    least = IndRNN.keeping(784, 5.0)
    np.testing.assert_allclose(least**784, 1 / 5)
    cell = IndRNN(3, 200, least=least, largest=1.01)
    params = cell.init(jax.random.key(0))
    assert least <= params.u.min() < params.u.max() <= 1.01
    clipped = IndRNN.clip(params._replace(u=params.u - 2), 1.005)
    assert (np.abs(clipped.u) <= 1.005).all()
    assert_close(IndRNN.clip(params, 1.005)._replace(u=params.u), params)


def test_indy_lstm_is_an_lstm_of_diagonal_matrices():
    found = step(IndyLSTM(3, 4), DiagonalParams(W, U[0], B), H, C)
    assert_close(found, step(LSTM(3, 4), LSTMParams(W, diagonal(U[0]), B), H, C))


@pytest.mark.parametrize("reset_after", [False, True])
def test_indy_gru_is_a_gru_of_diagonal_matrices(reset_after):
    w, u, b = W[:, :12], U[0, :12], B[:12]
    found = step(IndyGRU(3, 4), DiagonalParams(w, u, b), H)
    gru = GRU(3, 4, reset_after=reset_after)
    assert_close(found, step(gru, GRUParams(w, diagonal(u), b), H))


def test_indy_cells_begin_with_open_gates():
    params = IndyLSTM(3, 50).init(jax.random.key(0))
    assert_close(params.b, np.repeat([0.0, 1.0, 0.0, 0.0], 50))
    assert params.u.min() < -0.9 < 0.9 < params.u.max()
    other = IndyLSTM(3, 50).init(jax.random.key(1))
    assert (other.u != params.u).all()
    assert_close(IndyGRU(3, 2).init(jax.random.key(0)).b, np.repeat([1.0, 1.0, 0.0], 2))
