"""Linear models of words and pairs of words, on reviews that the small grammar writes."""

from __future__ import annotations

import collections
import itertools
import math

import numpy as np
import pytest

from rnnjax.data import imdb, text_baselines
from rnnjax.data.text import split_words


@pytest.fixture(scope="module")
def reviews():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(imdb, "GRAMMAR_SIZES", {"train": 1_000, "test": 300})
        return imdb.load("grammar")


@pytest.fixture(scope="module")
def counts(reviews):
    return text_baselines.ngram_counts(reviews)


def ngrams_of(text):
    words = split_words(text)
    return collections.Counter([*words, *itertools.pairwise(words)])


def in_a_row(words, n):
    return [tuple(words[i : i + n]) for i in range(len(words) - n + 1)]


def test_rare_ngrams_of_three_words_are_left_out(reviews, counts):
    split = list(map(split_words, reviews.train_texts))
    words = set().union(*split)
    longer = collections.Counter(
        gram for text in split for n in (2, 3) for gram in set(in_a_row(text, n))
    )
    kept = {gram for gram, texts in longer.items() if texts > 1}
    assert len(kept) < len(longer)
    found, found_test = text_baselines.ngram_counts(reviews, 3)
    assert found.shape[1] == found_test.shape[1] == len(words) + len(kept)
    for row, text in zip(found, split, strict=True):
        grams = [gram for n in (2, 3) for gram in in_a_row(text, n)]
        of_text = collections.Counter([*text, *(gram for gram in grams if gram in kept)])
        assert sorted(row.data) == sorted(of_text.values())


def test_words_and_pairs_are_counted_within_each_text(reviews, counts):
    train, test = (list(map(ngrams_of, t)) for t in (reviews.train_texts, reviews.test_texts))
    known = set().union(*train)
    assert any(set(text) - known for text in test), "some pairs are new"
    found, found_test = counts
    assert found.shape == (len(train), len(known))
    for rows, texts in ((found, train), (found_test, test)):
        for row, text in zip(rows, texts, strict=True):
            assert sorted(row.data) == sorted(n for gram, n in text.items() if gram in known)
    # Over all texts each n-gram has its column.
    totals = sum(train, collections.Counter())
    assert sorted(found.sum(axis=0)) == sorted(totals.values())


def test_an_ngram_weighs_as_much_as_it_tells(reviews, counts):
    train = [set(ngrams_of(text)) for text in reviews.train_texts]
    labels = reviews.train_labels
    per_label = [
        collections.Counter(
            g for t, own in zip(train, labels, strict=True) if own == label for g in t
        )
        for label in (0, 1)
    ]
    known = set().union(*train)
    q, p = ({gram: 1 + counted[gram] for gram in known} for counted in per_label)
    ratios = {
        gram: math.log(p[gram] / sum(p.values())) - math.log(q[gram] / sum(q.values()))
        for gram in known
    }
    features = text_baselines.naive_bayes(counts[0], labels)(counts[0])
    for row, text in zip(features, train, strict=True):
        np.testing.assert_allclose(
            np.sort(row.data), sorted(ratios[gram] for gram in text), rtol=1e-9, atol=1e-12
        )


def test_frequent_ngrams_weigh_little_and_texts_are_of_one_length(reviews, counts):
    features = text_baselines.tf_idf(counts[0], reviews.train_labels)(counts[1])
    lengths = np.sqrt(features.multiply(features).sum(axis=1))
    np.testing.assert_allclose(lengths, 1, rtol=1e-12)


def test_pairs_tell_what_words_cannot_and_it_is_computed_once(reviews, tmp_path, monkeypatch):
    found = text_baselines.all_metrics(reviews, cache_dir=tmp_path)
    assert [*found] == ["bag of words", *text_baselines.METHODS]
    assert found["bag of words"]["test_accuracy"] < 0.6
    for name, method in text_baselines.METHODS.items():
        assert found[name]["test_accuracy"] > 0.75
        assert found[name]["C"] in method.strengths

    other = reviews._replace(test_labels=1 - reviews.test_labels)
    turned = text_baselines.all_metrics(other, cache_dir=tmp_path)
    for name in text_baselines.METHODS:
        chosen, again = found[name], turned[name]
        assert again.pop("test_accuracy") == pytest.approx(1 - chosen["test_accuracy"])
        assert again == {key: chosen[key] for key in again}, "the test texts choose nothing"

    monkeypatch.setattr(text_baselines, "ngram_counts", None)
    assert text_baselines.all_metrics(reviews, cache_dir=tmp_path) == found


def test_c_is_the_one_that_validates_best(reviews, counts):
    train, test = counts
    labels, method = reviews.train_labels, text_baselines.METHODS["naive Bayes bigrams"]

    def reached(*strengths):
        chosen = method._replace(strengths=strengths)
        return text_baselines.linear_metrics(chosen, train, labels, test, reviews.test_labels)

    each = [reached(strength) for strength in (1e-4, 0.1)]
    assert each[0]["validation_accuracy"] < each[1]["validation_accuracy"]
    assert reached(1e-4, 0.1) == each[1] == reached(0.1, 1e-4)
