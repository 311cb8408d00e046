"""Which questions can be asked of which task, and of what size a task's runs are."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from experiments.comparison.study import Study
from rnnjax.devices.layout import Layout
from rnnjax.errors import UsageError
from rnnjax.training.problem import Problem


def require(study: Study, tasks: Sequence[str], why: str) -> None:
    """Refuses a task that a question has no answer for.

    Raises:
        UsageError: it says why, and which tasks have one.
    """
    if study.task.name not in tasks:
        raise UsageError(
            f"--question={study.config.question} can't be asked of {study.task.name}, because "
            f"{why}; take --task={' or '.join(tasks)}."
        )


def single_problem(study: Study) -> Problem:
    """What one run of the task learns, on one device."""
    config = dataclasses.replace(study.config, num_seeds=1)
    return study.task.problem(config, Layout.single(), study.data)


def updates(study: Study, problem: Problem) -> int:
    """The updates of a run as the settings say."""
    config = study.config
    if config.epochs is not None:
        return config.epochs * problem.batches.steps_per_epoch
    if config.steps is None:
        raise UsageError("give --steps or --epochs, the length of the runs.")
    return config.steps
