"""A whole training run: chunks, evaluations, their lines and their log, and checkpoints."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Mapping, Sequence
from signal import Signals
from typing import Any, overload

import numpy as np
from rich.console import Console

from rnnjax.devices import hosts
from rnnjax.reports.progress import TrainingProgress
from rnnjax.reports.statistics import Metrics, shown, summarise
from rnnjax.runs.checkpoints import Checkpoints
from rnnjax.runs.interruption import Interrupted, Interruption
from rnnjax.runs.interval import Interval
from rnnjax.training.loop import Trainer
from rnnjax.training.metrics import Metric
from rnnjax.training.nonfinite import skipped_updates
from rnnjax.training.run_state import RunState


@dataclasses.dataclass(frozen=True)
class Saving:
    """Where and how often a run is saved, and when it has to stop early.

    Args:
        checkpoints: where.
        every: how often; besides, after the last step and when the run is interrupted.
        interruption: is asked between two chunks.
        keep_best: whether the parameters to evaluate are those that were best, not the last.
    """

    checkpoints: Checkpoints
    every: Interval
    interruption: Interruption
    keep_best: bool = False


@dataclasses.dataclass(frozen=True)
class EvaluationSteps(Sequence[int]):
    """The steps after which to evaluate: every so many of them, and the last one.

    Steps count from zero, so "step 0" is the state after the first update, as in the articles.
    There may be billions of them: they are computed when they are asked for.

    Args:
        num_steps: of the whole run.
        every: from one evaluation to the next.
        first: the first one; 0 by default.

    >>> list(EvaluationSteps(1001, 500)), list(EvaluationSteps(900, 500))
    ([0, 500, 1000], [0, 500, 899])
    >>> list(EvaluationSteps(10, every=5, first=4)), list(EvaluationSteps(3, every=5, first=4))
    ([4, 9], [2])
    """

    num_steps: int
    every: int
    first: int = 0

    @property
    def _before_the_last(self) -> range:
        return range(self.first, self.num_steps - 1, self.every)

    def __len__(self) -> int:
        return len(self._before_the_last) + 1

    @overload
    def __getitem__(self, index: int) -> int: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[int]: ...

    def __getitem__(self, index: int | slice) -> int | Sequence[int]:
        if isinstance(index, slice):
            return [self[i] for i in range(len(self))[index]]
        index = range(len(self))[index]
        return self.num_steps - 1 if index == len(self) - 1 else self._before_the_last[index]


def fit(
    trainer: Trainer,
    run: RunState,
    evaluate: Callable[[Any], Mapping[str, Any]],
    steps: Sequence[int],
    *,
    title: str,
    console: Console,
    log: Callable[[Metrics], None],
    best_by: Metric | None = None,
    watched: str = "test",
    saving: Saving | None = None,
) -> None:
    """Trains through the last of the given steps and evaluates after each of them.

    Args:
        trainer: what trains.
        run: where it starts; it is changed, and holds the outcome.
        evaluate: the metrics of given parameters, of each seed if there are several; the average's,
            where the optimiser keeps one.
        steps: after which to evaluate, counted from zero, in rising order.
        title: shown beside the progress bar.
        console: where the bar and a line per evaluation are shown.
        log: is given each evaluation's metrics.
        best_by: a metric; the parameters of the evaluation where it was best are kept.
        watched: of which data `evaluate` tells it: "test" or "validation".
        saving: where to save the run, if anywhere.

    Raises:
        NonFiniteLossError: too many losses or gradients in a row were NaN or infinite.
        StorageError: a checkpoint could not be written.
        Interrupted: a signal asked for it, and the run is saved.
    """
    done = int(run.train.step)
    last_save = time.perf_counter()

    def save_if_due() -> None:
        nonlocal last_save
        if saving is None:
            return
        hosts.on_main(saving.checkpoints.check)
        # All processes stop, or save, after the same chunk, whoever was asked to.
        due = saving.every.is_due(done, time.perf_counter() - last_save)
        said = hosts.exchange((saving.interruption.requested, due))
        wish = next((Signals(wish) for wish, _ in said if wish is not None), None)
        if wish or said[0][1]:
            run.save(saving.checkpoints, saving.keep_best)
            last_save = time.perf_counter()
        if wish:
            hosts.on_main(saving.checkpoints.wait)
            raise Interrupted(wish, saving.checkpoints.run, done)

    with TrainingProgress(console, title, steps[-1] + 1, done) as progress:
        if done <= steps[-1]:
            run.compile_seconds += trainer.compile(run.train)
        for step in (steps[i] for i in range(len(run.history), len(steps))):
            while done <= step:
                # A checkpoint holds the evaluation of its step, so the last chunk has none before.
                save_if_due()
                until = step + 1
                if saving is not None:
                    until = int(min(until, saving.every.next_step(done)))
                for newest, chunk in trainer.run(run.train, until):
                    run.train = newest
                    done = chunk.first_step + len(chunk.losses)
                    progress.update(done, float(chunk.losses[-1].mean()))
                    run.train_seconds += chunk.seconds
                    run.add_losses(chunk.losses)
                    if done < until:
                        save_if_due()
            _evaluate(run, evaluate, step, best_by, watched)
            console.print(evaluation_line(run.history[-1]))
            log(run.history[-1])
    if saving is not None:
        run.save(saving.checkpoints, saving.keep_best)
        hosts.on_main(saving.checkpoints.wait)
        save_if_due()


def _evaluate(
    run: RunState,
    evaluate: Callable[[Any], Mapping[str, Any]],
    step: int,
    best_by: Metric | None,
    watched: str,
) -> None:
    """Adds the metrics after a step to a run, and keeps its parameters if they are the best."""
    start = time.perf_counter()
    params = run.params
    values = {"train_loss": run.take_mean_loss(), **evaluate(params)}
    skipped = skipped_updates(run.train.opt_state)
    if skipped.any():
        values["skipped"] = skipped
    seconds = round(time.perf_counter() - start, 4)
    run.history.append({"step": step, **summarise(values), "eval_seconds": seconds})
    if best_by is not None:
        value = np.asarray(values[f"{watched}_{best_by.name}"])
        run.keep_if_best(best_by, value, step, params)


def evaluation_line(metrics: Metrics) -> str:
    """One evaluation as a line for the terminal."""
    hidden = ("step", "eval_seconds", "skipped", "sd", "seeds")
    names = [name for name in metrics if name not in hidden]
    values = "  ".join(f"{name.replace('_', ' ')} {shown(metrics, name)}" for name in names)
    skipped = f"  skipped {metrics['skipped']:,}" if "skipped" in metrics else ""
    return f"step {metrics['step']:>6,}  {values}{skipped}"
