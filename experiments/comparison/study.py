"""Groups of runs, trained one after the other, each in a folder of its own."""

from __future__ import annotations

import dataclasses
import functools
import shlex
import sys
import time
import types
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np
from rich.console import Console

from experiments.comparison import page
from experiments.comparison.answer import Answer
from experiments.comparison.group import Group, Plan
from experiments.comparison.markdown import write_markdown
from experiments.comparison.saved import read_group
from experiments.comparison.settings import settings_of_run
from experiments.comparison.tasks import Task
from rnnjax.devices import hosts
from rnnjax.devices.layout import Layout
from rnnjax.errors import UsageError
from rnnjax.experiment.order import load, open_run
from rnnjax.experiment.startup import fitting_devices, lay_out
from rnnjax.reports.tables import count_params
from rnnjax.runs import resumption
from rnnjax.runs.checkpoints import load_params
from rnnjax.runs.folder import RunFolder, environment
from rnnjax.runs.interruption import Interrupted
from rnnjax.training.nonfinite import skipped_in_a_row
from rnnjax.training.parameters import initial_params
from rnnjax.training.train import train

TASK = "compare"

NEVER = int(np.iinfo(np.int32).max)
"""After so many updates in a row that are not finite a run would stop the others."""


class Study:
    """Trains groups of runs of one task, and goes on where it was interrupted.

    Args:
        task: the experiment.
        config: its settings, those of every run where a plan says nothing else.
        console: where progress is shown.
    """

    def __init__(self, task: Task, config: Any, console: Console) -> None:
        self.task = task
        self.config = config
        self.console = console
        self._groups: dict[str, Group] = {}

    @property
    def numbers(self) -> tuple[str, ...]:
        """The settings in which runs of one program may differ."""
        return ("learning_rate", "initial_scale", *self.task.numbers)

    @functools.cached_property
    def folder(self) -> Path:
        """The study's folder, opened when it is first asked for; every group has one in it."""
        made: Any = types.SimpleNamespace(
            name=self.task.name, origin="made for each run", warning=None
        )
        self._opened = open_run(TASK, self.config, self.data or made, {})
        return self._opened.path

    @functools.cached_property
    def data(self) -> Any:
        """The task's data, loaded once."""
        return load(self.task, self.config, self.console)

    def run(
        self,
        plans: Sequence[Plan],
        answer: Callable[[Sequence[Group]], Answer] | None = None,
    ) -> list[Group]:
        """Trains groups, or reads those that are finished.

        Args:
            plans: of the groups.
            answer: what can be said after the first groups already, for the page.

        Raises:
            UsageError: a group's settings don't go together, or its folder holds a group of others.
            Interrupted: after SIGTERM or Ctrl-C; what was trained is saved.
        """
        names = [plan.name for plan in plans]
        if len(set(names)) < len(names):
            raise UsageError(f"two groups of this study have the same name: {', '.join(names)}.")
        for plan in plans:
            self._config(plan, None)  # which checks it, before there is a folder
        configs = [self._config(plan, str(self.folder / plan.name)) for plan in plans]
        groups, trained, start = [], 0, time.perf_counter()
        for i, (plan, config) in enumerate(zip(plans, configs, strict=True)):
            seconds = time.perf_counter() - start
            left = f", about {_shown(seconds / trained * (len(plans) - i))} left" if trained else ""
            self.console.rule(f"group {i + 1} of {len(plans)}: {plan.name}{left}")
            try:
                finished = resumption.finished_result(self.task.name, config) is not None
                groups.append(self._group(plan, config, finished))
            except Interrupted as stop:
                stop.run = self.folder
                raise
            trained += not finished
            if answer is not None:
                more = len(plans) - len(groups)
                are = "group of runs is" if more == 1 else "groups of runs are"
                self._write(answer(groups), f"{more} {are} still to come." if more else None)
        return groups

    def finish(self, answer: Answer) -> None:
        """Shows the whole answer in the terminal, and writes its page."""
        page.print_answer(self.console, answer)
        self._write(answer, None)
        self.console.print(f"written to {self.folder / page.PAGE}", soft_wrap=True)

    def _write(self, answer: Answer, unfinished: str | None) -> None:
        here, data = environment(), self.data
        facts = {
            "command": shlex.join(["python", *sys.argv]),
            "data": "made for each run" if data is None else f"{data.name}: {data.origin}",
            **({} if data is None or data.warning is None else {"warning": data.warning}),
            "seeds": f"{self.config.num_seeds}, from {self.config.seed}",
            "devices": ", ".join(here["devices"]),
            "versions": ", ".join(f"{name} {number}" for name, number in here["versions"].items()),
            "date": time.strftime("%Y-%m-%d %H:%M"),
        }
        page.write_page(self.folder, answer, facts, unfinished=unfinished)
        if unfinished is None:
            write_markdown(self.folder, answer, facts)

    def _config(self, plan: Plan, workdir: str | None) -> Any:
        """The settings of a group, as the task's own script would have them."""
        for setting in plan.settings:
            settings_of_run(self.config, self.task.config, {**plan.changes, **setting})
        # A run whose numbers are not finite goes on without an update, beside the others.
        changes = {**plan.changes, "workdir": workdir, "max_skipped": NEVER}
        return settings_of_run(self.config, self.task.config, changes)

    def _group(self, plan: Plan, config: Any, finished: bool) -> Group:
        if plan.name in self._groups and self._groups[plan.name].plan == plan:
            return self._groups[plan.name]
        layout = _lay_out(plan, config)
        problem = (plan.build or self.task.problem)(config, layout, self.data)
        numbers = plan.numbers(config.num_seeds)
        initial = functools.partial(
            initial_params, config, layout, problem, numbers.pop("initial_scale", None)
        )
        # In any case, because it refuses a group of other numbers, and holds the folder's lock.
        settings = [dict(setting) for setting in plan.settings]
        folder = open_run(self.task.name, config, problem.dataset, problem.files, settings=settings)
        if not finished:
            self._train(config, layout, problem, initial(), numbers, folder)
        like = jax.eval_shape(initial)
        params = layout.put(
            load_params(folder.path, like, hosts.warn, folder.identity)[1], layout.of_seeds()
        )
        saved = read_group(self.task.name, config, layout.num_seeds, problem.watched)
        group = Group(plan, config, problem, layout, params, *saved)
        self._groups[plan.name] = group
        return group

    def _train(
        self,
        config: Any,
        layout: Layout,
        problem: Any,
        params: Any,
        numbers: dict[str, list[float]],
        folder: RunFolder,
    ) -> None:
        if layout.num_seeds > 1:
            settings = f"{layout.num_settings} settings × " if layout.num_settings > 1 else ""
            self.console.print(
                f"{settings}{config.num_seeds} seeds = {layout.num_seeds} runs at once on "
                f"{layout.mesh.devices.size} devices, and their means:"
            )
        each = {n: values if layout.num_seeds > 1 else values[0] for n, values in numbers.items()}
        fitted = train(config, folder, self.console, layout, problem, params, each)
        final = fitted.best_params if problem.keep_best else fitted.params
        metrics = {name: np.atleast_1d(value) for name, value in problem.test(final).items()}
        in_a_row = np.broadcast_to(skipped_in_a_row(fitted.train.opt_state), layout.num_seeds)
        unfit = [~np.isfinite(value) for value in metrics.values()]
        diverged = np.any([in_a_row >= self.config.max_skipped, *unfit], axis=0)
        result = {
            "task": self.task.name,
            "dataset": problem.dataset.name,
            "warning": problem.dataset.warning,
            "steps": int(fitted.train.step),
            "num_params": count_params(fitted.params) // layout.num_seeds,
            "train_seconds": round(fitted.train_seconds, 3),
            "compile_seconds": round(fitted.compile_seconds, 3),
            **{name: float(value.mean()) for name, value in metrics.items()},
            "runs": {k: v.tolist() for k, v in metrics.items()} | {"diverged": diverged.tolist()},
        }
        folder.write_result(result)


def _lay_out(plan: Plan, config: Any) -> Layout:
    """The runs of a group over as many devices as they can be divided among."""
    if config.num_devices is None:
        runs = len(plan.settings) * config.num_seeds
        count = fitting_devices(config, len(jax.devices()), runs)
        config = dataclasses.replace(config, num_devices=count)
    return lay_out(config, len(plan.settings))


def _shown(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds > 90 else f"{seconds:.0f} s"
