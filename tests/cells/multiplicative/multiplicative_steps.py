"""Multiplicative cells in float64 NumPy, one row and one step at a time, from their papers."""

import numpy as np

from rnnjax.cells.multiplicative import (
    MIGRU,
    MILSTM,
    MIRNN,
    FastWeightsRNN,
    MogrifierLSTM,
    MultiplicativeLSTM,
    MultiplicativeRNN,
)
from tests.cells_under_test import CellUnderTest
from tests.oracles import columns, sigmoid


def multiplicative_rnn(p, carry, x):
    (h,) = carry
    m = (p.w_mx.T @ x) * (p.w_mh.T @ h)
    h = np.tanh(p.w_x.T @ x + p.w_h.T @ m + (0.0 if p.b is None else p.b))
    return (h,), h


def multiplicative_lstm(p, carry, x):
    h, c = carry
    w, v, b = columns(p, "ifgo", h.size)
    m = (p.w_mx.T @ x) * (p.w_mh.T @ h)
    a = {name: w[name] @ x + v[name] @ m + b[name] for name in "ifgo"}
    c = sigmoid(a["f"]) * c + sigmoid(a["i"]) * np.tanh(a["g"])
    h = sigmoid(a["o"]) * np.tanh(c)
    return (h, c), h


def _integrate(p, names, size):
    """The sums of each gate as a function of x and of what it reads of the state."""
    w, u, b = columns(p, names, size)
    weights = (np.split(own, len(names)) for own in (p.alpha, p.beta_h, p.beta_x))

    def gate(name, alpha, beta_1, beta_2):
        def at(x, h):
            wx, uh = w[name] @ x, u[name] @ h
            return alpha * wx * uh + beta_1 * uh + beta_2 * wx + b[name]

        return at

    return {name: gate(name, *own) for name, *own in zip(names, *weights, strict=True)}


def mi_rnn(p, carry, x):
    (h,) = carry
    h = np.tanh(_integrate(p, "h", h.size)["h"](x, h))
    return (h,), h


def mi_lstm(p, carry, x):
    h, c = carry
    a = _integrate(p, "ifgo", h.size)
    c = sigmoid(a["f"](x, h)) * c + sigmoid(a["i"](x, h)) * np.tanh(a["g"](x, h))
    h = sigmoid(a["o"](x, h)) * np.tanh(c)
    return (h, c), h


def mi_gru(p, carry, x):
    (h,) = carry
    a = _integrate(p, "rzn", h.size)
    r, z = sigmoid(a["r"](x, h)), sigmoid(a["z"](x, h))
    h = z * h + (1 - z) * np.tanh(a["n"](x, r * h))
    return (h,), h


def _turn(matrices, outs, biases, k):
    """2σ of an affine map, of low rank where there are two matrices."""

    b = 0.0 if biases is None else np.split(biases, len(matrices))[k]

    def scale(seen):
        m = matrices[k].T if outs is None else outs[k].T @ matrices[k].T
        return 2 * sigmoid(m @ seen + b)

    return scale


def mogrifier_lstm(rounds=5, capped=False):
    def step(p, carry, x):
        h, c = carry
        w, u, b = columns(p, "ifgo", h.size)
        for k in range(1, rounds + 1):
            if k % 2 == 1:
                x = _turn(p.q, p.q_out, p.b_q, (k - 1) // 2)(h) * x
            else:
                h = _turn(p.r, p.r_out, p.b_r, k // 2 - 1)(x) * h
        i, f, g, o = (w[name] @ x + u[name] @ h + b[name] for name in "ifgo")
        f, i = sigmoid(f), sigmoid(i)
        c = f * c + (np.minimum(1 - f, i) if capped else i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        return (h, c), h

    return step


def fast_weights_rnn(decay=0.95, rate=0.5, steps=1, epsilon=1e-5):
    def step(p, carry, x):
        h, a = carry
        a = decay * a + rate * np.outer(h, h)
        pre = p.w_h.T @ h + p.w_x.T @ x + (0.0 if p.b is None else p.b)
        s = np.maximum(pre, 0)
        for _ in range(steps):
            seen = pre + a.T @ s
            centred = seen - seen.mean()
            normed = centred / np.sqrt((centred**2).mean() + epsilon)
            s = np.maximum(p.gain * normed + (0.0 if p.shift is None else p.shift), 0)
        return (s, a), s

    return step


CASES = [
    CellUnderTest("multiplicative_rnn", lambda: MultiplicativeRNN(3, 4), multiplicative_rnn),
    CellUnderTest(
        "multiplicative_rnn-factors",
        lambda: MultiplicativeRNN(3, 4, factors=2, use_bias=False),
        multiplicative_rnn,
    ),
    CellUnderTest("multiplicative_lstm", lambda: MultiplicativeLSTM(3, 4), multiplicative_lstm),
    CellUnderTest("mi_rnn", lambda: MIRNN(3, 4), mi_rnn),
    CellUnderTest("mi_lstm", lambda: MILSTM(3, 4), mi_lstm),
    CellUnderTest("mi_gru", lambda: MIGRU(3, 4), mi_gru),
    CellUnderTest("mi_gru-no_bias", lambda: MIGRU(3, 4, use_bias=False), mi_gru),
    CellUnderTest("mogrifier_lstm", lambda: MogrifierLSTM(3, 4), mogrifier_lstm()),
    CellUnderTest(
        "mogrifier_lstm-low_rank_capped",
        lambda: MogrifierLSTM(3, 4, rounds=4, rank=2, cap_input_gate=True, mogrify_bias=False),
        mogrifier_lstm(4, capped=True),
    ),
    CellUnderTest(
        "fast_weights_rnn",
        lambda: FastWeightsRNN(3, 4),
        fast_weights_rnn(),
        # Its matrix of the state begins as a multiple of the identity.
        exempt=("test_different_keys_give_different_parameters",),
    ),
    CellUnderTest(
        "fast_weights_rnn-two_steps",
        lambda: FastWeightsRNN(3, 4, 0.8, -0.3, 2, epsilon=0.1, use_bias=False),
        fast_weights_rnn(0.8, -0.3, 2, 0.1),
        exempt=("test_different_keys_give_different_parameters",),
    ),
]
