"""More gated cells in float64 NumPy, one row and one step at a time, from their papers."""

import numpy as np

from rnnjax.cells.gated import (
    BRC,
    MUT1,
    MUT2,
    MUT3,
    NAS,
    NBRC,
    RHN,
    SCRN,
    STAR,
    NestedLSTM,
    SlimGRU,
    SlimLSTM,
    SlimMGU,
)
from tests.cells_under_test import CellUnderTest
from tests.oracles import columns, sigmoid


def _blocks(fused, names, size):
    """Blocks of a fused last axis by name, transposed to columns."""
    return {name: fused[..., k * size : (k + 1) * size].T for k, name in enumerate(names)}


def _biases(b, names, size):
    return dict.fromkeys(names, 0.0) if b is None else _blocks(b, names, size)


def _itself(p, x):
    return x if p.p is None else p.p.T @ x


def mut1(p, carry, x):
    (h,) = carry
    w, u = _blocks(p.w_x, "zr", h.size), _blocks(p.w_h, "rn", h.size)
    b = _biases(p.b, "zrn", h.size)
    z = sigmoid(w["z"] @ x + b["z"])
    r = sigmoid(w["r"] @ x + u["r"] @ h + b["r"])
    g = np.tanh(u["n"] @ (r * h) + np.tanh(_itself(p, x)) + b["n"])
    h = z * g + (1 - z) * h
    return (h,), h


def mut2(p, carry, x):
    (h,) = carry
    w, u = _blocks(p.w_x, "zn", h.size), _blocks(p.w_h, "zrn", h.size)
    b = _biases(p.b, "zrn", h.size)
    z = sigmoid(w["z"] @ x + u["z"] @ h + b["z"])
    r = sigmoid(_itself(p, x) + u["r"] @ h + b["r"])
    g = np.tanh(w["n"] @ x + u["n"] @ (r * h) + b["n"])
    h = z * g + (1 - z) * h
    return (h,), h


def mut3(p, carry, x):
    (h,) = carry
    w, u, b = columns(p, "zrn", h.size)
    z = sigmoid(w["z"] @ x + u["z"] @ np.tanh(h) + b["z"])
    r = sigmoid(w["r"] @ x + u["r"] @ h + b["r"])
    g = np.tanh(w["n"] @ x + u["n"] @ (r * h) + b["n"])
    h = z * g + (1 - z) * h
    return (h,), h


def nas(p, carry, x):
    h, c = carry
    w, u, b = columns(p, "01234567", h.size)
    a = {k: w[k] @ x + (u[k] @ h + b[k]) for k in "0124567"}
    a["3"] = (w["3"] @ x) * (u["3"] @ h + b["3"])
    inner = [
        np.tanh(sigmoid(a["0"]) * np.maximum(a["1"], 0)),
        np.tanh(sigmoid(a["2"]) + np.maximum(a["3"], 0)),
        np.tanh(np.tanh(a["4"]) * sigmoid(a["5"])),
        sigmoid(np.tanh(a["6"]) + sigmoid(a["7"])),
    ]
    c = np.tanh(inner[0] + c) * inner[1]
    h = np.tanh(c * np.tanh(inner[2] + inner[3]))
    return (h, c), h


def brc(p, carry, x):
    (h,) = carry
    w, b = _blocks(p.w_x, "acn", h.size), _biases(p.b, "ac", h.size)
    u = _blocks(p.w_h, "ac", h.size)
    a = 1 + np.tanh(w["a"] @ x + u["a"] * h + b["a"])
    c = sigmoid(w["c"] @ x + u["c"] * h + b["c"])
    h = c * h + (1 - c) * np.tanh(w["n"] @ x + a * h)
    return (h,), h


def nbrc(p, carry, x):
    (h,) = carry
    w, b = _blocks(p.w_x, "acn", h.size), _biases(p.b, "ac", h.size)
    u = _blocks(p.w_h, "ac", h.size)
    a = 1 + np.tanh(w["a"] @ x + u["a"] @ h + b["a"])
    c = sigmoid(w["c"] @ x + u["c"] @ h + b["c"])
    h = c * h + (1 - c) * np.tanh(w["n"] @ x + a * h)
    return (h,), h


def star(p, carry, x):
    (h,) = carry
    w, u, b = columns(p, "kn", h.size)
    k = sigmoid(w["k"] @ x + u["k"] @ h + b["k"])
    z = np.tanh(w["n"] @ x + b["n"])
    h = np.tanh((1 - k) * h + k * z)
    return (h,), h


def nested_lstm(outermost):
    def level(params, memories, h, x, phi):
        """One cell: its new state and the new memories of it and of those inside of it."""
        c = memories[0]
        w, u, b = columns(params[0], "ifgo", c.size)
        i, f, o = (sigmoid(w[k] @ x + u[k] @ h + b[k]) for k in "ifo")
        g = phi(w["g"] @ x + u["g"] @ h + b["g"])
        if len(params) == 1:
            after = [f * c + i * g]
        else:
            state, inside = level(params[1:], memories[1:], f * c, i * g, np.tanh)
            after = [state, *inside]
        return o * np.tanh(after[0]), after

    def step(p, carry, x):
        h, c = carry
        h, after = level(p, list(c), h, x, outermost)
        return (h, np.array(after)), h

    return step


def _gate(p, names, name, h):
    """A gate of a slim cell, whichever parameters it has left."""
    a = np.zeros(h.size)
    if p.u is not None:
        u = _blocks(p.u, names, h.size)[name]
        a = a + (u * h if u.ndim == 1 else u @ h)
    if p.b_u is not None:
        a = a + _blocks(p.b_u, names, h.size)[name]
    return sigmoid(a)


def slim_lstm(learned="ifo", **constants):
    def step(p, carry, x):
        h, c = carry
        i, f, o = (
            _gate(p, learned, name, h) if name in learned else constants[name] for name in "ifo"
        )
        read = p.w_h * h if p.w_h.ndim == 1 else p.w_h.T @ h
        g = np.tanh(p.w_x.T @ x + read + (0 if p.b is None else p.b))
        c = f * c + i * g
        h = o * np.tanh(c)
        return (h, c), h

    return step


def slim_gru(p, carry, x):
    (h,) = carry
    r, z = (_gate(p, "rz", name, h) for name in "rz")
    n = np.tanh(p.w_x.T @ x + p.w_h.T @ (r * h) + (0 if p.b is None else p.b))
    h = (1 - z) * h + z * n
    return (h,), h


def slim_mgu(p, carry, x):
    (h,) = carry
    f = _gate(p, "f", "f", h)
    n = np.tanh(p.w_x.T @ x + p.w_h.T @ (f * h) + (0 if p.b is None else p.b))
    h = (1 - f) * h + f * n
    return (h,), h


def rhn(depth, names="gt"):
    def step(p, carry, x):
        (s,) = carry
        w = _blocks(p.w_x, names, s.size)
        width = len(names) * s.size
        for layer in range(depth):
            own = slice(layer * width, (layer + 1) * width)
            r = _blocks(p.w_h[:, own], names, s.size)
            b = _biases(None if p.b is None else p.b[own], names, s.size)
            a = {k: r[k] @ s + b[k] + (w[k] @ x if layer == 0 else 0) for k in names}
            t = sigmoid(a["t"])
            c = sigmoid(a["c"]) if "c" in names else 1 - t
            s = np.tanh(a["g"]) * t + s * c
        return (s,), s

    return step


def scrn(alpha):
    def step(p, carry, x):
        h, s = carry
        a, b = p.w_x[:, : h.size].T, p.w_x[:, h.size :].T
        s = (1 - alpha) * (b @ x) + alpha * s
        h = sigmoid(p.w_s.T @ s + a @ x + p.w_h.T @ h)
        return (h, s), np.concatenate([h, s])

    return step


# All of these begin with but one matrix, or with weights that are no matrix and not random.
_ONE_MATRIX = ("test_different_keys_give_different_parameters",)

CASES = [
    CellUnderTest("brc", lambda: BRC(3, 4), brc, exempt=_ONE_MATRIX),
    CellUnderTest("brc-no_bias", lambda: BRC(3, 4, use_bias=False), brc, exempt=_ONE_MATRIX),
    CellUnderTest("mut1", lambda: MUT1(3, 4), mut1),
    CellUnderTest("mut1-itself", lambda: MUT1(4, 4, use_bias=False), mut1),
    CellUnderTest("mut2", lambda: MUT2(3, 4), mut2),
    CellUnderTest("mut2-itself", lambda: MUT2(4, 4, use_bias=False), mut2),
    CellUnderTest("mut3", lambda: MUT3(3, 4), mut3),
    CellUnderTest("nas", lambda: NAS(3, 4), nas),
    CellUnderTest("nas-bias", lambda: NAS(3, 4, use_bias=True), nas),
    CellUnderTest("nbrc", lambda: NBRC(3, 4), nbrc),
    CellUnderTest("nested_lstm", lambda: NestedLSTM(3, 4), nested_lstm(lambda a: a)),
    CellUnderTest(
        "nested_lstm-three_levels",
        lambda: NestedLSTM(3, 4, 3, "tanh", use_bias=False),
        nested_lstm(np.tanh),
    ),
    CellUnderTest("rhn", lambda: RHN(3, 4, 3), rhn(3)),
    CellUnderTest(
        "rhn-own_gate", lambda: RHN(3, 4, 2, coupled=False, use_bias=False), rhn(2, "gtc")
    ),
    CellUnderTest("scrn", lambda: SCRN(3, 4), scrn(0.95)),
    CellUnderTest("scrn-few_slow", lambda: SCRN(3, 4, 2, alpha=0.5), scrn(0.5)),
    CellUnderTest("slim_gru", lambda: SlimGRU(3, 4), slim_gru),
    CellUnderTest("slim_gru-3", lambda: SlimGRU(3, 4, "3"), slim_gru),
    CellUnderTest("slim_lstm", lambda: SlimLSTM(3, 4), slim_lstm()),
    CellUnderTest("slim_lstm-2", lambda: SlimLSTM(3, 4, "2"), slim_lstm()),
    CellUnderTest("slim_lstm-4", lambda: SlimLSTM(3, 4, "4"), slim_lstm()),
    CellUnderTest("slim_lstm-5a", lambda: SlimLSTM(3, 4, "5a"), slim_lstm("i", f=0.96, o=1)),
    CellUnderTest("slim_lstm-6", lambda: SlimLSTM(3, 4, "6", 0.3), slim_lstm("", i=1, f=0.3, o=1)),
    CellUnderTest("slim_lstm-11", lambda: SlimLSTM(3, 4, "11"), slim_lstm(), exempt=_ONE_MATRIX),
    CellUnderTest("slim_mgu", lambda: SlimMGU(3, 4), slim_mgu),
    CellUnderTest("slim_mgu-no_bias", lambda: SlimMGU(3, 4, use_bias=False), slim_mgu),
    CellUnderTest("star", lambda: STAR(3, 4), star),
]
