"""A linear model of words and of two or three words in a row, in a table of a fixed size."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse

from rnnjax.data.ragged import PADDING, Padded
from rnnjax.data.text_baselines import log_count_ratios

ORDER = 3
"""Words of the longest n-gram."""

STRENGTH = 0.3
"""C of the logistic regression: the first 5,000 training reviews of IMDB chose it."""
FOLDS = 5


def hashed(tokens: Any) -> Iterator[tuple[Any, Any]]:
    r"""The n-grams of texts as 32 bits each, for n of 2 to `ORDER` in turn.

    .. math:: h_1 = w_1 \qquad h_n = m(\mathtt{9E3779B1} \cdot h_{n-1} + w_n) \mod 2^{32}

    with m as MurmurHash3 finishes. They are the same on every machine, in NumPy and in a program
    of JAX.

    Args:
        tokens: indices of words, ``[N, T]``, an array of integers of NumPy or JAX.

    Returns:
        For each n their numbers, uint32 ``[N, T - n + 1]``, and where there are n words and no
        `PADDING`.

    Source: A. Appleby, MurmurHash3, 2011 (fmix32).

    >>> [number.tolist() for number, whole in hashed(np.array([[4, 5, 4]]))]
    [[[4252107664, 977043285]], [[2796400547]]]
    """
    number, whole = tokens.astype(np.uint32), tokens != PADDING
    for n in range(1, ORDER):
        mixed = number[:, :-1] * np.uint32(0x9E3779B1) + tokens[:, n:].astype(np.uint32)
        mixed = (mixed ^ (mixed >> np.uint32(16))) * np.uint32(0x85EBCA6B)
        mixed = (mixed ^ (mixed >> np.uint32(13))) * np.uint32(0xC2B2AE35)
        number = mixed ^ (mixed >> np.uint32(16))
        whole = whole[:, :-1] & (tokens[:, n:] != PADDING)
        yield number, whole


def bucket(number: Any, bits: int) -> Any:
    """The bucket of n-grams, of 2 to the power of `bits`: int32, the upper bits of their number.

    Args:
        number: of `hashed`.
        bits: from 1 to 31.

    Source: that weights may share buckets: K. Weinberger et al., "Feature Hashing for Large Scale
    Multitask Learning", arXiv:0902.2206.
    """
    return (number >> np.uint32(32 - bits)).astype(np.int32)


class LinearModel(NamedTuple):
    """Logistic regression on the words and n-grams of a text.

    Attributes:
        words: float32 ``[V]``, the weight of each word; 0 for `PADDING`.
        ngrams: float32 ``[2 ** bits]``, that of each `bucket` of n-grams.
        bias: float32 ``[]``, what a text without words would have as its logit.
    """

    words: np.ndarray
    ngrams: np.ndarray
    bias: np.ndarray


def repeated(reviews: Padded) -> np.ndarray:
    """The numbers of the n-grams that are in two texts or more, in ascending order, uint32 ``[G]``.

    Those of one text tell its label and nothing else, and are most of all.
    """
    every = []
    for number, whole in hashed(reviews.tokens):
        text = np.nonzero(whole)[0].astype(np.uint64)
        every.append((number[whole].astype(np.uint64) << np.uint64(32)) + text)
    numbers = np.unique(np.concatenate(every)) >> np.uint64(32)
    found, texts = np.unique(numbers, return_counts=True)
    return found[texts > 1].astype(np.uint32)


def ngram_counts(
    reviews: Padded, num_words: int, bits: int, kept: np.ndarray | None = None
) -> sparse.csr_array:
    """How often each word and each bucket of n-grams is in each text, ``[N, V + 2 ** bits]``.

    Args:
        reviews: texts as indices of words, ``[N, T]``; what `PADDING` stands for is no word.
        num_words: V, the size of the vocabulary.
        bits: as of `bucket`.
        kept: the n-grams that count, as of `repeated`; by default all.
    """
    there = reviews.tokens != PADDING
    rows, columns = [np.nonzero(there)[0]], [reviews.tokens[there]]
    for number, whole in hashed(reviews.tokens):
        counted = whole if kept is None else whole & np.isin(number, kept)
        rows.append(np.nonzero(counted)[0])
        columns.append(num_words + bucket(number[counted], bits))
    # scikit-learn's solvers refuse indices of 64 bits.
    at = tuple(np.concatenate(each).astype(np.int32) for each in (rows, columns))
    shape = len(there), num_words + 2**bits
    return sparse.coo_array((np.ones(len(at[0])), at), shape).tocsr()


def fit(counts: Any, labels: np.ndarray, num_words: int) -> LinearModel:
    """Learns from labelled texts; each n-gram weighs its `log_count_ratios` at every occurrence.

    Args:
        counts: from `ngram_counts`, ``[N, V + 2 ** bits]``.
        labels: 0 or 1, ``[N]``; both must be there.
        num_words: V.
    """
    from sklearn.linear_model import LogisticRegression

    ratios = log_count_ratios(counts, labels)
    weighed = counts.data * ratios[counts.indices]
    xs: Any = sparse.csr_array((weighed, counts.indices, counts.indptr), counts.shape)
    model: Any = LogisticRegression(C=STRENGTH, solver="liblinear", dual=True, random_state=0)
    model.set_params(max_iter=10_000).fit(xs, labels)
    weights = (ratios * model.coef_[0]).astype(np.float32)
    bias = np.asarray(model.intercept_[0], np.float32)
    return LinearModel(weights[:num_words], weights[num_words:], bias)


def logits(model: LinearModel, counts: Any) -> np.ndarray:
    """What a model makes of texts, float32 ``[N]``; positive means label 1."""
    weights = np.concatenate((model.words, model.ngrams))
    return (counts @ weights + model.bias).astype(np.float32)


def cross_fitted(counts: Any, labels: np.ndarray, num_words: int, folds: int = FOLDS) -> np.ndarray:
    """The logits of texts by models that have not seen their labels, float32 ``[N]``.

    The texts are cut into parts that follow one another, and those of each are judged by what was
    learnt from all the others.

    Args:
        counts: as of `fit`.
        labels: likewise; both must be there without any one of the parts.
        num_words: V.
        folds: how many parts.

    Source: D. Wolpert, "Stacked generalization", Neural Networks 5 (1992), 241-259.
    """
    bounds = np.linspace(0, len(labels), folds + 1).astype(int)
    judged = []
    for begin, end in itertools.pairwise(bounds):
        others = np.r_[0:begin, end : len(labels)]
        model = fit(counts[others], labels[others], num_words)
        judged.append(logits(model, counts[begin:end]))
    return np.concatenate(judged)


def beside(
    reviews: Padded, labels: np.ndarray, num_words: int, bits: int
) -> tuple[dict[str, Any], np.ndarray]:
    """What stands beside a network that is to learn what a linear model leaves.

    Args:
        reviews: as of `ngram_counts`.
        labels: as of `cross_fitted`.
        num_words: V.
        bits: as of `bucket`; 0 for no linear model.

    Returns:
        The parameters of a `rnnjax.models.WordWeights` of the name "beside", by that name; and the
        logits ``[N]`` of the texts by models that have not seen them, zeros without a model.
    """
    if not bits:
        return {}, np.zeros(len(labels), np.float32)
    counts = ngram_counts(reviews, num_words, bits, repeated(reviews))
    model = fit(counts, labels, num_words)
    return {"beside": model._asdict()}, cross_fitted(counts, labels, num_words)
