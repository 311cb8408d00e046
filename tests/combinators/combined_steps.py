"""Cells around cells once more in NumPy, one row and one step at a time, on the cells' own."""

import jax
import numpy as np

from rnnjax import GRU, LSTM, Dilated, FastSlow, Grouped, Momentum, SimpleRNN
from tests import oracles
from tests.cells_under_test import CellUnderTest
from tests.oracles import sigmoid


def dilated(inner):
    """The earliest of the states is read, and the new one put behind the others."""

    def step(params, carry, x):
        structure = jax.tree.structure(carry)
        ring = jax.tree.leaves(carry)
        after, y = inner(params, jax.tree.unflatten(structure, [own[0] for own in ring]), x)
        new = jax.tree.leaves(after)
        ring = [np.concatenate((own[1:], one[None])) for own, one in zip(ring, new, strict=True)]
        return jax.tree.unflatten(structure, ring), y

    return step


def momentum_gru(mu, epsilon):
    """The reset is in front of the product, one bias."""

    def step(p, carry, x):
        (h,), v, _ = carry
        v = mu * v + epsilon * (p.w_x.T @ x + p.b)
        v_r, v_z, v_n = np.split(v, 3)
        u_r, u_z, u_n = np.split(p.w_h.T, 3)
        r, z = sigmoid(v_r + u_r @ h), sigmoid(v_z + u_z @ h)
        h = z * h + (1 - z) * np.tanh(v_n + u_n @ (r * h))
        return ((h,), v, None), h

    return step


def adam_rnn(mu, epsilon, mu_s):
    def step(p, carry, x):
        (h,), v, s = carry
        a = p.w_x.T @ x + p.b
        v = mu * v + epsilon * a
        s = mu_s * s + (1 - mu_s) * a**2
        h = np.tanh(v / np.sqrt(s + 1e-16) + p.w_h.T @ h)
        return ((h,), v, s), h

    return step


def with_squares(params, carry):
    return params, carry._replace(s=np.abs(carry.s) + 0.1)


def fast_slow(fast, slow):
    def step(params, carry, x):
        state, beside = carry
        state, y = fast[0](params.fast[0], state, x)
        beside, y = slow(params.slow, beside, y)
        for k, (cell, own) in enumerate(zip(fast[1:], params.fast[1:], strict=True)):
            state, y = cell(own, state, y if k == 0 else np.zeros(own.w_x.shape[0]))
        return (state, beside), y

    return step


def grouped(inner, groups):
    def step(params, carry, x):
        states, ys = [], []
        for k, part in enumerate(np.split(x, groups)):
            own, before = (jax.tree.map(lambda a, k=k: a[k], tree) for tree in (params, carry))
            state, y = inner(own, before, part)
            states.append(jax.tree.leaves(state))
            ys.append(y)
        leaves = [np.stack(own) for own in zip(*states, strict=True)]
        return jax.tree.unflatten(jax.tree.structure(carry), leaves), np.concatenate(ys)

    return step


# Only every so many steps later does an output see an input.
LATER = ("test_the_future_does_not_change_the_past",)

CASES = [
    CellUnderTest("dilated", lambda: Dilated(LSTM(3, 4), 2), dilated(oracles.lstm()), exempt=LATER),
    CellUnderTest(
        "dilated-four", lambda: Dilated(GRU(3, 4), 4), dilated(oracles.gru()), exempt=LATER
    ),
    CellUnderTest(
        "momentum",
        lambda: Momentum(GRU(3, 4, reset_after=False), momentum=0.7, step_size=0.4),
        momentum_gru(0.7, 0.4),
    ),
    CellUnderTest(
        "momentum-adam",
        lambda: Momentum(SimpleRNN(3, 4), 0.5, 0.3, "adam", 0.8),
        adam_rnn(0.5, 0.3, 0.8),
        adapt=with_squares,
    ),
    CellUnderTest(
        "fast_slow",
        lambda: FastSlow((LSTM(3, 4), LSTM(5, 4), LSTM(1, 4)), GRU(4, 5)),
        fast_slow([oracles.lstm()] * 3, oracles.gru()),
        # The third fast cell reads nothing but zeros: no gradient reaches its matrix of inputs.
        exempt=("test_gradients_equal_finite_differences",),
    ),
    CellUnderTest(
        "grouped",
        lambda: Grouped(LSTM(2, 3), 2),
        grouped(oracles.lstm(), 2),
        # Its matrices have an axis of groups in front, as many as its biases have axes.
        exempt=("test_different_keys_give_different_parameters",),
    ),
]
