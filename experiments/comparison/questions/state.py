"""What does the state do? For each cell: over time, and what the loss makes of every step's."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from experiments.comparison.answer import Answer, Figure, Table
from experiments.comparison.group import Group, Plan
from experiments.comparison.scope import require
from experiments.comparison.study import Study
from experiments.comparison.wording import caveats, factor, unless_clear
from rnnjax.analysis.bootstrap import mean_over_seeds, paired_difference
from rnnjax.analysis.pictures import draw_gradients, draw_states
from rnnjax.analysis.state import StateTrace, step_norms, trace_state
from rnnjax.bridges.named import from_named
from rnnjax.cell import Layer

CELLS = ("simple_rnn", "gru", "lstm")

NUM_INPUTS = 200
"""Test images whose gradients are averaged; the first one's states are drawn."""


def answer(study: Study) -> Answer:
    """Trains each cell as the flags say, and looks at its states."""
    require(study, ("mnist_rnn",), "its inputs are no pictures that can be drawn beside a state")
    plans = [Plan(cell, {"cell": cell}) for cell in CELLS]
    return _answer(study.run(plans, _answer))


@dataclasses.dataclass(frozen=True)
class Look:
    """What is seen of one group.

    Args:
        group: the runs of one cell.
        trace: of the first seed, trained.
        norms: of the gradients of each seed, trained, ``[S, T, N]``.
        untrained: the same before training.
    """

    group: Group
    trace: StateTrace
    norms: np.ndarray
    untrained: np.ndarray

    @classmethod
    def at(cls, group: Group) -> Look:
        """Runs the test images through every seed."""
        seeds = range(len(group.seeds))
        trained = [_trace(group, group.params_of(0, i)) for i in seeds]
        before = [_trace(group, _initial(group, i)) for i in seeds]
        norms, untrained = (np.stack([_norms(t) for t in each]) for each in (trained, before))
        return cls(group, trained[0], norms, untrained)

    @property
    def reach(self) -> tuple[np.ndarray, np.ndarray]:
        """Before training and after: how much of the gradient's norm at the last step is left at
        the first, of each seed the images' median, as a decimal logarithm."""
        with np.errstate(divide="ignore", invalid="ignore"):
            before, after = (np.log10(n[:, 0] / n[:, -1]) for n in (self.untrained, self.norms))
        return np.median(before, axis=1), np.median(after, axis=1)


def _answer(groups: Sequence[Group]) -> Answer:
    looks = [Look.at(group) for group in groups]
    problem, seed = groups[0].problem, groups[0].seeds[0]
    image = np.asarray(problem.read(problem.test_inputs[:1]))[0]
    label = problem.class_names[int(problem.test_labels[0])]
    states = {look.group.name: np.asarray(_top(look.trace.carries).h[:, 0]) for look in looks}
    norms = {look.group.name: look.norms[0] for look in looks}
    untrained = {look.group.name: look.untrained[0] for look in looks}
    count = looks[0].norms.shape[-1]
    rows = [
        (
            look.group.name,
            look.group.num_params,
            mean_over_seeds(look.group.final("test_accuracy")[0], bounds=(0, 1)),
            *map(mean_over_seeds, look.reach),
        )
        for look in looks
    ]
    columns = ("cell", "parameters", "test accuracy", "log10 untrained", "log10 trained")
    return Answer(
        "What does the state do?",
        "How does the state follow an image, and how far back does the gradient of the loss reach?",
        _sentences(looks, len(image)),
        (
            Table(
                "reach",
                "The norm of the gradient at the first state over that at the last: its logarithm",
                columns,
                rows,
                {name: ".2f" for name in columns[3:]},
            ),
        ),
        (
            Figure(
                "states",
                draw_states(f"hidden states while a {label} is read (seed {seed})", image, states),
                f"The image of a {label}, and for each cell a heat map of its units over time.",
                "Units in the order of the step at which they are most excited.",
            ),
            Figure(
                "gradients",
                draw_gradients(f"gradients of {count} test images (seed {seed})", norms, untrained),
                "For each cell the norm of the gradient over the steps, on a logarithmic axis.",
                "Median and middle half of the images. A line that falls to the left is a gradient "
                "that vanishes on its way back in time; one that rises explodes.",
            ),
        ),
    )


def _sentences(looks: Sequence[Look], num_steps: int) -> list[str]:
    found, used = [], []
    for look in looks:
        before, trained = map(mean_over_seeds, look.reach)
        used += [trained, before]
        found.append(
            f"{look.group.name}: the gradient at the first of {num_steps} states is "
            f"{factor(before, 10)} times that at the last one before training, and "
            f"{factor(trained, 10)} times after it."
        )
    first, *others = looks
    for look in others:
        for when, own, reference in zip(("before", "after"), look.reach, first.reach, strict=True):
            ratio = paired_difference(own, reference)
            found.append(
                f"On the way back to the first state {look.group.name} keeps {factor(ratio, 10)} "
                f"times as much of the gradient as {first.group.name} {when} training, seed by "
                f"seed{unless_clear(ratio)}."
            )
    return [*found, *caveats(used)]


def _trace(group: Group, params: Any) -> StateTrace:
    """The states of the first test images, and the gradients of each one's loss."""
    problem = group.problem
    xs = jnp.swapaxes(problem.read(problem.test_inputs[:NUM_INPUTS]), 0, 1)
    labels = jnp.asarray(problem.test_labels[:NUM_INPUTS])
    return _trace_images(problem.model.layer, params, xs, labels)


@functools.partial(jax.jit, static_argnums=0)
def _trace_images(layer: Layer, params: Any, xs: jax.Array, labels: jax.Array) -> StateTrace:
    to_logits = params["to_logits"]

    def loss(ys: jax.Array) -> jax.Array:
        logits = ys[-1] @ to_logits["kernel"] + to_logits["bias"][None]
        return optax.softmax_cross_entropy_with_integer_labels(logits, labels).sum()

    return trace_state(layer, from_named(layer, params["rnn"]), xs, loss)


def _norms(trace: StateTrace) -> np.ndarray:
    """Of the gradient with respect to the whole state, all its fields and layers, ``[T, N]``."""
    fields = step_norms(trace.gradients).values()
    return np.sqrt(sum(np.asarray(norm, np.float64) ** 2 for norm in fields))


def _initial(group: Group, seed: int) -> Any:
    """The parameters that a run began with."""
    return group.problem.init(group.layout.part(group.problem.keys[0], seed))


def _top(carries: Any) -> Any:
    """Those of the top layer."""
    return carries[-1] if type(carries) is tuple else carries
