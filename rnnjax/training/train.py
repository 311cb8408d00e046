"""A run as its settings say: built, taken up where it was left, trained and saved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
from rich.console import Console

from rnnjax.devices.layout import Layout
from rnnjax.errors import UsageError
from rnnjax.runs.checkpoints import Checkpoints
from rnnjax.runs.folder import RunFolder
from rnnjax.runs.interruption import Interruption
from rnnjax.runs.interval import Interval
from rnnjax.training.batches import Batches
from rnnjax.training.fields import MOST
from rnnjax.training.fit import EvaluationSteps, Saving, fit
from rnnjax.training.loop import Trainer, init_state, place
from rnnjax.training.optimizers import build_optimizer, with_learning_rates
from rnnjax.training.problem import Problem
from rnnjax.training.run_state import RunState, begin
from rnnjax.training.settings import Config


def train(
    config: Config,
    folder: RunFolder,
    console: Console,
    layout: Layout,
    problem: Problem,
    params: Any,
    numbers: Mapping[str, Any] | None = None,
) -> RunState:
    """Trains as the settings say, from where the run was left, and saves it as it goes.

    Args:
        config: the settings.
        folder: of the run.
        console: where progress is shown.
        layout: of seeds and rows over devices.
        problem: what is trained on what.
        params: the initial parameters, of each seed if there are several.
        numbers: settings that differ between the runs that `layout` has seeds for, one number for
            each: "learning_rate", and those that the problem's loss takes.

    Raises:
        UsageError: the length of the run is not given, or its checkpoints are of something else.
        NonFiniteLossError: too many losses or gradients in a row were NaN or infinite.
        StorageError: a full disk, or a folder that can't be written to.
        Interrupted: after SIGTERM or Ctrl-C; the run is saved.
    """
    num_steps, steps = run_length(config, problem.batches)
    numbers = {name: jnp.asarray(values, float) for name, values in (numbers or {}).items()}
    rates = numbers.pop("learning_rate", None)
    optimizer = build_optimizer(
        config.optimizer,
        config.learning_rate if rates is None else None,
        schedule=config.schedule,
        num_steps=num_steps,
        steps_per_epoch=problem.batches.steps_per_epoch,
        decay=config.decay,
        decay_after=config.decay_after,
        clip_norm=config.clip_norm,
        clip_value=config.clip_value,
        average=config.average,
        layer_rates=problem.layer_rates,
    )
    trainer = Trainer(
        problem.loss, optimizer, problem.batches, problem.data, problem.keys[1], problem.carry,
        layout=layout, own_data=problem.own_data, tells_step=problem.tells_step, cut=problem.cut,
        max_skipped=config.max_skipped, debug_nans=config.debug_nans, numbers=numbers,
    )  # fmt: skip
    state = init_state(params, optimizer, problem.carry, layout)
    if rates is not None:
        rated = with_learning_rates(state.opt_state, rates)
        state = place(state._replace(opt_state=rated), layout)
    run = begin(state, layout, with_best=problem.best_by is not None)

    def tell(warning: str) -> None:
        console.print(f"warning: {warning}", style="bold yellow", soft_wrap=True)

    checkpoints = Checkpoints(
        folder.path, folder.identity, keep=config.keep, tell=tell, check=folder.check
    )
    if run.restore(checkpoints):
        console.print(f"resumed  after {int(run.train.step):,} of {num_steps:,} updates")
    elif config.resume == "must":
        raise UsageError(
            f"{folder.path} holds no sound checkpoint; --resume=auto starts from the beginning."
        )
    folder.begin_log(run.history)
    with Interruption(console.print) as interruption:
        every = Interval.parse(config.checkpoint_every)
        fit(
            trainer,
            run,
            problem.evaluate,
            steps,
            title=problem.title,
            console=console,
            log=folder.log,
            best_by=problem.best_by,
            watched=problem.watched,
            saving=Saving(checkpoints, every, interruption, problem.keep_best),
        )
    return run


def run_length(config: Config, batches: Batches) -> tuple[int, EvaluationSteps]:
    """The updates of the whole run, and the steps to evaluate after.

    Raises:
        UsageError: the settings give no length, or more updates than can be counted.
    """
    if config.epochs is not None:
        num_steps = config.epochs * batches.steps_per_epoch
        if num_steps > MOST:
            raise UsageError(
                f"--epochs={config.epochs} are {num_steps:,} updates; there may be {MOST:,}."
            )
        every = config.eval_every or batches.steps_per_epoch
        return num_steps, EvaluationSteps(num_steps, every, first=every - 1)
    if config.steps is None:
        raise UsageError("give --steps or --epochs, the length of the run.")
    return config.steps, EvaluationSteps(config.steps, config.eval_every or 500)
