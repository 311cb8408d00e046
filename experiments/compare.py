"""Answers questions about an experiment by comparing runs, and writes a page to look at.

    python experiments/compare.py --question=learning_rate --preset=keras50
    python experiments/compare.py --sweep=hidden_size=8:128:5 --sweep=cell=gru,lstm --steps=500

The questions, and what they took on two busy cores with --preset=keras50 and six seeds:
``learning_rate`` (12 of them in 5 minutes); ``noise`` of the batch and what quietens it (6);
``cells``, layers and activations, at equal width and at equal parameter count (12);
``plain_networks`` of the same size, on pixels in order and shuffled, by row and one by one (24,
with four seeds); how each of the ``classes`` fares (1); and what the ``state`` does (6). What every
cell there is comes to at equal size, ``catalogue`` asks; which one remembers how far, ``memory``
asks of long_memory.

Every flag of the task (``--task``, mnist_rnn by default) has its meaning here; ``--num_seeds`` runs
of each setting are trained, all of them as one program where only numbers differ. The page is
``index.html`` in ``--workdir``; the same command goes on where it was interrupted.
"""

from __future__ import annotations

import dataclasses
import importlib
import itertools
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rnnjax.outset import begin

if __name__ == "__main__":
    begin()  # before the imports, which take seconds
    # Where Python looks first: not in this folder, but where it lies, among the other scripts.
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from experiments.comparison.questions import QUESTIONS
from experiments.comparison.settings import settings_of_run
from experiments.comparison.study import TASK, Study
from experiments.comparison.sweep import Sweep, parse, product
from experiments.comparison.tasks import TASKS, Task
from rnnjax.errors import UsageError
from rnnjax.experiment import Config, Experiment, launch, setting
from rnnjax.experiment.terminal import open_console


def config_of(task: Task) -> type[Config]:
    """The settings of a comparison of runs of a task: its own and a few more."""
    default = task.name

    @dataclasses.dataclass(frozen=True, kw_only=True)
    class Config(task.config):
        task: str = setting(default, "experiment", choices=TASKS)
        question: str | None = setting(None, "what to answer", choices=QUESTIONS)
        sweep: Sequence[str] = setting(
            (), "a setting and its values, low:high:count or a,b,…; several: all combinations"
        )
        num_seeds: int = setting(5, "runs of each setting: --seed and after", at_least=1)

        def __post_init__(self) -> None:
            super().__post_init__()
            object.__setattr__(self, "sweep", list(self.sweep))  # as config.json has it
            if not self.trains or self.distributed:
                raise UsageError(
                    "compare.py only trains, in one process: without --eval_only, --export, "
                    "--predict, --dry_run and --distributed."
                )
            if self.question is None and not self.sweep:
                raise UsageError(
                    f"give --question (one of {', '.join(QUESTIONS)}) or --sweep=name=values."
                )
            if self.question not in (None, "learning_rate") and self.sweep:
                raise UsageError(
                    f"--question={self.question} says itself what it trains; leave --sweep out."
                )
            for changes in product(self.sweeps):
                run = settings_of_run(self, TASKS[self.task].config, changes)
                if (run.precision == "f64") != (self.precision == "f64"):
                    raise UsageError(
                        f"--sweep: --precision={run.precision} can't be compared with "
                        f"--precision={self.precision}, because f64 is of the whole process; "
                        "train each by itself."
                    )

        @property
        def sweeps(self) -> list[Sweep]:
            return [parse(text, TASKS[self.task].config) for text in self.sweep]

        @property
        def num_runs(self) -> int:
            return self.num_seeds * math.prod(len(sweep.values) for sweep in self.sweeps)

    return Config


def run(experiment: Experiment, config: Any) -> None:
    name = config.question or "sweep"
    question = importlib.import_module(f"experiments.comparison.questions.{name}")
    study = Study(TASKS[config.task], config, open_console())
    study.finish(question.answer(study))


def task_named(arguments: Sequence[str]) -> Task:
    """The task that the command line asks for, before its flags are known."""
    found: dict[str, str] = {}
    for flag, value in itertools.pairwise([*arguments, ""]):
        name, separator, given = flag.lstrip("-").partition("=")
        if flag.startswith("-") and name in ("task", "question"):
            found[name] = given if separator else value
    default = "long_memory" if found.get("question") == "memory" else "mnist_rnn"
    return TASKS.get(found.get("task", default), TASKS["mnist_rnn"])


if __name__ == "__main__":
    chosen = task_named(sys.argv[1:])
    comparison = dataclasses.replace(chosen, name=TASK, config=config_of(chosen))
    launch(comparison, run)
