"""One token out of many, beside NumPy's sorts and sums."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest

from rnnjax.decoding.draws import largest, nucleus, pick
from tests.running import quick_jit


def test_the_first_of_the_largest():
    x = np.random.default_rng(0).integers(0, 4, (50, 9)).astype(np.float32)
    np.testing.assert_array_equal(quick_jit(largest)(x), x.argmax(-1))


def test_of_nothing_but_nan_an_index_all_the_same():
    assert 0 <= int(largest(jnp.full(5, jnp.nan))) < 5


@pytest.mark.parametrize("size", [1, 2, 5, 87, 300])
def test_a_share_of_the_running_sum(size):
    random = np.random.default_rng(size)
    # Integers, so that no order of summation rounds.
    weights = random.integers(0, 3, (200, size)).astype(np.float32)
    weights[:, size // 2] += 1
    shares = (random.integers(0, 16, 200) / 16).astype(np.float32)
    sums = weights.cumsum(-1)
    expected = (sums > shares[:, None] * sums[:, -1:]).argmax(-1)
    np.testing.assert_array_equal(quick_jit(pick)(weights, shares), expected)


def test_what_has_no_weight_is_never_picked():
    random = np.random.default_rng(0)
    weights = random.random((2000, 40)).astype(np.float32) * (random.random((2000, 40)) < 0.1)
    weights[:, 3] += 1e-6
    shares = np.full(2000, 1 - 2**-23, np.float32)
    picked = np.asarray(quick_jit(pick)(weights, shares))
    assert (np.take_along_axis(weights, picked[:, None], 1) > 0).all()


def by_sorting(weights, share):
    """The nucleus of one row, as its definition reads."""
    order = np.argsort(-weights, kind="stable")
    before = np.concatenate([[0], np.cumsum(weights[order])[:-1]])
    kept = np.zeros(len(weights), bool)
    kept[order[before < share * weights.sum()]] = True
    return kept


@pytest.mark.parametrize("share", [0.05, 0.5, 0.9, 0.999])
@pytest.mark.parametrize("levels", [3, 1000])
def test_the_nucleus(share, levels):
    weights = np.random.default_rng(levels).integers(0, levels + 1, (60, 87)) / levels
    weights[:, 11] = 1
    kept = np.asarray(quick_jit(nucleus, static_argnums=1)(weights.astype(np.float32), share))
    exact = [by_sorting(row, np.float32(share)) for row in weights]
    # Where float32 sums round, one entry more or less is right too.
    assert (np.abs(kept.sum(-1) - np.sum(exact, -1)) <= 1).all()
    assert np.mean([(k == e).all() for k, e in zip(kept, exact, strict=True)]) > 0.9
    # The largest are kept, and of equal ones the first.
    for row, mask in zip(weights, kept, strict=True):
        order = np.argsort(-row, kind="stable")
        assert mask[order[: mask.sum()]].all()
