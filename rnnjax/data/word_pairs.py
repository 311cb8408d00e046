"""A linear model of words and pairs of neighbouring words, in a table of a fixed size."""

from __future__ import annotations

import itertools
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse

from rnnjax.data.ragged import PADDING, Padded
from rnnjax.data.text_baselines import log_count_ratios

STRENGTH = 0.3
"""C of the logistic regression: the first 5,000 training reviews of IMDB chose it."""
FOLDS = 5


def bucket(first: Any, second: Any, bits: int) -> Any:
    """The bucket of each pair of words, of 2 to the power of `bits`.

    The numbers are mixed as MurmurHash3 finishes, modulo 2³², so that they are the same on every
    machine, in NumPy and in a program of JAX.

    Args:
        first: indices of words, an array of integers of NumPy or JAX.
        second: those of the words after them, likewise.
        bits: from 1 to 31.

    Returns:
        int32, of the same shape.

    Source: A. Appleby, MurmurHash3, 2011 (fmix32). That weights may share buckets: K. Weinberger
    et al., "Feature Hashing for Large Scale Multitask Learning", arXiv:0902.2206.

    >>> bucket(np.array([4, 5, 4]), np.array([5, 4, 5]), bits=8).tolist()
    [253, 58, 253]
    """
    mixed = first.astype(np.uint32) * np.uint32(0x9E3779B1) + second.astype(np.uint32)
    mixed = (mixed ^ (mixed >> np.uint32(16))) * np.uint32(0x85EBCA6B)
    mixed = (mixed ^ (mixed >> np.uint32(13))) * np.uint32(0xC2B2AE35)
    mixed = mixed ^ (mixed >> np.uint32(16))
    return (mixed >> np.uint32(32 - bits)).astype(np.int32)


class LinearModel(NamedTuple):
    """Logistic regression on the words and the pairs of neighbouring words of a text.

    Attributes:
        words: float32 ``[V]``, the weight of each word; 0 for `PADDING`.
        pairs: float32 ``[2 ** bits]``, that of each `bucket` of pairs.
        bias: float32 ``[]``, what a text without words would have as its logit.
    """

    words: np.ndarray
    pairs: np.ndarray
    bias: np.ndarray


def pair_counts(reviews: Padded, num_words: int, bits: int) -> sparse.csr_array:
    """How often each word and each bucket of pairs is in each text, ``[N, V + 2 ** bits]``.

    Args:
        reviews: texts as indices of words, ``[N, T]``; what `PADDING` stands for is no word.
        num_words: V, the size of the vocabulary.
        bits: as of `bucket`.
    """
    tokens = reviews.tokens
    there = tokens != PADDING
    both = there[:, :-1] & there[:, 1:]
    pairs = num_words + bucket(tokens[:, :-1], tokens[:, 1:], bits)
    rows = np.concatenate((np.nonzero(there)[0], np.nonzero(both)[0])).astype(np.int32)
    columns = np.concatenate((tokens[there], pairs[both])).astype(np.int32)
    shape = len(tokens), num_words + 2**bits
    return sparse.coo_array((np.ones(len(rows)), (rows, columns)), shape).tocsr()


def fit(counts: Any, labels: np.ndarray, num_words: int) -> LinearModel:
    """Learns from labelled texts, as `rnnjax.data.text_baselines.naive_bayes` weighs n-grams.

    Args:
        counts: from `pair_counts`, ``[N, V + 2 ** bits]``.
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
    weights = np.concatenate((model.words, model.pairs))
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
        reviews: as of `pair_counts`.
        labels: as of `cross_fitted`.
        num_words: V.
        bits: as of `bucket`; 0 for no linear model.

    Returns:
        The parameters of a `rnnjax.models.WordWeights` of the name "beside", by that name; and the
        logits ``[N]`` of the texts by models that have not seen them, zeros without a model.
    """
    if not bits:
        return {}, np.zeros(len(labels), np.float32)
    counts = pair_counts(reviews, num_words, bits)
    model = fit(counts, labels, num_words)
    return {"beside": model._asdict()}, cross_fitted(counts, labels, num_words)
