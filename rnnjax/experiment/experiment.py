"""What a script says of itself: all else is done by the frame."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np
from rich.console import Console

from rnnjax.devices.layout import Layout
from rnnjax.export import Model
from rnnjax.reports.statistics import Metrics
from rnnjax.training.metrics import ACCURACY, Metric
from rnnjax.training.problem import Problem
from rnnjax.training.settings import Config

Presets = Mapping[str, Mapping[str, Any]]
"""Named settings."""

Baselines = Mapping[str, Mapping[str, float]]
"""The test figures of simple methods, by the method's name: what a network has to beat."""


@dataclasses.dataclass(frozen=True, eq=False)
class Outcome:
    """A run that has come to its end, or that was read back from its folder.

    Args:
        console: where it is shown.
        config: its settings.
        problem: what was learnt.
        params: the parameters that count, of each seed if there are several.
        history: the metrics of each evaluation; none of a run that was read back.
    """

    console: Console
    config: Any
    problem: Problem
    params: Any
    history: Sequence[Metrics] = ()

    @property
    def data(self) -> Any:
        """The data set."""
        return self.problem.dataset

    @functools.cached_property
    def outputs(self) -> Any:
        """What the model makes of the test set."""
        assert self.problem.predict is not None
        return self.problem.predict(self.params)

    def params_of(self, seed: int) -> Any:
        """The parameters of one of the seeds, counted from 0."""
        return (
            self.params
            if self.config.num_seeds == 1
            else jax.tree.map(lambda a: a[seed], self.params)
        )

    def of_seed(self, number: int) -> tuple[Any, Any]:
        """The parameters and the `outputs` of one of the seeds, counted from 0."""
        both = self.params, self.outputs
        return both if self.config.num_seeds == 1 else jax.tree.map(lambda a: a[number], both)

    @functools.cached_property
    def predicted(self) -> np.ndarray:
        """The classes that a classifier finds for the test set, ``[N]`` or ``[S, N]``."""
        return np.asarray(self.outputs.argmax(axis=-1))

    @functools.cached_property
    def probabilities(self) -> np.ndarray:
        """Of all classes ``[..., C]``; of the second one where a logit stands for two."""
        binary = self.outputs.ndim == 1 + (self.config.num_seeds > 1)
        return np.asarray((jax.nn.sigmoid if binary else jax.nn.softmax)(self.outputs))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Experiment:
    """A task with its settings, its data and its model, to be given to `launch`.

    Args:
        name: of the task.
        config: the type of its settings; each field is a flag.
        presets: published configurations, by name.
        problem: ``problem(config, layout, data)``: what is to be learnt, and how well it is.
        load: ``load(dataset, data_dir, progress=…)``: the data that two flags name; None where
            they are made with the problem, and `data` is None everywhere.
        load_by: other settings that `load` takes by name.
        metrics: what is told of a run beside its loss; the test figures of all of them must be
            among what `Problem.test` gives.
        describe: ``describe(config, data)``: lines to show before anything is trained.
        baselines: ``baselines(outcome)``: what simple methods reach on the same data. They are
            computed when a training has ended.
        report: ``report(outcome)``: shows how good it is, and gives more for ``result.json``.
        draw: ``draw(folder, outcome)``: its pictures, and other files to look at.
        trained_model: ``trained_model(config)``: the function that a run has learnt, for
            ``--export``.
        commands: what flags ask for instead of training, ``command(console, config)`` by the
            flag's name. The setting must have ``is_command=True``.
        numbers: settings that the problem's loss takes by name, so that runs that differ in them
            can be one program.

    Raises:
        ValueError: the settings lack one that another argument needs.
    """

    name: str
    config: type[Config]
    problem: Callable[[Any, Layout, Any], Problem]
    presets: Presets = dataclasses.field(default_factory=dict)
    load: Callable[..., Any] | None = None
    load_by: tuple[str, ...] = ()
    metrics: tuple[Metric, ...] = (ACCURACY,)
    describe: Callable[[Any, Any], Iterable[str]] = lambda config, data: ()
    baselines: Callable[[Outcome], Baselines] = lambda outcome: {}
    report: Callable[[Outcome], Mapping[str, Any]] = lambda outcome: {}
    draw: Callable[[Path, Outcome], None] = lambda folder, outcome: None
    trained_model: Callable[[Any], Model] | None = None
    commands: Mapping[str, Callable[[Console, Any], None]] = dataclasses.field(default_factory=dict)
    numbers: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        fields = {field.name: field for field in dataclasses.fields(self.config)}
        if self.load is not None and "dataset" not in fields:
            raise ValueError(
                f"The experiment {self.name} loads data, so its settings must have a `dataset`, "
                "which says which."
            )
        for name in self.commands:
            if name not in fields or not fields[name].metadata["is_command"]:
                raise ValueError(
                    f"The experiment {self.name} has a command {name!r}, so its settings must have "
                    "one of that name, made by `command` or with is_command=True."
                )
