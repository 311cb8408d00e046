"""The experiments whose runs are compared."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import jax

from experiments import binary_sequence, imdb_sentiment, long_memory, mnist_rnn
from rnnjax.devices.layout import Layout
from rnnjax.experiment import Experiment, initializing
from rnnjax.reports.tables import count_params
from rnnjax.training.problem import Problem

Build = Callable[[Any, Layout, Any], Problem]
"""``build(config, layout, data)``: what a run with these settings is to learn."""


Init = Callable[[Any, Any], Callable[[jax.Array], Any]]
"""``init(config, data)``: what makes the initial parameters, without anything else."""


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Task(Experiment):
    """One of the experiments; what its script says of itself, and `Init`."""

    init: Init

    @classmethod
    def of(cls, experiment: Experiment, init: Init) -> Task:
        """The experiment with its initial parameters."""
        names = [field.name for field in dataclasses.fields(experiment)]
        return cls(**{name: getattr(experiment, name) for name in names}, init=init)

    def count_params(self, config: Any, data: Any) -> int:
        """How many parameters one run with these settings has; computes nothing."""
        return count_params(jax.eval_shape(self.init(config, data), jax.random.key(0)))


def _mnist_init(config: Any, data: Any) -> Callable[[jax.Array], Any]:
    example = mnist_rnn.scale(data.train_images[:1])
    model = mnist_rnn.build_model(config, example.shape[-1], len(data.class_names))
    return initializing(model, example)


def _imdb_init(config: Any, data: Any) -> Callable[[jax.Array], Any]:
    model = imdb_sentiment.build_model(config, len(data.vocabulary.limited(config.num_words)))
    return initializing(model, imdb_sentiment.A_TEXT)


def _binary_init(config: Any, data: Any) -> Callable[[jax.Array], Any]:
    return initializing(binary_sequence.build_model(config), binary_sequence.ONE_BIT)


def _memory_data(config: Any) -> Any:
    by = {name: getattr(config, name) for name in long_memory.EXPERIMENT.load_by}
    return long_memory.load(config.dataset, config.data_dir, **by)


def _memory_problem(config: Any, layout: Layout, _: None) -> Problem:
    """Of sequences of its own length."""
    return long_memory.problem(config, layout, _memory_data(config))


def _memory_init(config: Any, data: Any) -> Callable[[jax.Array], Any]:
    return _memory_problem(config, Layout.single(), None).init


TASKS = {
    task.name: task
    for task in (
        Task.of(mnist_rnn.EXPERIMENT, _mnist_init),
        Task.of(imdb_sentiment.EXPERIMENT, _imdb_init),
        Task.of(binary_sequence.EXPERIMENT, _binary_init),
        Task.of(
            dataclasses.replace(long_memory.EXPERIMENT, load=None, problem=_memory_problem),
            _memory_init,
        ),
    )
}
