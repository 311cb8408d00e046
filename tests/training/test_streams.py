"""Long streams: every symbol counted once, in one row or in several with what lies before them."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rnnjax.devices.layout import Layout
from rnnjax.training import streams
from rnnjax.training.streams import StreamReader, as_rows, stream_metrics

STREAM = np.random.default_rng(0).integers(10, size=47)


def sums(params: Any, carry: jax.Array, xs: jax.Array, ys: jax.Array) -> Any:
    """A loss that shows what it depends on: all symbols of before, added up, and the target."""
    total = carry[:, None] + jnp.cumsum(xs, axis=1)
    return total[:, -1], params * (1000 * total + ys)


def expected(params, first, count):
    return params * (1000 * np.cumsum(STREAM[first : first + count]) + STREAM[first + 1 :][:count])


@pytest.fixture(autouse=True)
def window(monkeypatch):
    monkeypatch.setattr(streams, "WINDOW", 4)


def test_one_row_carries_its_state_from_beginning_to_end():
    read = StreamReader(sums, STREAM, lambda rows: jnp.zeros(rows, int))
    np.testing.assert_array_equal(read(jnp.asarray(2)), expected(2, 0, 46))


def test_rows_begin_with_the_symbols_before_them():
    read = StreamReader(sums, STREAM, lambda rows: jnp.zeros(rows, int), rows=3, warm_up=4)
    found = np.asarray(read(jnp.asarray(1)))
    assert found.shape == (46,)
    np.testing.assert_array_equal(found[:16], expected(1, 0, 16))
    np.testing.assert_array_equal(found[16:32], expected(1, 12, 20)[4:])
    np.testing.assert_array_equal(found[32:], expected(1, 28, 18)[4:])


def test_more_rows_than_symbols_and_no_warm_up():
    read = StreamReader(sums, STREAM, lambda rows: jnp.zeros(rows, int), rows=100, warm_up=0)
    np.testing.assert_array_equal(read(jnp.asarray(1)), 1000 * STREAM[:-1] + STREAM[1:])


def test_the_initial_state_is_that_of_the_layer():
    read = StreamReader(sums, STREAM, lambda rows: jnp.full(rows, 7), rows=2, warm_up=3)
    found = np.asarray(read(jnp.asarray(1)))
    assert found[0] == 1000 * (7 + STREAM[0]) + STREAM[1]
    assert found[24] == 1000 * (7 + STREAM[21:25].sum()) + STREAM[25]


def test_each_seed_has_its_own():
    layout = Layout.over(jax.devices()[:1], num_seeds=2)
    read = StreamReader(sums, STREAM, lambda rows: jnp.zeros(rows, int), layout=layout)
    found = np.asarray(read(jnp.array([1, 3])))
    np.testing.assert_array_equal(found, [expected(1, 0, 46), expected(3, 0, 46)])
    assert stream_metrics(jnp.asarray(found))["test_loss"].shape == (2,)


def test_a_network_that_has_gone_astray_has_a_perplexity_still():
    found = stream_metrics(jnp.array([1e6, 1e8]), "validation")
    assert found["validation_loss"] == 5.05e7
    assert np.isfinite(found["validation_perplexity"])


def test_what_was_read_is_kept_for_the_same_parameters():
    read = StreamReader(sums, STREAM, lambda rows: jnp.zeros(rows, int))
    one, other = jnp.asarray(1), jnp.asarray(2)
    assert read(one) is read(one)
    assert int(read(other)[0]) == 2 * int(read(one)[0])


def test_a_stream_as_rows_loses_only_what_fills_no_window():
    inputs, targets = as_rows(STREAM, rows=4, window=5)
    assert inputs.shape == targets.shape == (4, 10)
    np.testing.assert_array_equal(inputs.ravel(), STREAM[:40])
    np.testing.assert_array_equal(targets.ravel(), STREAM[1:41])
    with pytest.raises(ValueError, match="10 rows of a window of 5 each are 50 symbols, but there"):
        as_rows(STREAM, rows=10, window=5)
