"""Cells with exponential gates in float64 NumPy, one row and one step at a time."""

import numpy as np

from rnnjax.cells.gated import SLSTM
from rnnjax.cells.linear.rwkv4 import RWKV4
from tests.cells_under_test import CellUnderTest
from tests.oracles import sigmoid


def slstm(heads, *, exponential=False):
    """The exponentials as they are, over e to the carry's m, without a running maximum."""

    def step(p, carry, x):
        h, c, n, m = carry
        size = h.size // heads
        dense = np.zeros((4, h.size, h.size))  # gate, unit, unit that it reads
        for k in range(heads):
            own = slice(k * size, (k + 1) * size)
            for gate in range(4):
                dense[gate, own, own] = p.w_h[k, :, gate].T
        w = p.w_x.T.reshape(4, h.size, -1)
        b = np.zeros((4, h.size)) if p.b is None else p.b.reshape(4, -1)
        i, f, z, o = (w[gate] @ x + dense[gate] @ h + b[gate] for gate in range(4))
        forget = np.exp(f) if exponential else sigmoid(f)
        c, n = forget * c + np.exp(i - m) * np.tanh(z), forget * n + np.exp(i - m)
        scale = np.maximum(np.log(forget), i - m)
        scale = np.where(n == np.exp(i - m), i - m, scale)
        h = sigmoid(o) * c / n
        return (h, c / np.exp(scale), n / np.exp(scale), m + scale), h

    return step


def rwkv4(p, carry, x):
    """As sums of exponentials, and the values of the products with the input before."""
    before, s, n, m = carry
    size = s.size
    parts, after = [], []
    for mu, w in zip(p.mix, np.split(p.w_x.T, 3), strict=True):
        parts.append(w @ (mu * x))
        after.append(w @ ((1 - mu) * x))
    k, v, r = (own + before[i * size : (i + 1) * size] for i, own in enumerate(parts))
    now = np.exp(p.bonus + k - m)
    y = p.w_o.T @ (sigmoid(r) * (s + now * v) / (n + now))
    fading, gained = np.exp(-np.exp(p.decay)), np.exp(k - m)
    scale = np.where(n == 0, k - m, np.maximum(-np.exp(p.decay), k - m))
    s, n = fading * s + gained * v, fading * n + gained
    return (np.concatenate(after), s / np.exp(scale), n / np.exp(scale), m + scale), y


def written(params, carry):
    """What was written in all is positive."""
    return params, carry._replace(n=abs(carry.n) + np.asarray(1, carry.n.dtype))


# Some first values are the same for all keys, and for several units.
FIXED = ("test_different_keys_give_different_parameters",)

CASES = [
    CellUnderTest("slstm", lambda: SLSTM(3, 4), slstm(1), written, exempt=FIXED),
    CellUnderTest(
        "slstm-exponential",
        lambda: SLSTM(3, 4, heads=2, forget_gate="exponential", use_bias=False),
        slstm(2, exponential=True),
        written,
        exempt=FIXED,
    ),
    CellUnderTest(
        "rwkv4",
        lambda: RWKV4(3, 4),
        rwkv4,
        written,
        # With the flags of that test no output reads what has faded: its slope is 0.
        exempt=(*FIXED, "test_gradients_equal_finite_differences"),
    ),
]
