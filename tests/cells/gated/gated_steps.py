"""Gated cells once more in float64 NumPy, one row and one step at a time, from their papers."""

import numpy as np

from rnnjax.cells.gated import CIFGLSTM, MGU
from tests.cells_under_test import CellUnderTest
from tests.oracles import columns, sigmoid


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


CASES = [
    CellUnderTest("cifg_lstm", lambda: CIFGLSTM(3, 4), cifg_lstm),
    CellUnderTest("mgu", lambda: MGU(3, 4), mgu),
    CellUnderTest("mgu-no_bias", lambda: MGU(3, 4, use_bias=False), mgu),
]
