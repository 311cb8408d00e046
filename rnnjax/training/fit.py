"""A whole training run: chunks, evaluations, their lines and their log, and checkpoints."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterable
from typing import Any

import jax
import jax.numpy as jnp
from rich.console import Console

from rnnjax.training.checkpoints import Checkpoints
from rnnjax.training.interruption import Interrupted, Interruption
from rnnjax.training.interval import Interval
from rnnjax.training.loop import Trainer
from rnnjax.training.nonfinite import skipped_updates
from rnnjax.training.progress import TrainingProgress
from rnnjax.training.run_state import Best, Metrics, RunState


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


def evaluation_steps(num_steps: int, every: int) -> list[int]:
    """The steps after which to evaluate: 0, every, 2·every, …, and the last one.

    Steps count from zero, so "step 0" is the state after the first update, as in the articles.

    >>> evaluation_steps(1001, 500)
    [0, 500, 1000]
    >>> evaluation_steps(900, 500)
    [0, 500, 899]
    """
    return sorted({*range(0, num_steps, every), num_steps - 1})


def fit(
    trainer: Trainer,
    run: RunState,
    evaluate: Callable[[Any], Metrics],
    steps: Iterable[int],
    *,
    title: str,
    console: Console,
    log: Callable[[Metrics], None],
    best_by: str | None = None,
    saving: Saving | None = None,
) -> None:
    """Trains through the last of the given steps and evaluates after each of them.

    Args:
        trainer: what trains.
        run: where it starts; it is changed, and holds the outcome.
        evaluate: the metrics of given parameters; the average's, where the optimiser keeps one.
        steps: after which to evaluate, counted from zero, in rising order.
        title: shown beside the progress bar.
        console: where the bar and a line per evaluation are shown.
        log: is given each evaluation's metrics.
        best_by: a metric; the parameters of the evaluation where it was highest are kept.
        saving: where to save the run, if anywhere.

    Raises:
        NonFiniteLossError: too many losses or gradients in a row were NaN or infinite.
        StorageError: a checkpoint could not be written.
        Interrupted: a signal asked for it, and the run is saved.
    """
    steps = list(steps)
    done = int(run.train.step)
    last_save = time.perf_counter()

    def save_if_due() -> None:
        nonlocal last_save
        if saving is None:
            return
        saving.checkpoints.check()
        wish = saving.interruption.requested
        if wish or saving.every.is_due(done, time.perf_counter() - last_save):
            run.save(saving.checkpoints, saving.keep_best)
            last_save = time.perf_counter()
        if wish:
            saving.checkpoints.wait()
            raise Interrupted(wish, saving.checkpoints.run, done)

    with TrainingProgress(console, title, steps[-1] + 1, done) as progress:
        if done <= steps[-1]:
            run.compile_seconds += trainer.compile(run.train)
        for step in steps[len(run.history) :]:
            while done <= step:
                # A checkpoint holds the evaluation of its step, so the last chunk has none before.
                save_if_due()
                until = step + 1
                if saving is not None:
                    until = int(min(until, saving.every.next_step(done)))
                for newest, chunk in trainer.run(run.train, until):
                    run.train = newest
                    done = chunk.first_step + len(chunk.losses)
                    progress.update(done, chunk.losses[-1])
                    run.train_seconds += chunk.seconds
                    run.add_losses(chunk.losses)
                    if done < until:
                        save_if_due()
            _evaluate(run, evaluate, step, best_by)
            console.print(evaluation_line(run.history[-1]))
            log(run.history[-1])
    if saving is not None:
        run.save(saving.checkpoints, saving.keep_best)
        saving.checkpoints.wait()
        save_if_due()


def _evaluate(
    run: RunState, evaluate: Callable[[Any], Metrics], step: int, best_by: str | None
) -> None:
    """Adds the metrics after a step to a run, and keeps its parameters if they are the best."""
    start = time.perf_counter()
    metrics: Metrics = {"step": step, "train_loss": run.take_mean_loss()}
    params = run.params
    metrics |= evaluate(params)
    skipped = skipped_updates(run.train.opt_state)
    if skipped:
        metrics["skipped"] = skipped
    metrics["eval_seconds"] = round(time.perf_counter() - start, 4)
    run.history.append(metrics)
    if best_by is not None and (run.best is None or metrics[best_by] > run.best.value):
        run.best = Best(metrics[best_by], step)
        # A copy, because the next chunk reuses the memory of these parameters.
        run.best_params = jax.tree.map(jnp.copy, params)


def evaluation_line(metrics: Metrics) -> str:
    """One evaluation as a line for the terminal."""
    shown = {k: v for k, v in metrics.items() if k not in ("step", "eval_seconds", "skipped")}
    values = "  ".join(f"{name.replace('_', ' ')} {value:.4f}" for name, value in shown.items())
    skipped = f"  skipped {metrics['skipped']:,}" if "skipped" in metrics else ""
    return f"step {metrics['step']:>6,}  {values}{skipped}"
