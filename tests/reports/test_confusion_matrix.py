"""The counts and scores are scikit-learn's, to the bit."""

from __future__ import annotations

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st
from sklearn import metrics

from rnnjax.reports.confusion_matrix import SCORES, confusion_matrix, scores_by_class


@st.composite
def guesses(draw):
    """Labels ``[N]``, predictions of the same shape, and how many classes there are."""
    num_classes = draw(st.integers(2, 12))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    size = draw(st.integers(1, 300))
    # Of some classes there may be no example, and some may never be guessed.
    labels, predicted = (rng.integers(0, draw(st.integers(1, num_classes)), size) for _ in "ab")
    right = rng.random(size) < draw(st.sampled_from([0.0, 0.7, 1.0]))
    return labels, np.where(right, labels, predicted), num_classes


@hypothesis.settings(max_examples=60)
@hypothesis.given(guesses(), st.sampled_from([np.int32, np.int64, np.uint8]))
def test_counts_and_scores_are_those_of_scikit_learn(given, dtype):
    labels, predicted, num_classes = given
    classes = range(num_classes)
    counts = confusion_matrix(labels.astype(dtype), predicted.astype(dtype), num_classes)
    np.testing.assert_array_equal(
        counts, metrics.confusion_matrix(labels, predicted, labels=classes)
    )
    *expected, _ = metrics.precision_recall_fscore_support(
        labels,
        predicted,
        labels=classes,
        zero_division=0.0,  # pyright: ignore[reportArgumentType] (documented, not in the stub)
    )
    scores = scores_by_class(counts)
    assert tuple(scores) == SCORES
    for name, values in zip(SCORES, expected, strict=True):
        np.testing.assert_array_equal(scores[name], values)


def test_predictions_may_be_truth_values():
    labels = np.array([0, 1, 1, 0, 1], np.int32)
    predicted = np.array([True, True, False, False, True])
    np.testing.assert_array_equal(confusion_matrix(labels, predicted, 2), [[1, 1], [1, 2]])


def test_several_matrices_are_scored_each_for_itself():
    counts = np.random.default_rng(0).integers(0, 9, (3, 2, 4, 4))
    together = scores_by_class(counts)
    for place in np.ndindex(3, 2):
        for name, values in scores_by_class(counts[place]).items():
            np.testing.assert_array_equal(together[name][place], values)


@pytest.mark.parametrize("wrong", [-1, 3])
def test_a_class_that_does_not_exist_is_refused(wrong):
    for labels, predicted in (([0, 1], [2, wrong]), ([2, wrong], [0, 1])):
        with pytest.raises(ValueError, match="classes 0 to 2"):
            confusion_matrix(np.array(labels), np.array(predicted), 3)
