"""What linear models of words and n-grams reach on labelled texts, in a minute or two."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse

from rnnjax.data.baseline import bag_of_words_metrics
from rnnjax.data.cache import load_or_build
from rnnjax.data.imdb import ReviewDataset
from rnnjax.data.ngrams import UNSEEN, NgramCounts
from rnnjax.data.ragged import Ragged
from rnnjax.data.text import START

NUM_VALIDATION = 5_000
"""So many of the training texts, the first ones, choose C; of a small set a fifth does."""

# Raise it when other figures come out of the same texts.
_CODE = 2

# Of sparse matrices, of which neither SciPy nor scikit-learn has types.
Features = Callable[[Any], Any]


class Method(NamedTuple):
    """A kind of features, and the regularisations that are tried.

    Attributes:
        order: words of the longest n-gram.
        learn: ``learn(counts, labels)``: learns from the n-grams of training texts how those of
            any text become features.
        strengths: C of `sklearn.linear_model.LogisticRegression`; the first of equals is taken.
    """

    order: int
    learn: Callable[[Any, np.ndarray], Features]
    strengths: tuple[float, ...]


def tf_idf(counts: Any, labels: np.ndarray) -> Features:
    """Learns how rare n-grams are: ``(1 + ln count) · idf``, each text of length 1.

    Args:
        counts: of n-grams in the training texts, ``[N, G]``.
        labels: of no concern.
    """
    from sklearn.feature_extraction.text import TfidfTransformer

    return TfidfTransformer(sublinear_tf=True).fit(counts).transform


def log_count_ratios(counts: Any, labels: np.ndarray) -> np.ndarray:
    r"""Which n-grams speak for which label.

    .. math:: r_g = \ln \frac{p_g / \sum_h p_h}{q_g / \sum_h q_h}

    with p (q) one more than the number of favourable (unfavourable) texts that g occurs in.

    Args:
        counts: of n-grams in training texts, ``[N, G]``, sparse by rows.
        labels: 0 or 1, ``[N]``.

    Returns:
        float64 ``[G]``.

    Source: Sida Wang and Christopher D. Manning: Baselines and Bigrams: Simple, Good Sentiment and
    Topic Classification, ACL 2012, equation 1.
    """
    # A text holds the column of each of its n-grams once.
    p, q = (
        1.0 + np.bincount(counts[labels == label].indices, minlength=counts.shape[1])
        for label in (1, 0)
    )
    return np.log(p / p.sum()) - np.log(q / q.sum())


def naive_bayes(counts: Any, labels: np.ndarray) -> Features:
    """Gives a text's n-grams naive Bayes's weights, the `log_count_ratios`.

    As equation 4 of Wang and Manning; logistic regression in place of the support vector machine,
    and no interpolation.

    Args:
        counts: of n-grams in the training texts, ``[N, G]``.
        labels: 0 or 1, ``[N]``.
    """
    ratios = log_count_ratios(counts, labels)
    return lambda counts: sparse.csr_array(
        (ratios[counts.indices], counts.indices, counts.indptr), counts.shape
    )


METHODS = {
    "tf-idf bigrams": Method(2, tf_idf, (3.0, 10.0, 30.0, 100.0)),
    "naive Bayes bigrams": Method(2, naive_bayes, (0.1, 0.3, 1.0, 3.0, 10.0)),
    "naive Bayes trigrams": Method(3, naive_bayes, (0.1, 0.3, 1.0)),
}
"""Logistic regressions on the words of a text and on two or three in a row."""


def ngram_counts(data: ReviewDataset, order: int = 2) -> tuple[Any, Any]:
    """How often words and n-grams occur in each text: of training ``[N, G]``, and of test.

    Args:
        data: with the texts as indices of words, as `split_words` finds them. What does not occur
            in training is not counted.
        order: words of the longest n-gram. With three or more those of more than one word count
            that occur in two training texts at least: the others are most of them by far.
    """
    train, test = map(_words, (data.train, data.test))
    ngrams = NgramCounts(train.values, len(data.vocabulary), order - 1, starts=train.offsets)
    firsts = np.cumsum([0, *(len(grams.keys) for grams in ngrams.grams)])

    def counted(texts: Ragged) -> sparse.csr_array:
        every = np.repeat(np.arange(len(texts)), texts.lengths)
        places = list(ngrams.places(texts.values, texts.offsets))
        seen = [place.grams != UNSEEN for place in places]
        rows = np.concatenate([every[there] for there in seen])
        columns = np.concatenate(
            [
                first + place.grams[there]
                for first, place, there in zip(firsts[:-1], places, seen, strict=True)
            ]
        )
        # scikit-learn's solvers refuse indices of 64 bits.
        at = rows.astype(np.int32), columns.astype(np.int32)
        return sparse.coo_array((np.ones(len(rows)), at), (len(texts), firsts[-1])).tocsr()

    of_train, of_test = counted(train), counted(test)
    if order < 3:
        return of_train, of_test
    texts = np.bincount(of_train.indices, minlength=firsts[-1])
    (kept,) = np.nonzero((texts > 1) | (np.arange(firsts[-1]) < firsts[1]))
    return of_train[:, kept], of_test[:, kept]


def linear_metrics(
    method: Method, train: Any, train_labels: np.ndarray, test: Any, test_labels: np.ndarray
) -> dict[str, float]:
    """Test accuracy of one method; held-out training texts choose C, then all of them are fitted.

    Args:
        method: which features, and which C.
        train: counts of n-grams ``[N, G]``.
        train_labels: 0 or 1, ``[N]``.
        test: counts of the same n-grams ``[M, G]``.
        test_labels: 0 or 1, ``[M]``.

    Returns:
        ``test_accuracy``, the ``validation_accuracy`` by which C was chosen, and ``C``.

    Raises:
        ValueError: the labels of those that are fitted are all equal.
    """
    from sklearn.linear_model import LogisticRegression

    def fitted(counts: Any, labels: np.ndarray, strengths: Iterable[float]) -> Iterable[Any]:
        features = method.learn(counts, labels)
        xs = features(counts)
        for strength in strengths:
            # The dual is by far the quicker one where there are more features than texts.
            model = LogisticRegression(
                C=strength, solver="liblinear", dual=True, random_state=0, max_iter=10_000
            ).fit(xs, labels)
            yield lambda xs, labels, model=model: float(model.score(features(xs), labels))

    n = min(NUM_VALIDATION, max(1, train.shape[0] // 5))
    scores = fitted(train[n:], train_labels[n:], method.strengths)
    reached = [score(train[:n], train_labels[:n]) for score in scores]
    best = int(np.argmax(reached))
    (score,) = fitted(train, train_labels, [method.strengths[best]])
    return {
        "test_accuracy": score(test, test_labels),
        "validation_accuracy": reached[best],
        "C": method.strengths[best],
    }


def all_metrics(
    data: ReviewDataset, *, cache_dir: str | os.PathLike[str] | None = None
) -> dict[str, dict[str, float]]:
    """What a bag of words and each of `METHODS` reach; computed once, and cached.

    Args:
        data: texts with two labels.
        cache_dir: Where the figures are kept; by default the user's own cache folder.
    """

    def build() -> dict[str, np.ndarray]:
        figures = {"bag of words": bag_of_words_metrics(data)}
        for name, method in METHODS.items():
            train, test = ngram_counts(data, method.order)
            figures[name] = linear_metrics(method, train, data.train_labels, test, data.test_labels)
        return {"json": np.frombuffer(json.dumps(figures).encode(), np.uint8)}

    settings = {name: (method.order, method.strengths) for name, method in METHODS.items()}
    made_from = {
        "data": _digest(data),
        "strengths": settings,
        "validation": NUM_VALIDATION,
        "code": _CODE,
    }
    arrays = load_or_build(f"{data.name}-baselines", made_from, build, cache_dir=cache_dir)
    return json.loads(arrays["json"].tobytes())


def _words(texts: Ragged) -> Ragged:
    """The texts without the index in front that says where they start."""
    kept = texts.values != START
    return Ragged(texts.values[kept], np.append(0, np.cumsum(kept))[texts.offsets])


def _digest(data: ReviewDataset) -> str:
    """Of all that the figures come from: indices and labels, and the words that they stand for."""
    arrays = (
        data.train.values, data.train.offsets, data.train_labels,
        data.test.values, data.test.offsets, data.test_labels,
    )  # fmt: skip
    found = hashlib.sha256(data.vocabulary.digest.encode())
    for array in arrays:
        found.update(f"{array.dtype} {array.shape}".encode())
        found.update(array.tobytes())
    return found.hexdigest()
