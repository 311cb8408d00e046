"""The distributions that tokens are drawn from."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rnnjax.decoding import Sampling
from tests.running import quick_jit

LOGITS = np.random.default_rng(0).normal(size=12).astype(np.float32) * 2
LOGITS[[3, 7, 9]] = LOGITS[2]  # ties


def reference(logits, temperature, top_k, top_p):
    """The definition, in float64: temperature, then top-k, then top-p."""
    logits = logits.astype(np.float64) / temperature
    order = np.argsort(-logits, kind="stable")[: top_k or None]
    probs = np.exp(logits[order] - logits.max())
    probs /= probs.sum()
    before = np.cumsum(probs) - probs
    probs = np.where(before < (top_p or 1), probs, 0)
    full = np.zeros(len(logits))
    full[order] = probs / probs.sum()
    return full


SETTINGS = [(1.0, None, None), (0.7, None, None), (2.0, 5, None), (1.0, None, 0.8), (1.5, 6, 0.77)]


@pytest.mark.parametrize("setting", SETTINGS)
def test_the_distribution(setting):
    sampling = Sampling(*setting)
    expected = reference(LOGITS, *setting)
    probs, filtered = quick_jit(lambda x: (sampling.probabilities(x), sampling.filter_logits(x)))(
        np.stack([LOGITS, LOGITS[::-1] - 50])
    )
    np.testing.assert_allclose(probs[0], expected, rtol=1e-5)
    np.testing.assert_allclose(probs[1], reference(LOGITS[::-1], *setting), rtol=1e-5)
    np.testing.assert_array_equal(np.isneginf(filtered[0]), expected == 0)


@pytest.mark.parametrize("setting", SETTINGS)
def test_draws_have_the_distribution(setting):
    sampling, num = Sampling(*setting), 20_000
    draws = quick_jit(sampling.draw)(jax.random.key(5), np.tile(LOGITS, (num, 1)))
    expected = reference(LOGITS, *setting)
    counts = np.bincount(draws, minlength=12)
    assert (counts[expected == 0] == 0).all()
    deviation = np.sqrt(num * expected * (1 - expected))
    assert (np.abs(counts - num * expected) <= 4 * deviation).all()


def test_temperature_zero_takes_the_first_of_the_largest():
    greedy = Sampling(temperature=0, top_k=3, top_p=0.5)
    logits = jnp.asarray([[1.0, 4.0, 4.0, 2.0]])
    assert greedy.draw(jax.random.key(0), logits).tolist() == [1]
    assert greedy.probabilities(logits).tolist() == [[0, 1, 0, 0]]


@pytest.mark.parametrize("sampling", [Sampling(top_k=1), Sampling(top_p=1e-9), Sampling(1e-40)])
def test_the_narrowest_leave_one_token(sampling):
    logits = np.random.default_rng(1).normal(size=(20, 30)).astype(np.float32)
    draws, probs = quick_jit(lambda k, x: (sampling.draw(k, x), sampling.probabilities(x)))(
        jax.random.key(0), logits
    )
    np.testing.assert_array_equal(draws, logits.argmax(-1))
    np.testing.assert_array_equal(probs, np.eye(30)[logits.argmax(-1)])


def test_a_row_is_drawn_by_its_own_key():
    sampling, keys = Sampling(top_p=0.9), jax.random.split(jax.random.key(0), 5)
    rows = np.random.default_rng(1).normal(size=(5, 30)).astype(np.float32)
    together = quick_jit(sampling.draw_rows)(keys, rows)
    draw = quick_jit(sampling.draw)
    alone = [int(draw(key, row)) for key, row in zip(keys, rows, strict=True)]
    assert together.tolist() == alone


def test_wide_numbers_draw_as_narrow_ones_do(x64):
    logits = np.random.default_rng(1).normal(size=(200, 30))
    wide, narrow = (
        quick_jit(Sampling(top_p=0.9).draw)(jax.random.key(0), logits.astype(dtype))
        for dtype in (np.float64, np.float32)
    )
    assert np.mean(np.asarray(wide) == narrow) > 0.98
    with jax.enable_x64(False):
        again = quick_jit(Sampling(top_p=0.9).draw)(jax.random.key(0), logits.astype(np.float32))
    np.testing.assert_array_equal(narrow, again)


def test_what_the_model_rules_out_is_never_drawn():
    logits = np.where(np.arange(40) % 2, -np.inf, 0).astype(np.float32)
    draws = quick_jit(Sampling(0.5).draw)(jax.random.key(0), np.tile(logits, (500, 1)))
    assert (np.asarray(draws) % 2 == 0).all()
    assert len(set(draws.tolist())) == 20


def test_half_precision_is_drawn_in_single():
    logits = jnp.asarray(LOGITS, jnp.bfloat16)
    assert Sampling().filter_logits(logits).dtype == jnp.float32


def test_a_sampling_is_static():
    traces = []

    @jax.jit
    def draw(sampling, key, logits):
        traces.append(sampling)
        return sampling.draw(key, logits)

    for _ in range(2):
        draw(Sampling(0.5, top_k=3), jax.random.key(0), LOGITS)
    assert traces == [Sampling(0.5, 3)]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"temperature": -1.0}, "temperature must be a number from 0"),
        ({"temperature": float("nan")}, "temperature"),
        ({"temperature": "hot"}, "temperature"),
        ({"top_k": 0}, "top_k must be an integer from 1"),
        ({"top_k": 2.5}, "top_k"),
        ({"top_k": True}, "top_k"),
        ({"top_p": 0.0}, "top_p must be more than 0 and at most 1"),
        ({"top_p": 1.5}, "top_p"),
        ({"top_p": float("nan")}, "top_p"),
    ],
)
def test_mistakes(fields, message):
    with pytest.raises(ValueError, match=message):
        Sampling(**fields)
