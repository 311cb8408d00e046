"""The experiments whose runs are compared."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from rich.console import Console

from experiments import binary_sequence, common, imdb_sentiment, mnist_rnn
from rnnjax.training.layout import Layout
from rnnjax.training.problem import Problem

Build = Callable[[Any, Layout, Any], Problem]
"""``build(config, layout, data)``: what a run with these settings is to learn."""


@dataclasses.dataclass(frozen=True)
class Task:
    """One of the experiments.

    Args:
        name: of its script.
        config: the type of its settings.
        presets: its published configurations.
        load: ``load(config, console)``, its data; None where they are made for each run.
        problem: what its runs learn.
    """

    name: str
    config: type[common.Config]
    presets: Mapping[str, Mapping[str, Any]]
    load: Callable[[Any, Console], Any]
    problem: Build


TASKS = {
    task.name: task
    for task in (
        Task(
            mnist_rnn.TASK, mnist_rnn.Config, mnist_rnn.PRESETS, mnist_rnn.load, mnist_rnn.problem
        ),
        Task(
            imdb_sentiment.TASK,
            imdb_sentiment.Config,
            imdb_sentiment.PRESETS,
            imdb_sentiment.load,
            imdb_sentiment.problem,
        ),
        Task(
            binary_sequence.TASK,
            binary_sequence.Config,
            binary_sequence.PRESETS,
            lambda config, console: None,
            lambda config, layout, data: binary_sequence.problem(config, layout),
        ),
    )
}
