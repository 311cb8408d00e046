"""What a finished group of runs has left in its folder, read back."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from rnnjax.errors import UsageError
from rnnjax.runs import records, resumption
from rnnjax.runs.folder import METRICS, WRITTEN_ANEW, read_metrics
from rnnjax.storage.typed_json import Fields


def result_shape(num_runs: int) -> Fields:
    """What a group's ``result.json`` holds: of each run its metrics, and whether it diverged."""
    metrics, flags = records.items(float, num_runs), records.items(bool, num_runs)
    runs = Fields({"test_loss": metrics, "test_accuracy": metrics, "diverged": flags})
    return Fields({"steps": int, "num_params": int, "train_seconds": float, "runs": runs})


def read_group(
    task: str, config: Any, num_runs: int, watched: str
) -> tuple[list[Any], dict[str, Any]]:
    """The evaluations and the result of a finished group.

    Args:
        task: the experiment's name.
        config: the settings of the group, its folder among them.
        num_runs: how many runs were trained at once.
        watched: of which data the loss and accuracy were followed.

    Raises:
        UsageError: its files are not there, or damaged.
    """
    names = ("train_loss", f"{watched}_loss", f"{watched}_accuracy")
    if num_runs > 1:
        seeds = Fields({name: records.items(float, num_runs) for name in names})
        line = dataclasses.replace(records.EVALUATION, required={"step": int, "seeds": seeds})
    else:
        line = dataclasses.replace(
            records.EVALUATION, required={"step": int} | dict.fromkeys(names, float)
        )
    history = read_metrics(config.workdir, line)
    if not history:
        file = Path(config.workdir) / METRICS
        raise UsageError(f"{file}: it holds no evaluation; {WRITTEN_ANEW}.")
    result = resumption.finished_result(task, config, result_shape(num_runs))
    if result is None:
        raise UsageError(f"{config.workdir} holds no finished group any more; start again.")
    return history, result
