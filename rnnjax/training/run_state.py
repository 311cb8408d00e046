"""Everything that a run has come to: what a checkpoint holds, so that the run can go on from it."""

from __future__ import annotations

import dataclasses
import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from rnnjax.training.checkpoints import Checkpoints
from rnnjax.training.loop import TrainState
from rnnjax.training.optimizers import averaged_params

Metrics = dict[str, float]


class Best(NamedTuple):
    """The evaluation that was best so far."""

    value: float
    step: int


@dataclasses.dataclass
class RunState:
    """A run between two steps.

    Two runs of the same settings are equal here bit by bit but for the seconds, wherever they were
    interrupted and taken up again.

    Args:
        train: what a training step starts from.
        best_params: the parameters of the best evaluation, any before the first; None where
            nothing tells which is best.
        best: that evaluation.
        history: the metrics of each evaluation.
        loss_sum: of the finite training losses since the last evaluation; added in float64 one by
            one, so that the sum does not depend on where a run was interrupted.
        loss_count: how many these are.
        train_seconds: of the training steps alone.
        compile_seconds: of all pieces of the run.
    """

    train: TrainState
    best_params: Any = None
    best: Best | None = None
    history: list[Metrics] = dataclasses.field(default_factory=list)
    loss_sum: float = 0.0
    loss_count: int = 0
    train_seconds: float = 0.0
    compile_seconds: float = 0.0

    @property
    def params(self) -> Any:
        """The last parameters, or their average where the optimiser keeps one."""
        return averaged_params(self.train.opt_state, self.train.params)

    @property
    def best_step(self) -> int:
        """The step of the best evaluation; the last one where nothing tells which is best."""
        return int(self.train.step) - 1 if self.best is None else self.best.step

    def add_losses(self, losses: np.ndarray) -> None:
        """Counts the finite ones among the losses of a chunk."""
        for loss in losses[np.isfinite(losses)].tolist():
            self.loss_sum += loss
            self.loss_count += 1

    def take_mean_loss(self) -> float:
        """The mean loss since this was last asked; NaN if no loss was finite."""
        mean = self.loss_sum / self.loss_count if self.loss_count else math.nan
        self.loss_sum, self.loss_count = 0.0, 0
        return mean

    def save(self, checkpoints: Checkpoints, keep_best: bool) -> None:
        """Saves everything; the best parameters so far, or the last, are those to evaluate."""
        step = int(self.train.step)
        if keep_best and self.best is not None:
            params, params_step = self.best_params, self.best.step + 1
        else:
            params, params_step = self.params, step
        checkpoints.save(
            step,
            (self.train, self.best_params),
            params,
            params_step=params_step,
            record={name: getattr(self, name) for name in _RECORDED},
        )

    def restore(self, checkpoints: Checkpoints) -> bool:
        """Goes on from the newest sound checkpoint; False if there is none.

        Raises:
            UsageError: the checkpoint is of another model or optimiser.
        """
        step = checkpoints.newest()
        if step is None:
            checkpoints.discard_after(-1)
            return False
        like = (self.train, self.best_params)
        (self.train, self.best_params), record = checkpoints.restore(step, like)
        for name in _RECORDED:
            setattr(self, name, record[name])
        self.best = None if self.best is None else Best(*self.best)
        return True


_RECORDED = ("best", "history", "loss_sum", "loss_count", "train_seconds", "compile_seconds")


def begin(train: TrainState, *, with_best: bool = False) -> RunState:
    """A run before its first step.

    Args:
        train: what it starts from.
        with_best: whether the best parameters will be kept.
    """
    best_params = None
    if with_best:
        best_params = jax.tree.map(jnp.copy, averaged_params(train.opt_state, train.params))
    return RunState(train, best_params)
