"""Settings that were tried with every seed, and how to speak of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from experiments.comparison.group import Group
from rnnjax.analysis.bootstrap import Estimate, mean_over_seeds, paired_difference


@dataclasses.dataclass(frozen=True, eq=False)
class Trial:
    """What one setting has come to with S seeds.

    Args:
        setting: its values by the names of their flags.
        group: that it belongs to.
        index: of it in the group.
    """

    setting: Mapping[str, Any]
    group: Group
    index: int = 0

    @property
    def label(self) -> str:
        """Its values, such as "0.001" or "gru, 64"."""
        return ", ".join(shown(value) for value in self.setting.values())

    @property
    def accuracy(self) -> np.ndarray:
        """On the test set in the end, ``[S]``."""
        return self.group.final("test_accuracy")[self.index]

    @property
    def loss(self) -> np.ndarray:
        """On the test set in the end, ``[S]``."""
        return self.group.final("test_loss")[self.index]

    @property
    def diverged(self) -> np.ndarray:
        """Which seeds ended in NaN or infinity, ``[S]``."""
        return self.group.diverged[self.index]

    def curve(self, name: str) -> np.ndarray:
        """The "loss" or "accuracy" that was watched, over the evaluations, ``[S, E]``."""
        return self.group.curve(f"{self.group.problem.watched}_{name}")[self.index]


def trials_of(groups: Sequence[Group]) -> list[Trial]:
    """Every setting of some groups."""
    return [
        Trial({**group.plan.changes, **setting}, group, i)
        for group in groups
        for i, setting in enumerate(group.settings)
    ]


def best_of(trials: Sequence[Trial]) -> Trial:
    """The one with the highest mean accuracy; of equal ones the lower loss decides."""

    def rank(trial: Trial) -> tuple[float, float]:
        loss = float(trial.loss.mean())
        return float(trial.accuracy.mean()), -loss if np.isfinite(loss) else -np.inf

    # A run that diverged still has a last accuracy, but no one would want it.
    sound = [trial for trial in trials if not trial.diverged.any()]
    return max(sound or trials, key=rank)


def difference(trial: Trial, reference: Trial) -> Estimate:
    """How much higher the accuracy is, seed by seed."""
    return paired_difference(trial.accuracy, reference.accuracy)


SCORES = ("test loss", "test accuracy", "difference to the best", "diverged")
"""The columns that `scores` fills."""

FORMATS = {"difference to the best": "+.4f", "ms/step": ".2f"}
"""Of the numbers in tables of trials."""


def scores(trial: Trial, best: Trial) -> tuple[Any, ...]:
    """What a table tells of a trial, beside the best one."""
    return (
        mean_over_seeds(trial.loss),
        mean_over_seeds(trial.accuracy, bounds=(0, 1)),
        None if trial is best else difference(trial, best),
        int(trial.diverged.sum()),
    )


def divergence(trials: Sequence[Trial]) -> str:
    """Says which runs have diverged."""
    found = [trial for trial in trials if trial.diverged.any()]
    if not found:
        return "No run diverged."
    each = [f"{t.diverged.sum()} of {len(t.diverged)} at {t.label}" for t in found]
    return (
        "Runs that diverged (NaN or infinity; they stay in every mean with what they had come to): "
        f"{', '.join(each)}."
    )


def caveats(trials: Sequence[Trial]) -> list[str]:
    """What has to be said beside the intervals."""
    said = dict.fromkeys(mean_over_seeds(trial.accuracy).caveat for trial in trials)
    return [f"Mind: {caveat}." for caveat in said if caveat and "not finite" not in caveat]


def shown(value: Any) -> str:
    """A value of a setting, short."""
    return f"{value:.3g}" if isinstance(value, float) else str(value)
