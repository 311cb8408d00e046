"""Cells whose recurrence is diagonal and real, as loops."""

import numpy as np

from rnnjax.cells.linear.gate_loop import GateLoop
from rnnjax.cells.linear.gilr import GILR
from rnnjax.cells.linear.hgrn import HGRN
from rnnjax.cells.linear.qrnn import QRNN
from rnnjax.cells.linear.s6 import S6
from rnnjax.cells.linear.sru import SRU
from rnnjax.cells.linear.tgru import TGRU
from rnnjax.cells.linear.tlstm import TLSTM
from rnnjax.cells.linear.trnn import TRNN
from tests.cells.linear.case import Case, sigmoid, silu, softplus


def trnn(cell, p, xs, carry):
    h, ys = carry.h, []
    for x in xs:
        z, f = np.split(x @ p.w_x, 2, axis=-1)
        f = sigmoid(f if p.b is None else f + p.b)
        h = f * h + (1 - f) * z
        ys.append(h)
    return (h,), ys


def tgru(cell, p, xs, carry):
    h, ys = carry.h, []
    for x in xs:
        z, f, o = np.split(x @ p.w_x + p.b, 3, axis=-1)
        h = sigmoid(f) * h + z * np.tanh(o)
        ys.append(h)
    return (h,), ys


def tlstm(cell, p, xs, carry):
    c, ys = carry.c, []
    for x in xs:
        z, f, o = np.split(x @ p.w_x + p.b, 3, axis=-1)
        c = sigmoid(f) * c + (1 - sigmoid(f)) * z
        ys.append(c * np.tanh(o))
    return (c,), ys


def qrnn(cell, p, xs, carry):
    c, ys = carry.c, []
    for x in xs:
        z, f, *gates = np.split(x @ p.w_x + p.b, 1 + len(cell.pooling), axis=-1)
        z, f, gates = np.tanh(z), sigmoid(f), [sigmoid(gate) for gate in gates]
        c = f * c + (gates[1] if cell.pooling == "ifo" else 1 - f) * z
        ys.append(gates[0] * c if gates else c)
    return (c,), ys


def sru(cell, p, xs, carry):
    c, ys = carry.c, []
    b_f, b_r = np.split(p.b, 2)
    show = np.tanh if cell.activation == "tanh" else lambda c: c
    for x in xs:
        own, f, r, *skip = np.split(x @ p.w_x, p.w_x.shape[1] // cell.hidden_size, axis=-1)
        alpha = np.sqrt(1 + 2 * np.exp(cell.highway_bias)) if cell.rescale else 1
        f, r = sigmoid(f + b_f), sigmoid(r + b_r)
        c = f * c + (1 - f) * own
        ys.append(r * show(c) + (1 - r) * (skip[0] if skip else alpha * x))
    return (c,), ys


def hgrn(cell, p, xs, carry):
    h, ys = carry.s, []
    for x in xs:
        i, f, g = np.split(x @ p.w_x, 3, axis=-1)
        f = cell.lower_bound + (1 - cell.lower_bound) * sigmoid(f)
        h = f * h + (1 - f) * silu(i)
        normed = h / np.sqrt(np.mean(h**2, axis=-1, keepdims=True) + cell.epsilon) * p.gain
        ys.append((normed * silu(g)) @ p.w_o)
    return (h,), ys


def gate_loop(cell, p, xs, carry):
    h, ys = carry.s, []
    for x in xs:
        v, i, *f, o = np.split(x @ p.w_x + p.b, 3 if cell.tied else 4, axis=-1)
        i = sigmoid(i)
        h = (sigmoid(f[0]) if f else 1 - i) * h + i * np.tanh(v)
        ys.append(sigmoid(o) * np.tanh(h))
    return (h,), ys


def s6(cell, p, xs, carry):
    h, ys = carry.s, []
    rank, n = p.w_dt.shape[0], cell.state_size
    for x in xs:
        low, b, c = np.split(x @ p.w_x, [rank, rank + n], axis=-1)
        step = softplus(low @ p.w_dt + p.b_dt)
        kept = np.exp(step[..., None] * -np.exp(p.a_log))
        h = kept * h + step[..., None] * b[:, None, :] * x[..., None]
        ys.append((h * c[:, None, :]).sum(-1) + p.d * x)
    return (h,), ys


def gilr(cell, p, xs, carry):
    h, ys = carry.h, []
    for x in xs:
        g, i = np.split(x @ p.w_x + p.b, 2, axis=-1)
        h = sigmoid(g) * h + (1 - sigmoid(g)) * np.tanh(i)
        ys.append(h)
    return (h,), ys


CASES = [
    Case("s6", S6(4, state_size=3, rank=2), s6),
    Case("trnn", TRNN(4, 6), trnn),
    Case("trnn-no_bias", TRNN(4, 6, use_bias=False), trnn),
    Case("tgru", TGRU(4, 6), tgru),
    Case("tlstm", TLSTM(4, 6), tlstm),
    *(Case(f"qrnn-{pooling}", QRNN(4, 6, pooling), qrnn) for pooling in ("f", "fo", "ifo")),
    Case("sru", SRU(4, 4, highway_bias=-1.0), sru),
    Case("sru-other_size", SRU(4, 6), sru),
    Case("sru-tanh", SRU(4, 4, "tanh", rescale=False), sru),
    Case("hgrn", HGRN(4, 6), hgrn),
    Case("hgrn-lower_bound", HGRN(4, 6, lower_bound=0.3), hgrn),
    Case("gate_loop", GateLoop(4, 6), gate_loop),
    Case("gate_loop-untied", GateLoop(4, 6, tied=False), gate_loop),
    Case("gilr", GILR(4, 6), gilr),
]
