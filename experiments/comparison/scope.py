"""Which questions can be asked of which task."""

from __future__ import annotations

from collections.abc import Sequence

from experiments.comparison.study import Study
from rnnjax.training.errors import UsageError


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
