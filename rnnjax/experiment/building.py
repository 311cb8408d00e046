"""Pieces that what is to be learnt is put together from, whatever the task."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

from rnnjax.cell import Layer
from rnnjax.cells import CELLS
from rnnjax.combinators import Stack
from rnnjax.devices.precision import computing_in
from rnnjax.errors import UsageError
from rnnjax.experiment.experiment import Outcome
from rnnjax.reports.tables import ClassScores, class_scores, class_table
from rnnjax.training.problem import Dataset
from rnnjax.training.settings import Config


def applying(
    config: Config, model: nn.Module, read: Callable[[Any], Any] = lambda inputs: inputs
) -> Callable[..., Any]:
    """``apply(params, inputs, …)``: what a model makes of inputs, in the numbers of --precision.

    Args:
        config: the settings.
        model: a flax.linen module.
        read: what the model is given of the inputs; by default these themselves.
    """

    compute = computing_in(
        config.precision, lambda params, *xs, **more: model.apply({"params": params}, *xs, **more)
    )

    def apply(params: Any, inputs: Any, *more: Any, **options: Any) -> Any:
        return compute(params, read(inputs), *more, **options)

    return apply


def initializing(model: nn.Module, *inputs: Any) -> Callable[[jax.Array], Any]:
    """Parameters from a key, of a model that reads such inputs.

    Args:
        model: a flax.linen module.
        inputs: arrays, or their shapes as `jax.ShapeDtypeStruct`.
    """
    zeros = jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), inputs)
    return lambda key: model.init(key, *zeros)["params"]


def build_cell(config: Any, input_size: int, hidden_size: int | None = None, **options: Any) -> Any:
    """The cell of --cell.

    Args:
        config: the settings.
        input_size: D.
        hidden_size: H; None for that of --hidden_size.
        options: by name, of the settings' fields; a cell that has no such field takes the
            setting's default alone.

    Raises:
        UsageError: it has no such field, or can't have these sizes.
    """
    kind: Any = CELLS[config.cell]
    known = {field.name for field in dataclasses.fields(kind)}
    for field in dataclasses.fields(config):
        name = field.name
        if name in options and name not in known and getattr(config, name) != field.default:
            raise UsageError(
                f"--{name}={getattr(config, name)}: --cell={config.cell} has its paper's, and no "
                f"choice; leave --{name} out."
            )
    own = {name: value for name, value in options.items() if name in known}
    try:
        return kind(input_size, hidden_size or config.hidden_size, **own)
    except ValueError as error:
        raise UsageError(f"--cell={config.cell}: {error}") from None


def build_layer(
    config: Any,
    num_features: int,
    *,
    wrap: Callable[[int, Layer], Layer] = lambda place, cell: cell,
    dropout: float = 0.0,
    **options: Any,
) -> Layer:
    """The cell of --cell with --hidden_size, or --num_layers of them in a `rnnjax.Stack`.

    Args:
        config: the settings.
        num_features: D, of the first one's inputs.
        wrap: ``wrap(place, cell)``: what is put around each cell, the lowest at place 0.
        dropout: rate of each layer's outputs but the top one's.
        options: of each cell, by name; as those of `build_cell`.
    """
    cells: list[Layer] = []
    for place in range(config.num_layers):
        size = cells[-1].output_size if cells else num_features
        cells.append(wrap(place, build_cell(config, size, **options)))
    return cells[0] if len(cells) == 1 else Stack(tuple(cells), dropout=dropout)


def drawn_within(
    init: Callable[[jax.Array], Any], radius: float | None
) -> Callable[[jax.Array], Any]:
    """Parameters from a key, each number of them uniform in ±radius, biases too.

    Args:
        init: gives the parameters whose shapes these have.
        radius: of the interval; None for what `init` draws itself.
    """
    if radius is None:
        return init

    def draw(key: jax.Array) -> Any:
        leaves, structure = jax.tree.flatten(jax.eval_shape(init, key))
        keys = jax.random.split(key, len(leaves))
        drawn = [
            jax.random.uniform(k, leaf.shape, leaf.dtype, -radius, radius)
            for k, leaf in zip(keys, leaves, strict=True)
        ]
        return structure.unflatten(drawn)

    return draw


def beginning_with(
    init: Callable[[jax.Array], Any], given: Mapping[str, Any]
) -> Callable[[jax.Array], Any]:
    """Parameters from a key, of which some are not drawn.

    Args:
        init: gives all of them, nested dicts.
        given: those that are known, by their names at the top.

    Raises:
        ValueError: when it is called: they are not of the shapes that `init` gives.
    """

    def begin(key: jax.Array) -> Any:
        drawn = init(key)
        for name, value in given.items():
            there, here = (jax.tree.map(jnp.shape, tree) for tree in (drawn.get(name), value))
            if there != here:
                raise ValueError(f"{name} has the shapes {there}, and was given {here}.")
        return {**drawn, **jax.tree.map(jnp.asarray, dict(given))}

    return begin


def run_title(config: Config, network: str, data: Dataset, *more: str) -> str:
    """What is trained on what; it stands beside the bar and above every picture."""
    layers = "" if config.num_layers == 1 else f"{config.num_layers} layers of "
    stand_in = " (A STAND-IN)" if data.warning is not None else ""
    seeds = "" if config.num_seeds == 1 else f", {config.num_seeds} seeds"
    what = f"{layers}{network} {config.hidden_size} on {data.name}{stand_in}{seeds}"
    return ", ".join((what, *more))


def show_class_scores(outcome: Outcome) -> ClassScores:
    """Shows precision, recall and F1 of each class of a classifier, and gives them."""
    problem = outcome.problem
    predicted = outcome.probabilities > 0.5 if len(problem.class_names) == 2 else outcome.predicted
    scores = class_scores(problem.test_labels, predicted, problem.class_names)
    outcome.console.print(class_table(scores, f"test set of {problem.dataset.name}"))
    return scores
