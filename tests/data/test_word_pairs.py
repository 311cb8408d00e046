"""The linear model of words and pairs of words, beside the same written out."""

from __future__ import annotations

import itertools

import jax.numpy as jnp
import numpy as np
import pytest

from rnnjax.data import word_pairs
from rnnjax.data.ragged import pad

NUM_WORDS, BITS = 9, 4


@pytest.fixture(scope="module")
def texts():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 60)
    # Word 5 tells the label, mostly; the others don't.
    rows = [
        rng.choice([4, 6, 7, 8], rng.integers(1, 7)).tolist() + [5] * bool(label and i % 5)
        for i, label in enumerate(labels)
    ]
    return rows, pad(rows, 8, padding="post"), labels


def bucket(first, second, bits=BITS):
    """As MurmurHash3 mixes a number in the end, with Python's integers."""
    h = (first * 0x9E3779B1 + second) % 2**32
    h = (h ^ h >> 16) * 0x85EBCA6B % 2**32
    h = (h ^ h >> 13) * 0xC2B2AE35 % 2**32
    return (h ^ h >> 16) >> 32 - bits


def test_pairs_have_the_same_bucket_everywhere():
    first, second = np.random.default_rng(1).integers(0, 30_000, (2, 500), np.int32)
    wanted = [bucket(int(a), int(b), 20) for a, b in zip(first, second, strict=True)]
    assert word_pairs.bucket(first, second, 20).tolist() == wanted
    assert word_pairs.bucket(jnp.asarray(first), jnp.asarray(second), 20).tolist() == wanted
    assert len(set(wanted)) > 490, "they are spread"


def counts_by_hand(rows):
    counts = np.zeros((len(rows), NUM_WORDS + 2**BITS))
    for count, row in zip(counts, rows, strict=True):
        for word in row:
            count[word] += 1
        for a, b in itertools.pairwise(row):
            count[NUM_WORDS + bucket(a, b)] += 1
    return counts


@pytest.mark.parametrize("padding", ["pre", "post"])
def test_words_and_pairs_are_counted_and_padding_is_not(texts, padding):
    rows = texts[0]
    found = word_pairs.pair_counts(pad(rows, 8, padding=padding), NUM_WORDS, BITS)
    np.testing.assert_array_equal(found.toarray(), counts_by_hand(rows))


def test_weights_are_where_the_regression_has_its_minimum(texts):
    rows, padded, labels = texts
    counts = word_pairs.pair_counts(padded, NUM_WORDS, BITS)
    model = word_pairs.fit(counts, labels, NUM_WORDS)
    dense = counts_by_hand(rows)
    p, q = (1 + (dense[labels == label] > 0).sum(axis=0) for label in (1, 0))
    ratios = np.log(p / p.sum()) - np.log(q / q.sum())
    weights = np.concatenate((model.words, model.pairs)).astype(float)
    used = ratios != 0
    coefficients = np.where(used, weights / np.where(used, ratios, 1), 0)
    logits = dense @ weights + model.bias
    np.testing.assert_allclose(word_pairs.logits(model, counts), logits, rtol=1e-5)
    # ½|v|² + ½b² + C Σ log(1 + exp(∓s)) has no slope there.
    residuals = labels - 1 / (1 + np.exp(-logits))
    slope = coefficients - word_pairs.STRENGTH * ratios * (dense.T @ residuals)
    assert np.abs(slope).max() < 0.02 * np.abs(coefficients).max()
    assert abs(model.bias - word_pairs.STRENGTH * residuals.sum()) < 0.02
    assert model.words[5] > np.abs(np.delete(model.words, 5)).max()


def test_a_text_is_judged_by_models_that_have_not_seen_its_label(texts):
    _, padded, labels = texts
    given, judged = word_pairs.beside(padded, labels, NUM_WORDS, BITS)
    assert judged.shape == labels.shape
    counts = word_pairs.pair_counts(padded, NUM_WORDS, BITS)
    assert given["beside"].keys() == {"words", "pairs", "bias"}
    assert np.abs(word_pairs.logits(word_pairs.fit(counts, labels, 9), counts) - judged).max() > 0.1
    for text in (0, 11, 59):
        other = labels.copy()
        other[text] = 1 - other[text]
        again = word_pairs.cross_fitted(counts, other, NUM_WORDS)
        part = slice(text // 12 * 12, text // 12 * 12 + 12)
        np.testing.assert_array_equal(again[part], judged[part])
        assert (again != judged).any()


def test_without_weights_of_pairs_there_is_no_model(texts):
    given, judged = word_pairs.beside(texts[1], texts[2], NUM_WORDS, 0)
    assert given == {}
    np.testing.assert_array_equal(judged, np.zeros(60))
