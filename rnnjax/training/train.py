"""A run as its settings say: built, taken up where it was left, trained and saved."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax
from rich.console import Console

from rnnjax.training.batches import Batches
from rnnjax.training.checkpoints import Checkpoints
from rnnjax.training.errors import UsageError
from rnnjax.training.fit import Saving, evaluation_steps, fit
from rnnjax.training.interruption import Interruption
from rnnjax.training.interval import Interval
from rnnjax.training.layout import Layout
from rnnjax.training.loop import LossFn, Trainer, init_state
from rnnjax.training.optimizers import build_optimizer
from rnnjax.training.run_folder import RunFolder
from rnnjax.training.run_state import RunState, begin
from rnnjax.training.settings import Config


def train(
    config: Config,
    folder: RunFolder,
    console: Console,
    layout: Layout,
    title: str,
    params: Any,
    loss: LossFn,
    batches: Batches,
    data: Any,
    key: jax.Array,
    evaluate: Callable[[Any], Mapping[str, Any]],
    carry: Any = (),
    best_by: str | None = None,
    keep_best: bool = False,
    own_data: bool = False,
) -> RunState:
    """Trains as the settings say, from where the run was left, and saves it as it goes.

    Args:
        config: the settings.
        folder: of the run.
        console: where progress is shown.
        layout: of seeds and rows over devices.
        title: what is trained on what.
        params: the initial parameters, of each seed if there are several.
        loss: the loss of each row of a batch.
        batches: which examples each step sees.
        data: the training data, a pytree of arrays.
        key: the run's random key, or one for each seed.
        evaluate: the metrics of given parameters.
        carry: the initial recurrent state, for losses that carry one from batch to batch.
        best_by: a metric; the parameters of the evaluation where it was highest are kept.
        keep_best: whether these are the ones to evaluate and predict with later, not the last.
        own_data: whether each seed has data of its own.

    Raises:
        UsageError: the length of the run is not given, or its checkpoints are of something else.
        NonFiniteLossError: too many losses or gradients in a row were NaN or infinite.
        StorageError: a full disk, or a folder that can't be written to.
        Interrupted: after SIGTERM or Ctrl-C; the run is saved.
    """
    num_steps, steps = _lengths(config, batches)
    optimizer = build_optimizer(
        config.optimizer,
        config.learning_rate,
        schedule=config.schedule,
        num_steps=num_steps,
        clip_norm=config.clip_norm,
        average=config.average,
    )
    trainer = Trainer(
        loss, optimizer, batches, data, key, carry, layout=layout, own_data=own_data,
        max_skipped=config.max_skipped, debug_nans=config.debug_nans,
    )  # fmt: skip
    state = init_state(params, optimizer, carry, layout)
    run = begin(state, layout, with_best=best_by is not None)

    def tell(warning: str) -> None:
        console.print(f"warning: {warning}", style="bold yellow", soft_wrap=True)

    checkpoints = Checkpoints(folder.path, keep=config.keep, tell=tell)
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
            evaluate,
            steps,
            title=title,
            console=console,
            log=folder.log,
            best_by=best_by,
            saving=Saving(checkpoints, every, interruption, keep_best),
        )
    return run


def _lengths(config: Config, batches: Batches) -> tuple[int, list[int]]:
    """The updates of the whole run, and the steps to evaluate after."""
    if config.epochs is not None:
        num_steps = config.epochs * batches.steps_per_epoch
        every = config.eval_every or batches.steps_per_epoch
        return num_steps, [*range(every - 1, num_steps - 1, every), num_steps - 1]
    if config.steps is None:
        raise UsageError("give --steps or --epochs, the length of the run.")
    return config.steps, evaluation_steps(config.steps, config.eval_every or 500)
