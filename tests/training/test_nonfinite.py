"""NaN and Inf in training: skipped, counted, and at last named."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from rnnjax.errors import NonFiniteLossError
from rnnjax.training import loop
from rnnjax.training.batches import ExampleBatches
from rnnjax.training.loop import Trainer, init_state
from rnnjax.training.nonfinite import find_operation, skip_nonfinite, skipped_updates
from tests.slow import slow_but

ROWS = 12


def loss(w, carry, batch, key):
    """The logarithm is NaN where x is negative, and its gradient infinite where x is zero."""
    del key
    values = jnp.log(w * batch) - w * jnp.abs(w)
    return jnp.broadcast_to(values.mean(), batch.shape), carry + batch.mean()


def train(data, num_steps, *, carry=0.0, cuts=(), **options):
    optimizer = skip_nonfinite(optax.sgd(0.1))
    batches = Carried(len(data), 1, shuffle=False)
    carry = jnp.asarray(carry)
    trainer = Trainer(loss, optimizer, batches, data, jax.random.key(0), carry, **options)
    state, losses = init_state(jnp.float32(1.0), optimizer, carry), []
    for until in (*cuts, num_steps):
        for newest, chunk in trainer.run(state, until):
            state = newest
            losses.extend(chunk.losses.tolist())
    return state, losses


class Carried(ExampleBatches):
    """Batches between which the recurrent state is carried on."""

    def starts_anew(self, entry):
        return entry[0] < 0


def make_data(*bad):
    data = np.linspace(1.0, 2.0, ROWS, dtype=np.float32)
    data[list(bad)] = -1.0
    return data


def test_a_bad_batch_leaves_no_trace_but_its_count():
    bad, good = make_data(2, 3, 7), np.delete(make_data(), [2, 3, 7])
    state, losses = train(bad, ROWS, max_skipped=3)
    expected, expected_losses = train(good, ROWS - 3, max_skipped=3)
    np.testing.assert_array_equal(state.params, expected.params)
    np.testing.assert_array_equal(state.carry, expected.carry)
    assert np.isnan([losses[i] for i in (2, 3, 7)]).all()
    np.testing.assert_array_equal(np.delete(losses, [2, 3, 7]), expected_losses)
    assert skipped_updates(state.opt_state) == 3


def test_a_finite_gradient_of_a_loss_that_is_not_finite_is_skipped_too():
    def constant(w, carry, batch, key):
        return 1.0 * w + jnp.where(batch > 1.5, jnp.inf, 0.0), carry

    optimizer = skip_nonfinite(optax.sgd(1.0))
    data = np.asarray([1, 2, 1, 2], np.float32)
    batches = ExampleBatches(4, 1, shuffle=False)
    trainer = Trainer(constant, optimizer, batches, data, jax.random.key(0), max_skipped=2)
    state = init_state(jnp.zeros(()), optimizer)
    for newest, _ in trainer.run(state, 4):
        state = newest
    assert float(state.params) == -2.0


@pytest.mark.parametrize("chunk_seconds", [0.0, 1e9])
@pytest.mark.parametrize("cuts", slow_but({(), (4,)}, [(), (3,), (4,), (5,)]))
def test_enough_in_a_row_end_the_run_and_the_first_is_named(monkeypatch, cuts, chunk_seconds):
    monkeypatch.setattr(loop, "CHUNK_SECONDS", chunk_seconds)
    data = make_data(0, 2, 3, 4, 8, 9)
    train(data, ROWS, cuts=cuts, max_skipped=4)
    with pytest.raises(NonFiniteLossError) as error:
        train(data, ROWS, cuts=cuts, max_skipped=3)
    message = str(error.value)
    assert "at step 2 and the 2 after it, whose updates were skipped" in message
    assert "--debug_nans" in message


def test_a_chunk_without_any_begins_the_count_anew(monkeypatch):
    monkeypatch.setattr(loop, "CHUNK_SECONDS", 0.0)  # after 8 steps, chunks of one
    train(make_data(6, 7, 9, 10), ROWS, max_skipped=3)


def test_the_operation_is_named_with_its_line():
    with pytest.raises(NonFiniteLossError) as error:
        train(make_data(5), ROWS, max_skipped=3, debug_nans=True)
    message = str(error.value)
    assert "at step 5: invalid value (nan) encountered in log at " in message
    assert "test_nonfinite.py, line " in message
    assert "in loss: values = jnp.log(w * batch)" in message


def test_bad_data_are_named():
    data = make_data()
    data[4] = np.inf
    with pytest.raises(NonFiniteLossError, match=r"step 4: there is .* in the training data"):
        train(data, ROWS, debug_nans=True)


@pytest.mark.parametrize(
    ("function", "x", "what"),
    [
        (lambda x: jnp.exp(x) * 0, 1e3, r"\(nan\) encountered in mul"),
        (lambda x: jnp.exp(x), 1e3, r"\(inf\) encountered in exp"),
        (jax.grad(lambda x: jnp.sqrt(x) * 2), 0.0, r"\(inf\) encountered in"),
    ],
)
def test_operations_found(function, x, what):
    found = find_operation(jax.jit(function), jnp.float32(x))
    assert found is not None
    assert jnp.isfinite(jax.jit(function)(jnp.float32(1.0)))
    assert re.search(what, found), found


def test_nothing_is_found_where_all_is_finite():
    assert find_operation(lambda x: jnp.log(x), jnp.float32(2.0)) is None
