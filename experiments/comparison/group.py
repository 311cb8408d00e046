"""A group of runs that were trained as one program, and what has become of them."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import numpy as np

from experiments.comparison.tasks import Build
from rnnjax.devices.layout import Layout
from rnnjax.training.problem import Problem
from rnnjax.training.settings import Config

Setting = Mapping[str, float]
"""Numbers by the names of their flags, in which a run differs from others of its group."""


@dataclasses.dataclass(frozen=True)
class Plan:
    """A group of runs that is to be trained: every setting with every seed.

    Args:
        name: of its folder.
        changes: settings of the task, by name, that all of its runs have in common.
        settings: of which each seed sees every one. All have the same names: "learning_rate",
            "initial_scale", or one of the problem's `numbers`.
        build: makes what is to be learnt, if it is not the task's own problem.
    """

    name: str
    changes: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    settings: Sequence[Setting] = ({},)
    build: Build | None = None

    def numbers(self, num_seeds: int) -> dict[str, list[float]]:
        """One number for each run by name: all seeds of the first setting, of the second, …"""
        names = self.settings[0]
        return {n: [float(s[n]) for s in self.settings for _ in range(num_seeds)] for n in names}


@dataclasses.dataclass(frozen=True, eq=False)
class Group:
    """The outcome of V settings with S seeds each; E evaluations, N test examples, C classes.

    Args:
        plan: what was to be trained.
        config: the task's settings, but for those that `plan` varies.
        problem: what was learnt.
        layout: of the V · S runs over the devices, V first.
        params: the parameters of all runs, as `problem` takes them.
        history: of each evaluation the metrics, as they stand in ``metrics.jsonl``.
        result: what stands in ``result.json``.
    """

    plan: Plan
    config: Config
    problem: Problem
    layout: Layout
    params: Any
    history: Sequence[Mapping[str, Any]]
    result: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The group's name."""
        return self.plan.name

    @property
    def settings(self) -> Sequence[Setting]:
        """V settings."""
        return self.plan.settings

    @property
    def seeds(self) -> list[int]:
        """S random seeds."""
        return [self.config.seed + i for i in range(self.config.num_seeds)]

    @property
    def steps(self) -> np.ndarray:
        """After which step each evaluation was, ``[E]``."""
        return np.array([metrics["step"] for metrics in self.history])

    def curve(self, name: str) -> np.ndarray:
        """A metric over the evaluations, ``[V, S, E]``: "test_loss", "train_loss", …"""
        return np.stack([self._by_run(_of_runs(metrics, name)) for metrics in self.history], -1)

    def final(self, name: str) -> np.ndarray:
        """A metric in the end, ``[V, S]``: "test_loss" or "test_accuracy"."""
        return self._by_run(self.result["runs"][name])

    @property
    def diverged(self) -> np.ndarray:
        """Which runs ended in NaN or infinity, ``[V, S]``."""
        return self._by_run(self.result["runs"]["diverged"])

    @property
    def num_params(self) -> int:
        """How many parameters one run has."""
        return self.result["num_params"]

    @property
    def milliseconds(self) -> float:
        """What a training step of one run has taken, other runs of the group beside it."""
        return 1e3 * self.result["train_seconds"] / self.result["steps"] / self.layout.num_seeds

    @functools.cached_property
    def logits(self) -> np.ndarray:
        """The predictions for the test set, ``[V, S, N, C]``."""
        assert self.problem.predict is not None
        logits = np.asarray(self.problem.predict(self.params))
        axes = 1 + (self.layout.num_seeds > 1)
        if logits.ndim == axes:  # one logit stands for two classes
            logits = np.stack((np.zeros_like(logits), logits), -1)
        return self._by_run(logits)

    def params_of(self, setting: int = 0, seed: int = 0) -> Any:
        """The parameters of one run, both counted from 0."""
        # Off the devices first: programs that queue up on several CPU devices may block each other.
        params = jax.device_get(self.params)
        return self.layout.part(params, setting * self.config.num_seeds + seed)

    def _by_run(self, values: Any) -> np.ndarray:
        values = np.asarray(values)
        if self.layout.num_seeds == 1:
            return values.reshape(1, 1, *values.shape[int(values.ndim > 0 and len(values) == 1) :])
        return values.reshape(len(self.settings), self.config.num_seeds, *values.shape[1:])


def _of_runs(metrics: Mapping[str, Any], name: str) -> Any:
    return metrics["seeds"][name] if "seeds" in metrics else metrics[name]
