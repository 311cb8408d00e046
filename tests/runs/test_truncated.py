"""Truncated back-propagation through time: windows of rows, with the state carried across."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import rnnjax
from rnnjax.training.batches import WindowBatches
from rnnjax.training.loop import Trainer, init_state

ROWS, STEPS, WINDOW, RATE = 3, 12, 4, 0.1
CELL = rnnjax.LSTM(2, 2)


def make_data():
    rng = np.random.default_rng(0)
    return tuple(rng.normal(size=(ROWS, STEPS, 2)).astype(np.float32) for _ in range(2))


def loss(params, carry, batch, key):
    del key
    x, y = (a.swapaxes(0, 1) for a in batch)
    carry, ys = rnnjax.unroll(CELL, params, x, carry)
    return ((ys - y) ** 2).mean(axis=(0, 2)), carry


def train(num_steps, *, carry_state):
    batches = WindowBatches(ROWS, STEPS, WINDOW, carry_state)
    optimizer = optax.sgd(RATE)
    carry = CELL.initial_carry((ROWS,))
    params = CELL.init(jax.random.key(0))
    trainer = Trainer(loss, optimizer, batches, make_data(), jax.random.key(1), carry)
    state, losses = init_state(params, optimizer, carry), []
    for newest, chunk in trainer.run(state, num_steps):
        state = newest
        losses.extend(chunk.losses)
    return state, losses


@pytest.mark.parametrize("carry_state", [True, False])
def test_windows_equal_a_loop_over_them(carry_state):
    state, losses = train(5, carry_state=carry_state)

    params, carry = CELL.init(jax.random.key(0)), CELL.initial_carry((ROWS,))
    wanted = []

    @jax.jit
    def slope(params, carry, batch):
        def mean(params):
            losses, after = loss(params, carry, batch, None)
            return losses.mean(), after

        return jax.value_and_grad(mean, has_aux=True)(params)

    for step in range(5):
        first = step * WINDOW % STEPS
        if first == 0 or not carry_state:
            carry = CELL.initial_carry((ROWS,))
        batch = tuple(a[:, first : first + WINDOW] for a in make_data())
        (value, carry), gradient = slope(params, carry, batch)
        params = jax.tree.map(lambda p, g: p - RATE * g, params, gradient)
        wanted.append(value)
    np.testing.assert_allclose(losses, wanted, rtol=1e-5)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4), state.params, params)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4), state.carry, carry)


def test_carrying_the_state_matters():
    carried, anew = train(2, carry_state=True)[1], train(2, carry_state=False)[1]
    assert carried[0] == anew[0]
    assert abs(carried[1] - anew[1]) > 1e-4


def test_a_window_that_does_not_divide_the_row_is_refused():
    with pytest.raises(ValueError, match="row of 12 steps can't be cut into windows of 5"):
        WindowBatches(ROWS, STEPS, 5)
    assert jnp.array_equal(
        WindowBatches(ROWS, STEPS, 4).plan(jax.random.key(0), jnp.int32(7)), jnp.array([0, 4, 8])
    )
