"""Gated cells once more in float64 NumPy, one row and one step at a time, from their papers."""

import functools

import numpy as np

from rnnjax.cells.gated import (
    ATR,
    CFN,
    CIFGLSTM,
    JANET,
    MGU,
    RAN,
    UGRNN,
    IntersectionRNN,
    LiGRU,
    MinimalRNN,
    OriginalLSTM,
    SLiGRU,
)
from tests.cells_under_test import CellUnderTest
from tests.oracles import NONLINEARITIES, columns, sigmoid


def cifg_lstm(p, carry, x):
    h, c = carry
    w, u, b = columns(p, "fgo", h.size)
    f = sigmoid(w["f"] @ x + u["f"] @ h + b["f"])
    g = np.tanh(w["g"] @ x + u["g"] @ h + b["g"])
    o = sigmoid(w["o"] @ x + u["o"] @ h + b["o"])
    c = f * c + (1 - f) * g
    h = o * np.tanh(c)
    return (h, c), h


def mgu(p, carry, x):
    (h,) = carry
    w, u, b = columns(p, "fn", h.size)
    f = sigmoid(w["f"] @ x + u["f"] @ h + b["f"])
    n = np.tanh(w["n"] @ x + u["n"] @ (f * h) + b["n"])
    h = (1 - f) * h + f * n
    return (h,), h


def original_lstm(squash, p, carry, x):
    h, c = carry
    s_g, s_h = {
        "1997": (lambda a: 4 * sigmoid(a) - 2, lambda a: 2 * sigmoid(a) - 1),
        "tanh": (np.tanh, np.tanh),
    }[squash]
    w, u, b = columns(p, "igo", h.size)
    i = sigmoid(w["i"] @ x + u["i"] @ h + b["i"])
    o = sigmoid(w["o"] @ x + u["o"] @ h + b["o"])
    c = c + i * s_g(w["g"] @ x + u["g"] @ h + b["g"])
    h = o * s_h(c)
    return (h, c), h


def janet(beta, p, carry, x):
    (h,) = carry
    w, u, b = columns(p, "fg", h.size)
    s = w["f"] @ x + u["f"] @ h + b["f"]
    g = np.tanh(w["g"] @ x + u["g"] @ h + b["g"])
    h = sigmoid(s) * h + (1 - sigmoid(s - beta)) * g
    return (h,), h


def minimal_rnn(p, carry, x):
    (h,) = carry
    b_z, b_u = (0.0 if b is None else b for b in (p.b, p.b_u))
    z = np.tanh(p.w_x.T @ x + b_z)
    u = sigmoid(p.w_h.T @ h + p.w_v.T @ z + b_u)
    h = u * h + (1 - u) * z
    return (h,), h


def ugrnn(p, carry, x):
    (h,) = carry
    w, u, b = columns(p, "gc", h.size)
    g = sigmoid(w["g"] @ x + u["g"] @ h + b["g"])
    c = np.tanh(w["c"] @ x + u["c"] @ h + b["c"])
    h = g * h + (1 - g) * c
    return (h,), h


def intersection_rnn(p, carry, x):
    (h,) = carry
    if x.size != h.size:
        x = p.w_p.T @ x + (0.0 if p.b_p is None else p.b_p)
    w, u, b = columns(p, "kndr", h.size)  # g_h, h', g_y and y' of the paper
    g_h = sigmoid(w["k"] @ x + u["k"] @ h + b["k"])
    h_in = np.tanh(w["n"] @ x + u["n"] @ h + b["n"])
    g_y = sigmoid(w["d"] @ x + u["d"] @ h + b["d"])
    y_in = np.maximum(w["r"] @ x + u["r"] @ h + b["r"], 0)
    return (g_h * h + (1 - g_h) * h_in,), g_y * x + (1 - g_y) * y_in


def _normalized(a, epsilon):
    mean = a.sum() / a.size
    return (a - mean) / np.sqrt(((a - mean) ** 2).sum() / a.size + epsilon)


def li_gru(activation, epsilon, stabilized, p, carry, x):
    """Without an epsilon the product of the input is not normalised; then 1e-5 is the state's."""
    (h,) = carry
    ahead, back = p.w_x.T @ x, p.w_h.T @ h
    if epsilon is not None:
        ahead = p.gain * _normalized(ahead, epsilon)
    if stabilized:
        back = _normalized(back, epsilon or 1e-5)
    a_z, a_g = np.split(ahead + back + (0.0 if p.b is None else p.b), 2)
    z, g = sigmoid(a_z), NONLINEARITIES[activation](a_g)
    h = z * h + (1 - z) * g
    return (h,), h


def cfn(p, carry, x):
    (h,) = carry
    w, u, _ = columns(p, "tev", h.size)
    b_theta, b_eta = (0.0, 0.0) if p.b is None else np.split(p.b, 2)
    theta = sigmoid(u["t"] @ h + w["t"] @ x + b_theta)
    eta = sigmoid(u["e"] @ h + w["e"] @ x + b_eta)
    h = theta * np.tanh(h) + eta * np.tanh(w["v"] @ x)
    return (h,), h


def ran(activation, p, carry, x):
    h, c = carry
    w, u, _ = columns(p, "ifc", h.size)
    b_i, b_f = (0.0, 0.0) if p.b is None else np.split(p.b, 2)
    i = sigmoid(w["i"] @ x + u["i"] @ h + b_i)
    f = sigmoid(w["f"] @ x + u["f"] @ h + b_f)
    c = i * (w["c"] @ x) + f * c
    h = NONLINEARITIES[activation](c)
    return (h, c), h


def atr(p, carry, x):
    (h,) = carry
    b_p, b_q = (0.0 if b is None else b for b in (p.b, p.b_h))
    p_t, q_t = p.w_x.T @ x + b_p, p.w_h.T @ h + b_q
    h = sigmoid(p_t + q_t) * p_t + sigmoid(p_t - q_t) * h
    return (h,), h


by = functools.partial

CASES = [
    CellUnderTest("cifg_lstm", lambda: CIFGLSTM(3, 4), cifg_lstm),
    CellUnderTest("mgu", lambda: MGU(3, 4), mgu),
    CellUnderTest("mgu-no_bias", lambda: MGU(3, 4, use_bias=False), mgu),
    CellUnderTest("original_lstm", lambda: OriginalLSTM(3, 4), by(original_lstm, "1997")),
    CellUnderTest(
        "original_lstm-tanh",
        lambda: OriginalLSTM(3, 4, "tanh", use_bias=False),
        by(original_lstm, "tanh"),
    ),
    CellUnderTest("janet", lambda: JANET(3, 4), by(janet, 1.0)),
    CellUnderTest(
        "janet-beta", lambda: JANET(3, 4, beta=-0.5, longest=9, use_bias=False), by(janet, -0.5)
    ),
    CellUnderTest("minimal_rnn", lambda: MinimalRNN(3, 4), minimal_rnn),
    CellUnderTest("minimal_rnn-no_bias", lambda: MinimalRNN(3, 4, use_bias=False), minimal_rnn),
    CellUnderTest("ugrnn", lambda: UGRNN(3, 4), ugrnn),
    CellUnderTest("intersection_rnn", lambda: IntersectionRNN(4, 4), intersection_rnn),
    CellUnderTest("intersection_rnn-projected", lambda: IntersectionRNN(3, 4), intersection_rnn),
    CellUnderTest(
        "intersection_rnn-no_bias", lambda: IntersectionRNN(3, 4, use_bias=False), intersection_rnn
    ),
    CellUnderTest("li_gru", lambda: LiGRU(3, 4), by(li_gru, "relu", 1e-5, False)),
    CellUnderTest(
        "li_gru-none",
        lambda: LiGRU(3, 4, normalization="none"),
        by(li_gru, "relu", None, False),
    ),
    CellUnderTest(
        "li_gru-no_bias",
        lambda: LiGRU(3, 4, "softsign", epsilon=0.1, use_bias=False),
        by(li_gru, "softsign", 0.1, False),
    ),
    CellUnderTest("sli_gru", lambda: SLiGRU(3, 4), by(li_gru, "relu", 1e-5, True)),
    CellUnderTest(
        "sli_gru-none",
        lambda: SLiGRU(3, 4, "tanh", normalization="none", use_bias=False),
        by(li_gru, "tanh", None, True),
    ),
    CellUnderTest("cfn", lambda: CFN(3, 4), cfn),
    CellUnderTest("cfn-no_bias", lambda: CFN(3, 4, use_bias=False), cfn),
    CellUnderTest("ran", lambda: RAN(3, 4), by(ran, "tanh")),
    CellUnderTest("ran-linear", lambda: RAN(3, 4, "linear", use_bias=False), by(ran, "linear")),
    CellUnderTest("atr", lambda: ATR(3, 4), atr),
    CellUnderTest("atr-biases", lambda: ATR(3, 4, use_bias=True), atr),
]
