"""Studies of small runs on the digits that come with scikit-learn."""

from __future__ import annotations

from typing import Any

from rich.console import Console

from experiments.compare import config_of
from experiments.comparison.study import Study
from experiments.comparison.tasks import TASKS
from rnnjax.experiment.command_line import merge

SMALL = {
    "dataset": "digits", "hidden_size": 6, "cell": "simple_rnn", "steps": 40, "eval_every": 20,
    "num_seeds": 2, "num_devices": 1, "batch_size": 20,
}  # fmt: skip


def study_of(question: str, folder: Any, task: str = "mnist_rnn", **flags: Any) -> Study:
    given = {"question": question, "task": task, "workdir": str(folder), **flags}
    config = merge(config_of(TASKS[task]), TASKS[task].presets, given)
    return Study(TASKS[task], config, Console(quiet=True))
