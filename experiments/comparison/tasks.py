"""The experiments whose runs are compared."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Mapping
from typing import Any

import jax
from rich.console import Console

from experiments import binary_sequence, common, imdb_sentiment, mnist_rnn
from rnnjax.data import imdb, mnist
from rnnjax.devices.layout import Layout
from rnnjax.reports.tables import count_params
from rnnjax.training.problem import Problem

Build = Callable[[Any, Layout, Any], Problem]
"""``build(config, layout, data)``: what a run with these settings is to learn."""


Init = Callable[[jax.Array], Any]
"""Initial parameters from a key."""


@dataclasses.dataclass(frozen=True)
class Task:
    """One of the experiments.

    Args:
        name: of its script.
        config: the type of its settings.
        presets: its published configurations.
        load: ``load(config, console)``, its data; None where they are made for each run.
        problem: what its runs learn.
        init: ``init(config, data)``, what makes the initial parameters, without anything else.
        numbers: settings that its loss takes by name, so that runs of one program may differ.
    """

    name: str
    config: type[common.Config]
    presets: Mapping[str, Mapping[str, Any]]
    load: Callable[[Any, Console], Any]
    problem: Build
    init: Callable[[Any, Any], Init]
    numbers: tuple[str, ...] = ()

    def count_params(self, config: Any, data: Any) -> int:
        """How many parameters one run with these settings has; computes nothing."""
        return count_params(jax.eval_shape(self.init(config, data), jax.random.key(0)))


def _mnist_init(config: Any, data: Any) -> Init:
    example = mnist_rnn.scale(data.train_images[:1])
    model = mnist_rnn.build_model(config, example.shape[-1], len(data.class_names))
    return lambda key: model.init(key, example)["params"]


def _imdb_init(config: Any, data: Any) -> Init:
    model = imdb_sentiment.build_model(config, len(data.vocabulary.limited(config.num_words)))
    return functools.partial(imdb_sentiment.init, model)


TASKS = {
    task.name: task
    for task in (
        Task(
            mnist_rnn.TASK,
            mnist_rnn.Config,
            mnist_rnn.PRESETS,
            functools.partial(common.load, mnist.load),
            mnist_rnn.problem,
            _mnist_init,
        ),
        Task(
            imdb_sentiment.TASK,
            imdb_sentiment.Config,
            imdb_sentiment.PRESETS,
            functools.partial(common.load, imdb.load),
            imdb_sentiment.problem,
            _imdb_init,
            imdb_sentiment.RATES,
        ),
        Task(
            binary_sequence.TASK,
            binary_sequence.Config,
            binary_sequence.PRESETS,
            lambda config, console: None,
            lambda config, layout, data: binary_sequence.problem(config, layout),
            lambda config, data: binary_sequence.build_model(config)[1],
        ),
    )
}
