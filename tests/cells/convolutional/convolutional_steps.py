"""Convolutional cells once more in float64 NumPy, one row and one step at a time."""

import itertools

import numpy as np

from rnnjax.cells.convolutional import ConvGRU, ConvLSTM, ConvRNN, ConvSTAR
from tests.cells_under_test import CellUnderTest
from tests.oracles import sigmoid


def convolve(image, kernel, strides=None, padding="same", dilation=None):
    """Pixel by pixel: at each, a sum over the places of the kernel that lie on the image."""
    space, sizes = image.shape[:-1], kernel.shape[:-2]
    strides, dilation = (given or [1] * len(space) for given in (strides, dilation))
    begins, counts = [], []
    for n, k, s, d in zip(space, sizes, strides, dilation, strict=True):
        span = (k - 1) * d + 1
        count = -(-n // s) if padding == "same" else (n - span) // s + 1
        around = max((count - 1) * s + span - n, 0) if padding == "same" else 0
        begins.append(-(around // 2))
        counts.append(count)
    out = np.zeros((*counts, kernel.shape[-1]))
    for pixel in np.ndindex(*counts):
        for tap in itertools.product(*map(range, sizes)):
            place = tuple(
                b + s * p + d * t
                for b, s, p, d, t in zip(begins, strides, pixel, dilation, tap, strict=True)
            )
            if all(0 <= at < n for at, n in zip(place, space, strict=True)):
                out[pixel] += kernel[tap].T @ image[place]
    return out


def parts(p, names, size, x, **how):
    """Of every gate: the input's convolution with its bias, and the state's kernel."""
    sums, kernels = {}, {}
    for j, name in enumerate(names):
        own = slice(j * size, (j + 1) * size)
        bias = 0.0 if p.b is None else p.b[own]
        sums[name] = convolve(x, p.w_x[..., own], **how) + bias
        kernels[name] = p.w_h[..., own]
    return sums, kernels


def conv_rnn(**how):
    def step(p, carry, x):
        (h,) = carry
        a, u = parts(p, "h", h.shape[-1], x, **how)
        h = np.tanh(a["h"] + convolve(h, u["h"]))
        return (h,), h

    return step


def conv_lstm(**how):
    def step(p, carry, x):
        h, c = carry
        a, u = parts(p, "ifgo", h.shape[-1], x, **how)
        p_i, p_f, p_o = (0.0 if own is None else own for own in (p.p_i, p.p_f, p.p_o))
        i = sigmoid(a["i"] + convolve(h, u["i"]) + p_i * c)
        f = sigmoid(a["f"] + convolve(h, u["f"]) + p_f * c)
        g = np.tanh(a["g"] + convolve(h, u["g"]))
        c = f * c + i * g
        o = sigmoid(a["o"] + convolve(h, u["o"]) + p_o * c)
        h = o * np.tanh(c)
        return (h, c), h

    return step


def conv_gru(**how):
    def step(p, carry, x):
        (h,) = carry
        a, u = parts(p, "rzn", h.shape[-1], x, **how)
        r = sigmoid(a["r"] + convolve(h, u["r"]))
        z = sigmoid(a["z"] + convolve(h, u["z"]))
        n = np.tanh(a["n"] + convolve(r * h, u["n"]))
        h = (1 - z) * h + z * n
        return (h,), h

    return step


def conv_star(**how):
    def step(p, carry, x):
        (h,) = carry
        a, u = parts(p, "kn", h.shape[-1], x, **how)
        k = sigmoid(a["k"] + convolve(h, u["k"]))
        h = k * h + (1 - k) * np.tanh(a["n"])
        return (h,), h

    return step


EVERYTHING = {"strides": (2, 1), "padding": "valid", "dilation": (1, 2)}

CASES = [
    CellUnderTest("conv_rnn", lambda: ConvRNN(2, 3, (4,), (3,)), conv_rnn()),
    CellUnderTest(
        "conv_rnn-volume", lambda: ConvRNN(1, 2, (2, 3, 2), (2, 2, 1), use_bias=False), conv_rnn()
    ),
    CellUnderTest("conv_lstm", lambda: ConvLSTM(2, 2, (3, 2), (2, 3)), conv_lstm()),
    CellUnderTest(
        "conv_lstm-no_peepholes",
        lambda: ConvLSTM(2, 2, (4, 5), (2, 2), use_peepholes=False, **EVERYTHING),
        conv_lstm(**EVERYTHING),
    ),
    CellUnderTest(
        "conv_gru",
        lambda: ConvGRU(2, 2, (5,), (3,), strides=(2,), initialization="torch"),
        conv_gru(strides=(2,)),
    ),
    CellUnderTest("conv_star", lambda: ConvSTAR(2, 2, (3, 2), (3, 1)), conv_star()),
    CellUnderTest(
        "conv_star-no_bias", lambda: ConvSTAR(2, 2, (4,), (2,), use_bias=False), conv_star()
    ),
]
