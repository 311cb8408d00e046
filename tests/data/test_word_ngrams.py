"""The linear model of words and n-grams, beside the same written out."""

from __future__ import annotations

import collections
import itertools

import jax.numpy as jnp
import numpy as np
import pytest

from rnnjax.data import word_ngrams
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


def mixed(first, second):
    """As MurmurHash3 mixes a number in the end, with Python's integers."""
    h = (first * 0x9E3779B1 + second) % 2**32
    h = (h ^ h >> 16) * 0x85EBCA6B % 2**32
    h = (h ^ h >> 13) * 0xC2B2AE35 % 2**32
    return h ^ h >> 16


def ngrams_of(row):
    """The numbers of all n-grams of two and three words."""
    pairs = list(itertools.starmap(mixed, itertools.pairwise(row)))
    return pairs + [mixed(pair, word) for pair, word in zip(pairs, row[2:], strict=False)]


def test_ngrams_have_the_same_bucket_everywhere():
    rows = np.random.default_rng(1).integers(1, 30_000, (4, 100), np.int32)
    wanted = [[number >> 12 for number in ngrams_of(list(map(int, row)))] for row in rows]
    for tokens in (rows, jnp.asarray(rows)):
        buckets = [word_ngrams.bucket(number, 20) for number, _ in word_ngrams.hashed(tokens)]
        assert np.concatenate(buckets, axis=1).tolist() == wanted
    assert len({number for row in wanted for number in row}) > 780, "they are spread"


def counts_by_hand(rows, kept=None):
    counts = np.zeros((len(rows), NUM_WORDS + 2**BITS))
    for count, row in zip(counts, rows, strict=True):
        for word in row:
            count[word] += 1
        for number in ngrams_of(row):
            if kept is None or number in kept:
                count[NUM_WORDS + (number >> 32 - BITS)] += 1
    return counts


def test_ngrams_of_one_text_alone_do_not_count(texts):
    rows, padded, _ = texts
    in_texts = collections.Counter(number for row in rows for number in set(ngrams_of(row)))
    kept = {number for number, texts in in_texts.items() if texts > 1}
    assert 0 < len(kept) < len(in_texts)
    found = word_ngrams.repeated(padded)
    assert found.tolist() == sorted(kept)
    counts = word_ngrams.ngram_counts(padded, NUM_WORDS, BITS, found)
    np.testing.assert_array_equal(counts.toarray(), counts_by_hand(rows, kept))


@pytest.mark.parametrize("padding", ["pre", "post"])
def test_words_and_ngrams_are_counted_and_padding_is_not(texts, padding):
    rows = texts[0]
    found = word_ngrams.ngram_counts(pad(rows, 8, padding=padding), NUM_WORDS, BITS)
    np.testing.assert_array_equal(found.toarray(), counts_by_hand(rows))


def test_weights_are_where_the_regression_has_its_minimum(texts):
    rows, padded, labels = texts
    counts = word_ngrams.ngram_counts(padded, NUM_WORDS, BITS)
    model = word_ngrams.fit(counts, labels, NUM_WORDS)
    dense = counts_by_hand(rows)
    p, q = (1 + (dense[labels == label] > 0).sum(axis=0) for label in (1, 0))
    ratios = np.log(p / p.sum()) - np.log(q / q.sum())
    weights = np.concatenate((model.words, model.ngrams)).astype(float)
    used = ratios != 0
    coefficients = np.where(used, weights / np.where(used, ratios, 1), 0)
    logits = dense @ weights + model.bias
    np.testing.assert_allclose(word_ngrams.logits(model, counts), logits, rtol=1e-5)
    # ½|v|² + ½b² + C Σ log(1 + exp(∓s)) has no slope there.
    residuals = labels - 1 / (1 + np.exp(-logits))
    slope = coefficients - word_ngrams.STRENGTH * ratios * (dense.T @ residuals)
    assert np.abs(slope).max() < 0.02 * np.abs(coefficients).max()
    assert abs(model.bias - word_ngrams.STRENGTH * residuals.sum()) < 0.02
    assert model.words[5] > np.abs(np.delete(model.words, 5)).max()


def test_a_text_is_judged_by_models_that_have_not_seen_its_label(texts):
    _, padded, labels = texts
    given, judged = word_ngrams.beside(padded, labels, NUM_WORDS, BITS)
    assert judged.shape == labels.shape
    kept = word_ngrams.repeated(padded)
    counts = word_ngrams.ngram_counts(padded, NUM_WORDS, BITS, kept)
    assert given["beside"].keys() == {"words", "ngrams", "bias"}
    assert (
        np.abs(word_ngrams.logits(word_ngrams.fit(counts, labels, 9), counts) - judged).max() > 0.1
    )
    for text in (0, 11, 59):
        other = labels.copy()
        other[text] = 1 - other[text]
        again = word_ngrams.cross_fitted(counts, other, NUM_WORDS)
        part = slice(text // 12 * 12, text // 12 * 12 + 12)
        np.testing.assert_array_equal(again[part], judged[part])
        assert (again != judged).any()


def test_without_weights_of_ngrams_there_is_no_model(texts):
    given, judged = word_ngrams.beside(texts[1], texts[2], NUM_WORDS, 0)
    assert given == {}
    np.testing.assert_array_equal(judged, np.zeros(60))
