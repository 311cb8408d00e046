"""Physical cells once more in float64 NumPy, one row and one step at a time."""

import numpy as np

from rnnjax.cells.physical import (
    LEM,
    AntisymmetricRNN,
    CoRNN,
    GatedAntisymmetricRNN,
    LipschitzRNN,
    UnICORNN,
)
from tests.cells_under_test import CellUnderTest
from tests.oracles import columns, sigmoid


def bias(b):
    return 0.0 if b is None else b


def antisymmetric_rnn(epsilon=0.1, gamma=0.01):
    def step(p, carry, x):
        (h,) = carry
        v = p.w_h.T
        m = v - v.T - gamma * np.eye(h.size)
        h = h + epsilon * np.tanh(m @ h + p.w_x.T @ x + bias(p.b))
        return (h,), h

    return step


def gated_antisymmetric_rnn(p, carry, x):
    (h,) = carry
    v = p.w_h.T
    m = v - v.T - 0.01 * np.eye(h.size)
    w_z, w = p.w_x.T[: h.size], p.w_x.T[h.size :]
    b_z, b = (0.0, 0.0) if p.b is None else (p.b[: h.size], p.b[h.size :])
    z = sigmoid(m @ h + w_z @ x + b_z)
    h = h + 0.1 * z * np.tanh(m @ h + w @ x + b)
    return (h,), h


def cornn(delta=0.076, gamma=0.4, epsilon=8.0):
    def step(p, carry, x):
        y, z = carry
        drive = np.tanh(p.w_x.T @ x + p.w_h.T @ y + p.w_z.T @ z + bias(p.b))
        z = z + delta * (drive - gamma * y - epsilon * z)
        y = y + delta * z
        return (y, z), y

    return step


def unicornn(delta=0.19, alpha=30.65):
    def step(p, carry, x):
        y, z = carry
        s = delta * sigmoid(p.c)
        z = z - s * (np.tanh(p.w_h * y + p.w_x.T @ x + bias(p.b)) + alpha * y)
        y = y + s * z
        return (y, z), y

    return step


def lem(delta=1.0):
    def step(p, carry, x):
        y, z = carry
        w, u, b = columns(p, "12zy", y.size)
        delta_y = delta * sigmoid(w["1"] @ x + u["1"] @ y + b["1"])
        delta_z = delta * sigmoid(w["2"] @ x + u["2"] @ y + b["2"])
        z = (1 - delta_z) * z + delta_z * np.tanh(w["z"] @ x + u["z"] @ y + b["z"])
        y = (1 - delta_y) * y + delta_y * np.tanh(w["y"] @ x + p.w_z.T @ z + b["y"])
        return (y, z), y

    return step


def between(m, beta, gamma):
    return beta * (m - m.T) + (1 - beta) * (m + m.T) - gamma * np.eye(len(m))


def lipschitz_rnn(epsilon=0.1, alpha=1.0, a=(0.7, 0.001), w=(0.7, 0.001), *, gated=False):
    def step(p, carry, x):
        (h,) = carry
        inputs = np.split(p.w_x.T @ x + bias(p.b), 2 if gated else 1)
        own = between(p.w_h.T, *w) @ h
        move = alpha * between(p.w_a.T, *a) @ h + np.tanh(own + inputs[-1])
        h = h + epsilon * move * (sigmoid(own + inputs[0]) if gated else 1)
        return (h,), h

    return step


# Its equations have one matrix, where the test wants two.
ONE_MATRIX = ("test_different_keys_give_different_parameters",)

CASES = [
    CellUnderTest("antisymmetric_rnn", lambda: AntisymmetricRNN(3, 4), antisymmetric_rnn()),
    CellUnderTest(
        "antisymmetric_rnn-other_numbers",
        lambda: AntisymmetricRNN(3, 4, 0.5, 0.3, use_bias=False),
        antisymmetric_rnn(0.5, 0.3),
    ),
    CellUnderTest(
        "gated_antisymmetric_rnn", lambda: GatedAntisymmetricRNN(3, 4), gated_antisymmetric_rnn
    ),
    CellUnderTest("cornn", lambda: CoRNN(3, 4), cornn()),
    CellUnderTest(
        "cornn-other_numbers",
        lambda: CoRNN(3, 4, 0.2, 1.0, 0.5, use_bias=False),
        cornn(0.2, 1.0, 0.5),
    ),
    CellUnderTest("unicornn", lambda: UnICORNN(3, 4), unicornn(), exempt=ONE_MATRIX),
    CellUnderTest(
        "unicornn-other_numbers",
        lambda: UnICORNN(3, 4, 0.5, 1.5, use_bias=False),
        unicornn(0.5, 1.5),
        exempt=ONE_MATRIX,
    ),
    CellUnderTest("lem", lambda: LEM(3, 4), lem()),
    CellUnderTest("lem-other_numbers", lambda: LEM(3, 4, 0.3, use_bias=False), lem(0.3)),
    CellUnderTest("lipschitz_rnn", lambda: LipschitzRNN(3, 4), lipschitz_rnn()),
    CellUnderTest(
        "lipschitz_rnn-gated",
        lambda: LipschitzRNN(3, 4, 0.3, 0.5, 0.8, 0.2, 0.9, 0.1, gated=True, use_bias=False),
        lipschitz_rnn(0.3, 0.5, (0.8, 0.2), (0.9, 0.1), gated=True),
    ),
]
