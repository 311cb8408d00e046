"""A whole training run: chunks, evaluations, their lines and their log."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from rich.console import Console

from rnnjax.training.loop import Trainer, TrainState
from rnnjax.training.optimizers import averaged_params
from rnnjax.training.progress import TrainingProgress

Metrics = dict[str, float]


class FitResult(NamedTuple):
    """What came out of a training run."""

    state: TrainState
    params: Any
    """The last parameters, or their average where the optimiser keeps one."""
    history: list[Metrics]
    """One object per evaluation, with its step and the mean training loss since the last."""
    compile_seconds: float
    train_seconds: float
    """Of the training steps alone, without compiling and evaluating."""
    best_step: int
    best_params: Any
    """The parameters at the evaluation that was best by the metric asked for, else the last."""


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
    state: TrainState,
    evaluate: Callable[[Any], Metrics],
    steps: Iterable[int],
    *,
    title: str,
    console: Console,
    log: Callable[[Metrics], None],
    best_by: str | None = None,
) -> FitResult:
    """Trains through the last of the given steps and evaluates after each of them.

    Args:
        trainer: what trains.
        state: where it starts.
        evaluate: the metrics of given parameters; the average's, where the optimiser keeps one.
        steps: after which to evaluate, counted from zero, in rising order.
        title: shown beside the progress bar.
        console: where the bar and a line per evaluation are shown.
        log: is given each evaluation's metrics.
        best_by: a metric; the parameters of the evaluation where it was highest are kept.

    Raises:
        NonFiniteLossError: the training loss was NaN or infinite.
    """
    steps = list(steps)
    history: list[Metrics] = []
    train_seconds = 0.0
    best = None
    with TrainingProgress(console, title, steps[-1] + 1, int(state.step)) as progress:
        compile_seconds = trainer.compile(state)
        for step in steps:
            losses = []
            for newest, chunk in trainer.run(state, step + 1):
                state = newest
                progress.update(chunk.first_step + len(chunk.losses), chunk.losses[-1])
                train_seconds += chunk.seconds
                losses.append(chunk.losses)
            start = time.perf_counter()
            metrics = {"step": step, "train_loss": float(np.mean(np.concatenate(losses)))}
            params = averaged_params(state.opt_state, state.params)
            metrics |= evaluate(params)
            metrics["eval_seconds"] = round(time.perf_counter() - start, 4)
            console.print(evaluation_line(metrics))
            log(metrics)
            history.append(metrics)
            if best_by is not None and (best is None or metrics[best_by] > best[0]):
                # A copy, because the next chunk reuses the memory of these parameters.
                best = metrics[best_by], step, jax.tree.map(jnp.copy, params)
    params = averaged_params(state.opt_state, state.params)
    best_step, best_params = (steps[-1], params) if best is None else best[1:]
    return FitResult(
        state, params, history, compile_seconds, train_seconds, int(best_step), best_params
    )


def evaluation_line(metrics: Metrics) -> str:
    """One evaluation as a line for the terminal."""
    shown = {k: v for k, v in metrics.items() if k not in ("step", "eval_seconds")}
    values = "  ".join(f"{name.replace('_', ' ')} {value:.4f}" for name, value in shown.items())
    return f"step {metrics['step']:>6,}  {values}"
