"""The cache against the sum over all places before, written out."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from rnnjax.training import streams
from rnnjax.training.cache_pointer import CachePointer, mixed
from rnnjax.training.streams import StreamReader

RNG = np.random.default_rng(0)
STREAM = RNG.integers(4, size=24)
TABLE, LOSSES = RNG.normal(size=(4, 3)), RNG.uniform(0.1, 2.0, size=(4, 4))
THETAS = np.array([0.0, 0.4, 1.5])


def model(params: Any, carry: Any, xs: Any, ys: Any) -> Any:
    """Outputs that depend on all symbols before, and losses on the last one."""
    hs = carry[:, None] + jnp.cumsum(params[xs], axis=1)
    return hs[:, -1], jnp.asarray(LOSSES)[xs, ys], hs


def expected(size: int, first: int = 0, skipped: int = 0) -> np.ndarray:
    """What `CachePointer` gives, place by place, for a row that begins at one of them."""
    stream = STREAM[first:]
    hs = np.cumsum(TABLE[stream[:-1]], axis=0)
    rows = []
    for t in range(len(stream) - 1):
        loss = LOSSES[stream[t], stream[t + 1]]
        row = [loss]
        for theta in THETAS:
            before = range(max(0, t - size), t)
            weights = [np.exp(theta * hs[t] @ hs[i]) for i in before]
            hits = [
                w for w, i in zip(weights, before, strict=True) if stream[i + 1] == stream[t + 1]
            ]
            with np.errstate(divide="ignore"):
                row.append(-np.log(sum(hits) / np.sum(weights)) if weights else loss)
        rows.append(row)
    return np.array(rows)[skipped:]


def reader(size: int, **options: Any) -> StreamReader:
    pointer = CachePointer(model, size)

    def start(rows: int) -> Any:
        return pointer.first_carry(jnp.zeros((rows, 3)), 3)

    return StreamReader(pointer.losses, STREAM, start, **options)


@pytest.fixture(autouse=True)
def window(monkeypatch):
    monkeypatch.setattr(streams, "WINDOW", 4)


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("size", [1, 3, 7, 40])
def test_it_is_the_sum_over_the_last_places(size):
    found = np.asarray(reader(size)((jnp.asarray(TABLE), jnp.asarray(THETAS))))
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, expected(size), rtol=1e-10, atol=1e-10)
    assert np.isinf(found).any()
    assert np.isfinite(found[:, 1:]).any(axis=0).all()


@pytest.mark.usefixtures("x64")
def test_rows_have_caches_of_their_own():
    read = reader(3, rows=2, warm_up=2)
    found = np.asarray(read((jnp.asarray(TABLE), jnp.asarray(THETAS))))
    np.testing.assert_allclose(found[:12], expected(3)[:12], 1e-10, 1e-14)
    np.testing.assert_allclose(found[12:], expected(3, first=10, skipped=2), 1e-10, 1e-14)


@pytest.mark.usefixtures("x64")
def test_large_products_stay_finite():
    read = reader(3)
    found = np.asarray(read((1e3 * jnp.asarray(TABLE), jnp.asarray(THETAS))))
    assert not np.isnan(found).any()


def test_a_mixture_is_one_of_probabilities():
    losses = np.array([[0.5, 1.5], [2.0, np.inf]])
    p = np.exp(-losses)
    np.testing.assert_allclose(mixed(losses, 0.3), -np.log(0.7 * p[:, 0] + 0.3 * p[:, 1]), 1e-14)
    np.testing.assert_array_equal(mixed(losses, 0.0), losses[:, 0])
