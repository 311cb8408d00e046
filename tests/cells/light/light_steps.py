"""Light cells once more in float64 NumPy, one row and one step at a time, from their papers."""

import numpy as np

from rnnjax.cells.light import FastGRNN, FastRNN, IndRNN, IndyGRU, IndyLSTM
from tests.cells_under_test import CellUnderTest
from tests.oracles import NONLINEARITIES, sigmoid


def _matrix(left, right):
    """A matrix of columns, a product of two where it is of low rank."""
    return left.T if right is None else right.T @ left.T


def fast_rnn(p, carry, x):
    (h,) = carry
    w, u = _matrix(p.w_x, p.w_x_out), _matrix(p.w_h, p.w_h_out)
    b = 0.0 if p.b is None else p.b
    h = sigmoid(p.alpha) * np.tanh(w @ x + u @ h + b) + sigmoid(p.beta) * h
    return (h,), h


def fast_grnn(phi=np.tanh, gate=sigmoid):
    def step(p, carry, x):
        (h,) = carry
        w, u = _matrix(p.w_x, p.w_x_out), _matrix(p.w_h, p.w_h_out)
        b_z, b_n = (0.0, 0.0) if p.b is None else np.split(p.b, 2)
        z = gate(w @ x + u @ h + b_z)
        n = phi(w @ x + u @ h + b_n)
        h = (sigmoid(p.zeta) * (1 - z) + sigmoid(p.nu)) * n + z * h
        return (h,), h

    return step


def ind_rnn(phi):
    def step(p, carry, x):
        (h,) = carry
        h = phi(p.w_x.T @ x + p.u * h + (0.0 if p.b is None else p.b))
        return (h,), h

    return step


def _diagonals(p, names, size):
    """W, u and b by gate."""
    b = np.zeros_like(p.u) if p.b is None else p.b
    parts = zip(*(np.split(a, len(names)) for a in (p.w_x.T, p.u, b)), strict=True)
    return dict(zip(names, parts, strict=True))


def indy_lstm(p, carry, x):
    h, c = carry
    a = {name: w @ x + u * h + b for name, (w, u, b) in _diagonals(p, "ifgo", h.size).items()}
    c = sigmoid(a["f"]) * c + sigmoid(a["i"]) * np.tanh(a["g"])
    h = sigmoid(a["o"]) * np.tanh(c)
    return (h, c), h


def indy_gru(p, carry, x):
    (h,) = carry
    gates = _diagonals(p, "rzn", h.size)
    r, z = (sigmoid(w @ x + u * h + b) for w, u, b in (gates["r"], gates["z"]))
    w, u, b = gates["n"]
    h = z * h + (1 - z) * np.tanh(w @ x + u * (r * h) + b)
    return (h,), h


ONE_MATRIX = ("test_different_keys_give_different_parameters",)
"""This property wants two matrices: here the state has none."""

CASES = [
    CellUnderTest("fast_rnn", lambda: FastRNN(3, 4), fast_rnn),
    CellUnderTest(
        "fast_rnn-low_rank",
        lambda: FastRNN(3, 4, input_rank=2, state_rank=1, use_bias=False),
        fast_rnn,
    ),
    CellUnderTest("fast_grnn", lambda: FastGRNN(3, 4), fast_grnn()),
    CellUnderTest(
        "fast_grnn-other_activations",
        lambda: FastGRNN(3, 4, "softsign", state_rank=2, recurrent_activation="hard_sigmoid"),
        fast_grnn(NONLINEARITIES["softsign"], NONLINEARITIES["hard_sigmoid"]),
    ),
    CellUnderTest("fast_grnn-no_bias", lambda: FastGRNN(3, 4, use_bias=False), fast_grnn()),
    CellUnderTest(
        "ind_rnn", lambda: IndRNN(3, 4), ind_rnn(NONLINEARITIES["relu"]), exempt=ONE_MATRIX
    ),
    CellUnderTest(
        "ind_rnn-tanh_no_bias",
        lambda: IndRNN(3, 4, "tanh", use_bias=False),
        ind_rnn(np.tanh),
        exempt=ONE_MATRIX,
    ),
    CellUnderTest("indy_lstm", lambda: IndyLSTM(3, 4), indy_lstm, exempt=ONE_MATRIX),
    CellUnderTest("indy_gru", lambda: IndyGRU(3, 4), indy_gru, exempt=ONE_MATRIX),
    CellUnderTest(
        "indy_gru-no_bias", lambda: IndyGRU(3, 4, use_bias=False), indy_gru, exempt=ONE_MATRIX
    ),
]
