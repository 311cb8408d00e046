"""The order of a run: export, the task's own commands, evaluation, dry run, training, report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
from rich.console import Console
from rich.panel import Panel

from rnnjax.devices import hosts
from rnnjax.devices.layout import Layout
from rnnjax.experiment.experiment import Experiment, Outcome
from rnnjax.experiment.result import final_metrics, finish
from rnnjax.experiment.saved import (
    check_files,
    digests,
    evaluate_saved,
    export,
    saved_config,
    write_files,
)
from rnnjax.experiment.startup import lay_out
from rnnjax.experiment.terminal import loading, open_console
from rnnjax.reports import tables
from rnnjax.runs import resumption
from rnnjax.runs.folder import RunFolder
from rnnjax.training.needs import check_disk
from rnnjax.training.parameters import initial_params
from rnnjax.training.problem import Dataset, Problem
from rnnjax.training.settings import Config
from rnnjax.training.train import run_length, train


def run(experiment: Experiment, config: Any) -> dict[str, Any]:
    """Does what the settings ask for.

    Returns:
        What stands in ``result.json``; nothing where nothing was trained.

    Raises:
        UsageError: what they ask for can't be.
        DataError: the data can't be had, or not be used.
        NonFiniteLossError: too many losses or gradients in a row were NaN or infinite.
        StorageError: a full disk, or a folder that can't be written to.
        Interrupted: after SIGTERM or Ctrl-C; what was trained is saved.
    """
    console = open_console()
    if config.export is not None:
        export(experiment, console, config)
        return {}
    for name in config.commands:
        if name in experiment.commands:
            experiment.commands[name](console, config)
            return {}
    if config.eval_only:
        config = saved_config(config)
    data = load(experiment, config, console)
    layout = lay_out(config)
    problem = experiment.problem(config, layout, data)
    params = set_up(console, config, layout, problem)
    for line in experiment.describe(config, data):
        console.print(line)
    if config.eval_only:
        check_files(config, problem.files)
        params = evaluate_saved(console, config, layout, problem, params)
        experiment.report(Outcome(console, config, problem, params))
        return {}
    if config.dry_run:
        return {}
    folder = open_run(experiment.name, config, problem.dataset, problem.files)
    write_files(folder.path, problem.files)
    fitted = train(config, folder, console, layout, problem, params)
    final, metrics = final_metrics(problem, fitted)
    outcome = Outcome(console, config, problem, final, fitted.history)
    return finish(experiment, folder, outcome, fitted, metrics)


def load(experiment: Experiment, config: Any, console: Console) -> Any:
    """The data that --dataset and --data_dir name, if the task loads any."""
    if experiment.load is None:
        return None
    by = {name: getattr(config, name) for name in experiment.load_by}
    with loading(console) as progress:
        return experiment.load(config.dataset, config.data_dir, progress=progress, **by)


def set_up(console: Console, config: Config, layout: Layout, problem: Problem) -> Any:
    """The initial parameters; says what is trained, on what, before anything takes time."""
    data, shapes = problem.dataset, jax.eval_shape(problem.init, jax.random.key(0))
    console.print(tables.params_table(shapes, problem.title))
    console.print(f"data     {data.name}: {data.origin}")
    console.print(f"devices  {', '.join(map(str, layout.mesh.devices.flat))}")
    if config.num_seeds > 1:
        console.print(f"seeds    {config.seed} to {config.seed + config.num_seeds - 1}, at once")
    if problem.needs is not None and not config.eval_only:
        console.print(f"memory   {problem.needs}", soft_wrap=True)
        run_length(config, problem.batches)
        if hosts.is_main():
            check_disk(config, problem.needs)
    if data.warning is not None:
        console.print(Panel(data.warning, title="other data than asked for", style="bold yellow"))
    return initial_params(config, layout, problem)


def open_run(
    task: str, config: Config, data: Dataset, files: Mapping[str, str], **more: Any
) -> RunFolder:
    """Opens the folder of a run; records its settings and its data, if it is new.

    Args:
        task: the experiment's name.
        config: the settings.
        data: what was read.
        files: texts that belong to the run, whose digests are recorded.
        more: to record about the data.

    Raises:
        UsageError: as `rnnjax.runs.resumption.open_run`.
    """
    dataset = {"name": data.name, "origin": data.origin, "warning": data.warning, **more}
    dataset |= {"files": digests(files)} if files else {}
    return resumption.open_run(task, config, dataset, hosts.warn)
