"""Everything that a run has come to: what a checkpoint holds, so that the run can go on from it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from rnnjax.devices import hosts
from rnnjax.devices.layout import Layout
from rnnjax.reports.statistics import Metrics
from rnnjax.runs import records
from rnnjax.runs.checkpoints import FOLDER, Checkpoints
from rnnjax.storage import typed_json
from rnnjax.training.loop import TrainState, place
from rnnjax.training.metrics import Metric
from rnnjax.training.optimizers import averaged_params


class Best(NamedTuple):
    """The evaluation that was best so far, of each seed if there are several."""

    value: Any
    step: Any


@dataclasses.dataclass
class RunState:
    """A run between two steps.

    Two runs of the same settings are equal here bit by bit but for the seconds, wherever they were
    interrupted and taken up again.

    Args:
        train: what a training step starts from.
        layout: of seeds and rows over devices.
        best_params: the parameters of the best evaluation, any before the first; None where
            nothing tells which is best.
        best: that evaluation.
        history: the metrics of each evaluation.
        loss_sum: of the finite training losses since the last evaluation, of each seed; added in
            float64 one by one, so that the sum does not depend on where a run was interrupted.
        loss_count: how many these are.
        train_seconds: of the training steps alone.
        compile_seconds: of all pieces of the run.
    """

    train: TrainState
    layout: Layout
    best_params: Any = None
    best: Best | None = None
    history: list[Metrics] = dataclasses.field(default_factory=list)
    loss_sum: Any = 0.0
    loss_count: Any = 0
    train_seconds: float = 0.0
    compile_seconds: float = 0.0

    @property
    def params(self) -> Any:
        """The last parameters, or their average where the optimiser keeps one."""
        return self._mapped(averaged_params)(self.train.opt_state, self.train.params)

    @property
    def best_step(self) -> Any:
        """The step of the best evaluation; the last one where nothing tells which is best."""
        return int(self.train.step) - 1 if self.best is None else self.best.step

    def add_losses(self, losses: np.ndarray) -> None:
        """Counts the finite ones among the losses of a chunk."""
        for loss in losses.astype(np.float64):
            finite = np.isfinite(loss)
            self.loss_sum = self.loss_sum + np.where(finite, loss, 0.0)
            self.loss_count = self.loss_count + finite.astype(int)

    def take_mean_loss(self) -> np.ndarray:
        """The mean loss since this was last asked; NaN if no loss was finite."""
        total, count = np.asarray(self.loss_sum), np.asarray(self.loss_count)
        self.loss_sum, self.loss_count = 0.0, 0
        return np.where(count > 0, total / np.maximum(count, 1), np.nan)

    def keep_if_best(self, metric: Metric, value: np.ndarray, step: int, params: Any) -> None:
        """Keeps the parameters of the seeds for which an evaluation was the best so far."""
        if self.best is None:
            better = np.ones(value.shape, bool)
            self.best = Best(value.tolist(), np.full(value.shape, step).tolist())
        else:
            better = metric.is_better(value, np.asarray(self.best.value))
            chosen = (
                np.where(better, value, self.best.value),
                np.where(better, step, self.best.step),
            )
            self.best = Best(*(c.tolist() for c in chosen))
        # New arrays in any case, because the next chunk reuses the memory of these parameters.
        self.best_params = self._mapped(_choose)(better, params, self.best_params)

    def _mapped(self, function: Callable[..., Any]) -> Callable[..., Any]:
        return jax.vmap(function) if self.layout.num_seeds > 1 else function

    def save(self, checkpoints: Checkpoints, keep_best: bool) -> None:
        """Saves everything; the best parameters so far, or the last, are those to evaluate."""
        step = int(self.train.step)
        if keep_best and self.best is not None:
            params, params_step = self.best_params, int(np.max(self.best.step)) + 1
        else:
            params, params_step = self.params, step
        recorded = {name: _as_json(getattr(self, name)) for name in _RECORDED}
        record = typed_json.strict(recorded)
        state, params = hosts.fetch(((self.train, self.best_params), params))
        hosts.on_main(
            lambda: checkpoints.save(step, state, params, params_step=params_step, record=record)
        )

    def restore(self, checkpoints: Checkpoints) -> bool:
        """Goes on from the newest sound checkpoint; False if there is none.

        The first process reads it, and tells the others.

        Raises:
            UsageError: the checkpoint is of another model or optimiser.
            StorageError: there can't be checkpoints in the run's folder.
        """
        hosts.on_main(checkpoints.begin)
        step = hosts.on_main(checkpoints.newest)
        if step is None:
            return False
        state = hosts.fetch((self.train, self.best_params))

        def read() -> dict[str, Any]:
            nonlocal state
            state, record = checkpoints.restore(step, state)
            advice = "it is no record of this version, so name another folder to train anew"
            source = checkpoints.run / FOLDER / str(step) / "record"
            return records.check(source, record, records.CHECKPOINT, advice)

        record = hosts.on_main(read)
        train, best_params = hosts.from_main(state)
        self.train = place(train, self.layout)
        self.best_params = self.layout.put(best_params, self.layout.of_seeds())
        for name in _RECORDED:
            setattr(self, name, record[name])
        self.best = None if self.best is None else Best(*self.best)
        self.loss_sum, self.loss_count = np.asarray(self.loss_sum), np.asarray(self.loss_count)
        return True


def _choose(better: jax.Array, new: Any, old: Any) -> Any:
    return jax.tree.map(lambda n, o: jnp.where(better, n, o), new, old)


def _as_json(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value


_RECORDED = ("best", "history", "loss_sum", "loss_count", "train_seconds", "compile_seconds")


def begin(train: TrainState, layout: Layout | None = None, *, with_best: bool = False) -> RunState:
    """A run before its first step.

    Args:
        train: what it starts from.
        layout: of seeds and rows over devices; one device by default.
        with_best: whether the best parameters will be kept.
    """
    run = RunState(train, layout or Layout.single())
    if with_best:
        run.best_params = jax.tree.map(jnp.copy, run.params)
    return run
