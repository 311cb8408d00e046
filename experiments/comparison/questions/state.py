"""What does the state do? For each cell: over time, and what the loss makes of every step's."""

from __future__ import annotations

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

CELLS = ("simple_rnn", "gru", "lstm")

NUM_INPUTS = 200
"""Test images whose gradients are averaged; the first one's states are drawn."""


def answer(study: Study) -> Answer:
    """Trains each cell as the flags say, and looks at its states."""
    require(study, ("mnist_rnn",), "its inputs are no pictures that can be drawn beside a state")
    plans = [Plan(cell, {"cell": cell}) for cell in CELLS]
    return _answer(study.run(plans, _answer))


def _answer(groups: Sequence[Group]) -> Answer:
    traces = {group.name: _trace(group, group.params_of()) for group in groups}
    image = np.asarray(groups[0].problem.read(groups[0].problem.test_inputs[:1]))[0]
    label = groups[0].problem.class_names[int(groups[0].problem.test_labels[0])]
    states = {cell: np.asarray(_top(trace.carries).h[:, 0]) for cell, trace in traces.items()}
    norms = {cell: _norms(trace) for cell, trace in traces.items()}
    untrained = {group.name: _norms(_trace(group, _initial(group, 0))) for group in groups}
    reach = {group.name: _reach(group) for group in groups}
    rows = [
        (
            group.name,
            group.num_params,
            mean_over_seeds(group.final("test_accuracy")[0], bounds=(0, 1)),
            mean_over_seeds(np.log10(reach[group.name][1])),
            mean_over_seeds(np.log10(reach[group.name][0])),
        )
        for group in groups
    ]
    columns = ("cell", "parameters", "test accuracy", "log10 untrained", "log10 trained")
    count, seed = norms[groups[0].name].shape[1], groups[0].seeds[0]
    return Answer(
        "What does the state do?",
        "How does the state follow an image, and how far back does the gradient of the loss reach?",
        _sentences(groups, reach, len(image)),
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


def _sentences(
    groups: Sequence[Group], reach: dict[str, tuple[np.ndarray, np.ndarray]], num_steps: int
) -> list[str]:
    found, used = [], []
    for group in groups:
        trained, before = (mean_over_seeds(np.log10(r)) for r in reach[group.name])
        used += [trained, before]
        found.append(
            f"{group.name}: the gradient at the first of {num_steps} states is "
            f"{factor(before, 10)} times that at the last one before training, and "
            f"{factor(trained, 10)} times after it."
        )
    first, *others = groups
    for group in others:
        for when, i in (("before", 1), ("after", 0)):
            own, reference = (np.log10(reach[g.name][i]) for g in (group, first))
            ratio = paired_difference(own, reference)
            found.append(
                f"On the way back to the first state {group.name} keeps {factor(ratio, 10)} "
                f"times as much of the gradient as {first.name} {when} training, seed by seed"
                f"{unless_clear(ratio)}."
            )
    return [*found, *caveats(used)]


def _reach(group: Group) -> tuple[np.ndarray, np.ndarray]:
    """Of each seed, trained and not: the first step's norm over the last's, the images' median."""

    def of(params: Any) -> float:
        norms = _norms(_trace(group, params))
        return float(np.median(norms[0] / norms[-1]))

    seeds = range(len(group.seeds))
    return (
        np.array([of(group.params_of(0, i)) for i in seeds]),
        np.array([of(_initial(group, i)) for i in seeds]),
    )


def _trace(group: Group, params: Any) -> StateTrace:
    """The states of the first test images, and the gradients of each one's loss."""
    problem = group.problem
    images = problem.read(problem.test_inputs[:NUM_INPUTS])
    labels = jnp.asarray(problem.test_labels[:NUM_INPUTS])
    to_logits = params["to_logits"]

    def loss(ys: jax.Array) -> jax.Array:
        logits = ys[-1] @ to_logits["kernel"] + to_logits["bias"][None]
        return optax.softmax_cross_entropy_with_integer_labels(logits, labels).sum()

    xs = jnp.swapaxes(images, 0, 1)
    return trace_state(problem.model.layer, params["rnn"]["cell"], xs, loss)


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
