"""The confusion matrix, and the scores of every class that follow from it.

Counted here, because scikit-learn, which has the same, takes a second to import.
"""

from __future__ import annotations

import numpy as np

SCORES = ("precision", "recall", "f1")


def confusion_matrix(labels: np.ndarray, predicted: np.ndarray, num_classes: int) -> np.ndarray:
    """How many examples of each class (rows) were taken for each class (columns), ``[C, C]``.

    Args:
        labels: true classes ``[N]``, from 0 to C - 1.
        predicted: ``[N]``, whole numbers from 0 to C - 1, or truth values.
        num_classes: C.

    Raises:
        ValueError: there is another class among them.
    """
    labels, predicted = np.asarray(labels, np.int64), np.asarray(predicted, np.int64)
    for classes in (labels, predicted):
        if classes.size and not 0 <= classes.min() <= classes.max() < num_classes:
            raise ValueError(
                f"Expected the classes 0 to {num_classes - 1}, but there are {classes.min()} to "
                f"{classes.max()}."
            )
    places = labels * num_classes + predicted
    return np.bincount(places, minlength=num_classes**2).reshape(num_classes, num_classes)


def scores_by_class(counts: np.ndarray) -> dict[str, np.ndarray]:
    r"""Precision, recall and F1 of every class, by the names in `SCORES`, ``[..., C]``.

    With :math:`n_{ij}` examples of class i that were taken for class j,

    .. math::
        \mathrm{precision}_i = \frac{n_{ii}}{\sum_j n_{ji}}, \qquad
        \mathrm{recall}_i = \frac{n_{ii}}{\sum_j n_{ij}}, \qquad
        F_1 = \frac{2 n_{ii}}{\sum_j n_{ij} + \sum_j n_{ji}}

    and 0 where a class was never seen or never guessed.

    Args:
        counts: confusion matrices ``[..., C, C]``.
    """
    right = np.diagonal(counts, axis1=-2, axis2=-1)
    seen, guessed = counts.sum(axis=-1), counts.sum(axis=-2)
    scores = (
        right / np.maximum(guessed, 1),
        right / np.maximum(seen, 1),
        2 * right / np.maximum(seen + guessed, 1),
    )
    return dict(zip(SCORES, scores, strict=True))
