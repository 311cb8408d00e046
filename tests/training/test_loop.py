"""The loop on a small linear regression, against the same training written out in NumPy."""

import logging

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from rnnjax.devices.layout import Layout
from rnnjax.errors import NonFiniteLossError
from rnnjax.training import loop
from rnnjax.training.batches import ExampleBatches
from rnnjax.training.loop import Trainer, init_state

RATE = 0.05


def make_data(num_examples):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(num_examples, 3)).astype(np.float32)
    return x, (x @ np.array([1.0, -2.0, 0.5], np.float32) + 0.3).astype(np.float32)


def squared_errors(w, carry, batch, key):
    del key
    x, y = batch
    return (x @ w - y) ** 2, carry


def noisy_errors(w, carry, batch, key):
    x, y = batch
    return (x @ w - y + jax.random.normal(key, y.shape)) ** 2, carry


def train(loss, batches, data, num_steps, cuts=()):
    optimizer = optax.sgd(RATE)
    trainer = Trainer(loss, optimizer, batches, data, jax.random.key(1))
    state = init_state(jnp.zeros(3), optimizer)
    trainer.compile(state)
    losses = []
    for until in (*cuts, num_steps):
        for newest, chunk in trainer.run(state, until):
            state = newest
            losses.extend(chunk.losses)
    return state, np.array(losses)


@pytest.mark.parametrize(("num_examples", "batch_size"), [(12, 4), (10, 4)])
def test_training_equals_numpy(num_examples, batch_size):
    x, y = make_data(num_examples)
    batches = ExampleBatches(num_examples, batch_size, shuffle=False)
    state, losses = train(squared_errors, batches, (x, y), 7)

    w, wanted = np.zeros(3), []
    for step in range(7):
        first = (step % batches.steps_per_epoch) * batch_size
        rows = slice(first, first + batch_size)  # the last batch is short, not filled up
        errors = x[rows] @ w - y[rows]
        wanted.append(np.mean(errors**2))
        w -= RATE * 2 * x[rows].T @ errors / len(errors)
    np.testing.assert_allclose(losses, wanted, rtol=1e-5)
    np.testing.assert_allclose(state.params, w, rtol=1e-5)
    assert int(state.step) == 7


def test_a_loss_is_told_the_number_of_the_update():
    def numbered(w, carry, batch, key, step):
        return w[0] * 0 + step + jnp.zeros(len(batch[1])), carry

    data, optimizer = make_data(12), optax.sgd(RATE)
    batches = ExampleBatches(12, 4, shuffle=True)
    trainer = Trainer(numbered, optimizer, batches, data, jax.random.key(1), tells_step=True)
    chunks = [chunk for _, chunk in trainer.run(init_state(jnp.zeros(3), optimizer), 7)]
    assert [loss for chunk in chunks for loss in chunk.losses] == list(range(7))


def test_where_the_chunks_are_cut_changes_no_bit(monkeypatch):
    data = make_data(22)
    batches = ExampleBatches(22, 4, shuffle=True)
    whole, losses = train(noisy_errors, batches, data, 40)
    monkeypatch.setattr(loop, "CHUNK_SECONDS", 0.0)  # chunks of one step
    cut, cut_losses = train(noisy_errors, batches, data, 40, cuts=(1, 13, 14, 30))
    np.testing.assert_array_equal(losses, cut_losses)
    np.testing.assert_array_equal(whole.params, cut.params)


def test_every_step_draws_its_own_noise():
    x, y = make_data(4)
    batches = ExampleBatches(4, 4, shuffle=False)

    def noise_only(w, carry, batch, key):
        return noisy_errors(0 * w, carry, batch, key)

    _, losses = train(noise_only, batches, (x, y), 6)
    assert len(set(losses.tolist())) == 6


def test_a_loss_that_is_not_finite_names_its_step():
    x, y = make_data(8)
    y[5] = np.nan
    batches = ExampleBatches(8, 2, shuffle=False)
    with pytest.raises(NonFiniteLossError, match=r"NaN or infinite at step 2;"):
        train(squared_errors, batches, (x, y), 4)


def test_a_run_is_begun_by_as_many_programs_whatever_it_trains(caplog):
    layout = Layout.single()
    batches = ExampleBatches(4, 4, shuffle=False)

    def count_programs(*sizes):
        params = [jnp.ones(size) for size in sizes]
        jax.clear_caches()
        caplog.clear()
        with caplog.at_level(logging.WARNING), jax.log_compiles():
            _, key = layout.keys(0, 2)
            Trainer(squared_errors, optax.adam(RATE), batches, make_data(4), key)
            init_state(params, optax.adam(RATE))
        return sum(record.message.startswith("Compiling ") for record in caplog.records)

    # Of one shape each, so that every array would take a program of its own if it were made alone.
    assert 0 < count_programs(3) == count_programs(3, 4, 5, 6, 7) < 9
