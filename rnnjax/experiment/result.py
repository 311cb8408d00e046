"""The end of a run: ``result.json``, the last lines in the terminal, and what simple methods do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from rnnjax.devices import hosts
from rnnjax.errors import UsageError
from rnnjax.experiment.experiment import Baselines, Experiment, Outcome
from rnnjax.reports.statistics import shown, summarise
from rnnjax.reports.tables import count_params
from rnnjax.runs import records, resumption
from rnnjax.runs.folder import RunFolder
from rnnjax.storage.typed_json import Fields
from rnnjax.training.metrics import LOSS
from rnnjax.training.nonfinite import skipped_updates
from rnnjax.training.problem import Problem
from rnnjax.training.run_state import RunState
from rnnjax.training.settings import Config


def is_finished(experiment: Experiment, config: Config) -> bool:
    """Whether training was asked for that is done already; says so."""
    if not config.trains:
        return False
    names = _names(experiment)
    shape = Fields({"steps": int} | dict.fromkeys(names, float), records.RESULT.optional)
    result = hosts.on_main(lambda: resumption.finished_result(experiment.name, config, shape))
    if result is not None and hosts.is_main():
        print(
            f"this run has finished: {_told(result, names)} after {result['steps']:,} steps; "
            f"everything is in {config.workdir} (another --workdir trains anew)"
        )
    return result is not None


def final_metrics(problem: Problem, fitted: RunState) -> tuple[Any, dict[str, Any]]:
    """The parameters that count in the end, and the test figures of a run.

    Where the best evaluation was remembered, its own and the last one's figures are told apart.
    """
    if problem.best_by is None and problem.evaluate is problem.test:
        return fitted.params, dict(fitted.history[-1])
    params = fitted.params  # the same arrays from here on, so that nothing is computed twice
    last = summarise(problem.test(params))
    if problem.best_by is None:
        return params, last
    is_last = np.all(np.equal(fitted.best_step, int(fitted.train.step) - 1))
    best_params = params if is_last else fitted.best_params
    best = last if is_last else summarise(problem.test(best_params))
    each = {"last": last, f"best_{problem.watched}": {"step": fitted.best_step, **best}}
    if problem.keep_best:
        return best_params, best | each
    return params, last | each


def finish(
    experiment: Experiment,
    folder: RunFolder,
    outcome: Outcome,
    fitted: RunState,
    metrics: Mapping[str, Any],
) -> dict[str, Any]:
    """Shows a run, and writes and gives what it has come to.

    Args:
        experiment: the task.
        folder: of the run.
        outcome: with the parameters that count.
        fitted: all that was trained.
        metrics: of the parameters that count, and others that are told besides.

    Raises:
        UsageError: one that the task tells of is not among them.
    """
    names, problem, config = _names(experiment), outcome.problem, outcome.config
    check_metrics(experiment, metrics)
    more = experiment.report(outcome)
    experiment.draw(folder.path, outcome)
    # Some take minutes, with nothing else to see.
    with outcome.console.status("computing what simple methods reach on the same data"):
        baselines = {
            method: {name: float(value) for name, value in reached.items()}
            for method, reached in experiment.baselines(outcome).items()
        }
    skipped = int(skipped_updates(fitted.train.opt_state).sum())
    figures = {name: value for name, value in metrics.items() if name in names}
    figures |= {k: v for k, v in metrics.items() if k == "last" or k.startswith("best_")}
    if config.num_seeds > 1:
        figures["sd"] = {k: v for k, v in metrics["sd"].items() if k in names}
        figures["seeds"] = {"seed": [config.seed + i for i in range(config.num_seeds)]} | {
            k: v for k, v in metrics["seeds"].items() if k in names
        }
    result = {
        "task": experiment.name,
        "preset": config.preset,
        "dataset": problem.dataset.name,
        "warning": problem.dataset.warning,
        "seed": config.seed,
        "steps": int(fitted.train.step),
        **({"skipped": skipped} if skipped else {}),
        "num_params": count_params(fitted.params) // config.num_seeds,
        "train_seconds": round(fitted.train_seconds, 3),
        "compile_seconds": round(fitted.compile_seconds, 3),
        **figures,
        "baselines": baselines,
        **more,
    }
    folder.write_result(result)
    for line in compared(experiment, result, baselines):
        outcome.console.print(line)
    speed = 1e3 * fitted.train_seconds / result["steps"]
    outcome.console.print(
        f"{_told(result, names)} after {result['steps']:,} steps ({speed:.2f} ms each, compiled in "
        f"{fitted.compile_seconds:.1f} s)\nwritten to {folder.path}",
        soft_wrap=True,
    )
    return result


def check_metrics(experiment: Experiment, metrics: Mapping[str, Any]) -> None:
    """Whether the test figures that a task tells of are there; before anything is written.

    Raises:
        UsageError: one is not. A run can go on, and end, when its script has been put right.
    """
    if missing := [name for name in _names(experiment) if name not in metrics]:
        given = ", ".join(name for name in metrics if name.startswith("test_")) or "nothing"
        raise UsageError(
            f"the task {experiment.name} tells of {', '.join(missing)}, but its Problem.test gives "
            f"{given}; name these in Experiment(metrics=…), and go on with the same command."
        )


def compared(experiment: Experiment, result: Mapping[str, Any], baselines: Baselines) -> list[str]:
    """A line for each simple method: what it reaches, and by which figures the run beats it."""
    lines = []
    metrics = (LOSS, *experiment.metrics)
    for name, reached in baselines.items():
        verdicts = {m.name: m.compare(result, reached) for m in metrics}
        told = ", ".join(
            f"test {m.name.replace('_', ' ')} {reached[f'test_{m.name}']:.4f} "
            f"({'beaten' if verdicts[m.name] else 'NOT BEATEN by this run'})"
            for m in metrics
            if verdicts[m.name] is not None
        )
        lines.append(f"baseline {name}: {told}")
    return lines


def _names(experiment: Experiment) -> list[str]:
    return [f"test_{metric.name}" for metric in (LOSS, *experiment.metrics)]


def _told(result: Mapping[str, Any], names: list[str]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {shown(result, name)}" for name in names)
