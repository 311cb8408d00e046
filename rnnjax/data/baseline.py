"""What simple methods reach on the same data: the figures that a recurrent network has to beat."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from rnnjax.data.text import split_words

RIDGE_EXAMPLES = 20_000
"""So many training images are enough: of MNIST three times as many gain a quarter of a percent."""
LOGISTIC_EXAMPLES = 10_000
"""Likewise, of a method that takes longer."""


def ridge_metrics(
    data: Any, read: Callable[[np.ndarray], Any], penalty: float = 100.0
) -> dict[str, float]:
    r"""Test accuracy of ridge regression on one-hot labels, all features of an image at once.

    .. math:: W = (X^T X + \lambda I)^{-1} X^T Y

    Args:
        data: with `train_images`, `train_labels`, `test_images`, `test_labels` and `class_names`.
        read: makes features ``[N, ...]`` of images.
        penalty: λ; without it, pixels that are never inked would leave W undetermined.
    """

    def features(images: np.ndarray) -> np.ndarray:
        flat = np.asarray(read(images), np.float32).reshape(len(images), -1)
        return np.concatenate((flat, np.ones((len(flat), 1), np.float32)), axis=1)

    xs = features(data.train_images[:RIDGE_EXAMPLES])
    ys = np.eye(len(data.class_names), dtype=np.float32)[data.train_labels[:RIDGE_EXAMPLES]]
    weights = np.linalg.solve(
        xs.T @ xs + penalty * np.eye(xs.shape[1], dtype=np.float32), xs.T @ ys
    )
    found = (features(data.test_images) @ weights).argmax(axis=1)
    return {"test_accuracy": float(np.mean(found == data.test_labels))}


def majority_metrics(train_labels: ArrayLike, labels: ArrayLike) -> dict[str, float]:
    """Test loss and accuracy of knowing how frequent each class is, and nothing else.

    Args:
        train_labels: ``[N]``, numbers from 0 on; each class begins with a count of one.
        labels: to test with.

    >>> majority_metrics([0, 0, 1], [0, 1])["test_accuracy"]
    0.5
    """
    train, test = np.asarray(train_labels), np.asarray(labels)
    counts = 1.0 + np.bincount(train, minlength=max(train.max(), test.max()) + 1)
    of_label = (counts / counts.sum())[test]
    return {
        "test_loss": float(-np.log(of_label).mean()),
        "test_accuracy": float(np.mean(test == counts.argmax())),
    }


def logistic_metrics(
    train_inputs: np.ndarray, train_labels: np.ndarray, inputs: np.ndarray, labels: np.ndarray
) -> dict[str, float]:
    """Test loss and accuracy of logistic regression on all numbers of an example at once.

    Each is divided by the largest number of all; so many examples are learnt from as
    `LOGISTIC_EXAMPLES` says.

    Args:
        train_inputs: ``[N, ...]``.
        train_labels: ``[N]``.
        inputs: to test with.
        labels: likewise.
    """
    from sklearn.linear_model import LogisticRegression  # it takes a second

    scale = float(np.abs(train_inputs[:LOGISTIC_EXAMPLES]).max()) or 1.0

    def features(xs: np.ndarray) -> np.ndarray:
        return xs.reshape(len(xs), -1).astype(np.float32) / scale

    # A penalty that suits MNIST; without an end after 100 rounds it would take minutes.
    method = LogisticRegression(C=0.1, max_iter=100)
    method.fit(features(train_inputs[:LOGISTIC_EXAMPLES]), train_labels[:LOGISTIC_EXAMPLES])
    likely = method.predict_proba(features(inputs))
    places = {int(name): place for place, name in enumerate(method.classes_)}
    own = np.array([likely[i, places[k]] if k in places else 0 for i, k in enumerate(labels)])
    return {
        "test_loss": float(-np.log(np.maximum(own, 1e-12)).mean()),
        "test_accuracy": float(np.mean(method.classes_[likely.argmax(axis=1)] == labels)),
    }


def bag_of_words_accuracy(
    train_texts: Sequence[str],
    train_labels: ArrayLike,
    test_texts: Sequence[str],
    test_labels: ArrayLike,
    *,
    num_words: int | None = None,
) -> float:
    """Test accuracy of logistic regression on word counts, blind to the order of the words.

    Args:
        train_texts: Texts to learn from; they alone decide which words are counted.
        train_labels: Their labels, 0 or 1.
        test_texts: Texts to classify.
        test_labels: Their labels.
        num_words: Count only so many words, the most frequent of the training texts; None for
            all.

    Returns:
        Share of test texts classified correctly.

    Raises:
        ValueError: If texts and labels differ in number, or all the training labels are equal.

    >>> train, test = ["good", "so good", "bad"], ["bad day", "good day"]
    >>> bag_of_words_accuracy(train, [1, 1, 0], test, [0, 1])
    1.0
    """
    # It takes a second, and is needed for stand-ins only.
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.linear_model import LogisticRegression

    vectorizer = CountVectorizer(
        analyzer=split_words,  # pyright: ignore[reportArgumentType] (documented, not in the stub)
        max_features=num_words,
    )
    counts = vectorizer.fit_transform(train_texts)
    classifier = LogisticRegression(solver="liblinear").fit(counts, train_labels)
    return float(classifier.score(vectorizer.transform(test_texts), test_labels))


def bag_of_words_metrics(data: Any) -> dict[str, float]:
    """The test accuracy of `bag_of_words_accuracy` on labelled texts, all words counted.

    Args:
        data: with `train_texts`, `train_labels`, `test_texts` and `test_labels`.
    """
    train, test = list(data.train_texts), list(data.test_texts)
    reached = bag_of_words_accuracy(train, data.train_labels, test, data.test_labels)
    return {"test_accuracy": reached}
