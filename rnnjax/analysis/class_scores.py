"""Precision, recall and F1 of every class, and how far they can be trusted."""

from __future__ import annotations

import dataclasses

import numpy as np

from rnnjax.analysis.bootstrap import Estimate, mean_over_seeds
from rnnjax.reports.confusion_matrix import SCORES as SCORES
from rnnjax.reports.confusion_matrix import confusion_matrix, scores_by_class


@dataclasses.dataclass(frozen=True)
class ClassScores:
    """How every class fares: S seeds, C classes.

    Attributes:
        counts: examples of class i taken for class j by each seed, ``[S, C, C]``.
        by_seed: by the names in `SCORES`, ``[S, C]``.
    """

    counts: np.ndarray
    by_seed: dict[str, np.ndarray]

    def estimates(self, score: str) -> list[Estimate]:
        """A score's mean over the seeds with its interval, for each class."""
        return [mean_over_seeds(column, bounds=(0.0, 1.0)) for column in self.by_seed[score].T]

    @property
    def mean_counts(self) -> np.ndarray:
        """The confusion matrix of the average seed, ``[C, C]``."""
        return self.counts.mean(axis=0)

    def confusions(self, most: int = 5) -> list[tuple[int, int, Estimate]]:
        """The mistakes that are made most: true class, guessed class, and how often per seed."""
        wrong = self.mean_counts * (1 - np.eye(len(self.mean_counts)))
        order = np.argsort(-wrong, axis=None, kind="stable")[:most]
        pairs = [divmod(int(place), len(wrong)) for place in order]
        seen = self.counts[0].sum(axis=1)
        return [
            (i, j, mean_over_seeds(self.counts[:, i, j], bounds=(0.0, float(seen[i]))))
            for i, j in pairs
            if wrong[i, j] > 0
        ]


def score_classes(labels: np.ndarray, predicted: np.ndarray, num_classes: int) -> ClassScores:
    """Scores the predictions of several seeds.

    Args:
        labels: true classes ``[N]``.
        predicted: ``[S, N]``.
        num_classes: C.
    """
    counts = np.stack([confusion_matrix(labels, row, num_classes) for row in predicted])
    return ClassScores(counts, scores_by_class(counts))
