from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from rnnjax.analysis.bootstrap import mean_over_seeds
from rnnjax.analysis.class_scores import SCORES, score_classes


def guesses():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 4, 200)
    labels[labels == 3] = 1  # a class that is never seen
    wrong = rng.random((5, 200)) < 0.3
    return labels, np.where(wrong, rng.integers(0, 4, (5, 200)), labels)


def test_scores_are_those_of_scikit_learn():
    labels, predicted = guesses()
    scores = score_classes(labels, predicted, 4)
    for seed, row in enumerate(predicted):
        *expected, _ = precision_recall_fscore_support(
            labels,
            row,
            labels=range(4),
            zero_division=0.0,  # pyright: ignore[reportArgumentType] (documented, not in the stub)
        )
        for name, values in zip(SCORES, expected, strict=True):
            np.testing.assert_allclose(scores.by_seed[name][seed], values)
        np.testing.assert_array_equal(
            scores.counts[seed], confusion_matrix(labels, row, labels=range(4))
        )


def test_intervals_are_over_seeds():
    labels, predicted = guesses()
    scores = score_classes(labels, predicted, 4)
    recalls = [(row[labels == 2] == 2).mean() for row in predicted]
    assert scores.estimates("recall")[2] == mean_over_seeds(recalls, bounds=(0, 1))


def test_the_most_frequent_mistake_comes_first():
    labels, predicted = guesses()
    predicted[:3, labels == 0] = 2
    scores = score_classes(labels, predicted, 4)
    true, guess, often = scores.confusions(3)[0]
    assert (true, guess) == (0, 2)
    assert often.value == pytest.approx(((labels == 0) & (predicted == 2)).sum() / 5)
    counts = [count.value for _, _, count in scores.confusions(12)]
    assert counts == sorted(counts, reverse=True)
    assert all(i != j for i, j, _ in scores.confusions(12))
