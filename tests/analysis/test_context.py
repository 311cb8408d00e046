"""Losses by length of context."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest

from rnnjax.analysis.context import loss_by_context

STREAM = np.random.default_rng(0).integers(9, size=400)


def test_each_column_sees_so_many_symbols_and_guesses_the_next():
    seen = []

    def losses(params, inputs, targets):
        seen.append((inputs.shape, targets.shape))
        return params * jnp.cumsum(inputs, axis=1) + 100 * targets

    found = loss_by_context(losses, 2.0, STREAM, longest=5, passages=3, rows_each=20)
    assert seen == [((20, 5), (20, 5))]
    assert found.places.shape == (60, 5)
    assert (found.places.min(), found.places.max()) == (1, 399)
    for column in range(5):
        guessed = found.places[:, column]
        context = sum(STREAM[guessed - back] for back in range(1, column + 2))
        expected = (2 * context + 100 * STREAM[guessed]).mean()
        assert found.losses[column] == pytest.approx(expected)
    # From column to column nearly the same symbols are guessed.
    assert len({*found.places[:20, 0]} & {*found.places[:20, 4]}) == 16


def test_a_stream_that_is_too_short():
    with pytest.raises(ValueError, match="A passage takes 205 symbols, but the stream has 100"):
        loss_by_context(lambda *_: jnp.zeros(()), (), STREAM[:100], longest=5)
