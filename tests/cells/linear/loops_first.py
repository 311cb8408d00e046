"""minGRU, minLSTM, LRU and RG-LRU as loops."""

import numpy as np

from rnnjax.cells.linear.lru import LRU
from rnnjax.cells.linear.min_gru import MinGRU
from rnnjax.cells.linear.min_lstm import MinLSTM
from rnnjax.cells.linear.rg_lru import RGLRU
from tests.cells.linear.case import Case, sigmoid, softplus


def positive(x):
    return np.where(x >= 0, x + 0.5, sigmoid(x))


def min_gru(cell, p, xs, carry):
    h, ys = carry.h, []
    for x in xs:
        z, candidate = np.split(x @ p.w_x + p.b, 2, axis=-1)
        candidate = positive(candidate) if cell.positive else candidate
        h = (1 - sigmoid(z)) * h + sigmoid(z) * candidate
        ys.append(h)
    return (h,), ys


def min_lstm(cell, p, xs, carry):
    h, ys = carry.h, []
    for x in xs:
        f, i, candidate = np.split(x @ p.w_x + p.b, 3, axis=-1)
        f, i = sigmoid(f), sigmoid(i)
        candidate = positive(candidate) if cell.positive else candidate
        h = f / (f + i) * h + i / (f + i) * candidate
        ys.append(h)
    return (h,), ys


def lru(cell, p, xs, carry):
    h, ys = carry.re + 1j * carry.im, []
    turn = np.exp(-np.exp(p.nu_log) + 1j * np.exp(p.theta_log))
    for x in xs:
        h = turn * h + np.exp(p.gamma_log) * (x @ (p.b_re + 1j * p.b_im))
        y = (h @ (p.c_re + 1j * p.c_im)).real
        ys.append(y if p.d is None else y + p.d * x)
    return (h.real, h.imag), ys


def rg_lru(cell, p, xs, carry):
    h, ys = carry.h, []
    for x in xs:
        blocks = np.split(x, cell.heads, axis=-1)
        r, i = (
            sigmoid(np.concatenate([own @ m for own, m in zip(blocks, w, strict=True)], -1) + b)
            for w, b in ((p.w_a, p.b_a), (p.w_x, p.b_x))
        )
        a = np.exp(-8 * r * softplus(p.lam))
        h = a * h + np.sqrt(1 - a**2) * i * x
        ys.append(h)
    return (h,), ys


CASES = [
    Case("min_gru", MinGRU(4, 6), min_gru),
    Case("min_gru-linear", MinGRU(4, 6, positive=False), min_gru),
    Case("min_lstm", MinLSTM(4, 6), min_lstm),
    Case("min_lstm-linear", MinLSTM(4, 6, positive=False), min_lstm),
    Case("lru", LRU(4, 6), lru),
    Case("lru-other_outputs", LRU(4, 6, num_outputs=3), lru),
    Case("rg_lru", RGLRU(4, heads=2), rg_lru),
    Case("rg_lru-power_in_ring", RGLRU(4, power_in_ring=True), rg_lru),
]
