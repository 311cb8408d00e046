"""Every cell of two sizes learns to read digits row by row, which wants a memory."""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss

import rnnjax

DIGITS, UNITS, UPDATES = 200, 16, 150

RATES = {"esn": 0.1}
"""Of learning, where it is not .01: of a reservoir the dense layer learns alone."""

SUITED: dict[str, dict[str, Any]] = {
    "cornn": {"step_size": 0.5, "stiffness": 1.0, "damping": 1.0},
    "unicornn": {"step_size": 1.0, "alpha": 1.0},
    "phased_lstm": {"open_ratio": 0.9, "longest": 8.0},
}
"""Settings for eight steps, of cells that are made for a thousand."""


@functools.cache
def digits():
    """Pictures of 8 x 8, rows first, ``[8, N, 8]``, and the digits."""
    found: Any = load_digits()
    pictures = found.images[:DIGITS].transpose(1, 0, 2) / 16
    return jnp.asarray(pictures, jnp.float32), jnp.asarray(found.target[:DIGITS])


@functools.cache
def without_memory():
    """The loss of who knows the last row alone."""
    rows, labels = (np.asarray(array) for array in digits())
    seen = LogisticRegression(max_iter=2000).fit(rows[-1], labels)
    return log_loss(labels, seen.predict_proba(rows[-1]))


def cell_named(name):
    """The cell, behind a dense layer where it wants as many inputs as it has units."""
    kind: Any = rnnjax.CELLS[name]
    try:
        return kind(8, UNITS, **SUITED.get(name, {}))
    except ValueError:
        return kind(UNITS, UNITS)


@pytest.mark.slow
@pytest.mark.parametrize("name", rnnjax.CELLS)
def test_it_learns_what_the_last_row_does_not_tell(name):
    cell, (rows, labels) = cell_named(name), digits()
    rng = np.random.default_rng(0)
    spread = jnp.asarray(rng.normal(size=(8, cell.input_size)) / 8**0.5, jnp.float32)
    xs = rows if cell.input_size == 8 else rows @ spread
    dense = jnp.asarray(0.1 * rng.normal(size=(cell.output_size, 10)), jnp.float32)
    rule = optax.chain(optax.clip_by_global_norm(1.0), optax.adam(RATES.get(name, 0.01)))

    def loss(own):
        params, dense = own
        _, y = rnnjax.unroll_last(cell, params, xs)
        return optax.softmax_cross_entropy_with_integer_labels(y @ dense, labels).mean()

    @jax.jit
    def fit(own):
        def update(state, _):
            own, slots = state
            value, gradient = jax.value_and_grad(loss)(own)
            change, slots = rule.update(gradient, slots)
            return (optax.apply_updates(own, change), slots), value

        return jax.lax.scan(update, (own, rule.init(own)), length=UPDATES)[1]

    losses = np.asarray(fit((cell.init(jax.random.key(0)), dense)))
    assert np.isfinite(losses).all()
    assert losses[-1] < 0.5 * without_memory()
