"""Why do loss and accuracy fluctuate? The noise of the batch, measured, and taken away."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from experiments.comparison.answer import Answer, Figure, Table
from experiments.comparison.group import Group, Plan
from experiments.comparison.scope import require, single_problem, updates
from experiments.comparison.study import Study
from experiments.comparison.wording import caveats, factor, seed_by_seed, unless_clear
from rnnjax.analysis.bootstrap import mean_over_seeds, paired_difference
from rnnjax.analysis.gradient_noise import NoiseScale, gradient_noise_scale, pooled
from rnnjax.analysis.pictures import draw_noise
from rnnjax.devices.layout import Layout
from rnnjax.training.problem import Problem

FACTORS = (2, 8)
"""So many times larger batches."""

AVERAGE = 0.995
"""Decay of the average of the parameters, which goes back over about 200 updates."""

NUM_ROWS = 500
"""Training examples whose gradients are compared, the same ones throughout."""

EVALUATIONS = 24

MEASURED = ("noise", "signal")
"""What an evaluation adds to the metrics: tr(Σ) and |G|²."""

PHASES = 5
"""Parts of the training over each of which the noise scale is averaged: at a single place the
gradient is too short to be told from its noise by so few examples."""


def answer(study: Study) -> Answer:
    """Trains the same runs with less and less noise, and measures the noise of the first ones."""
    require(
        study, ("mnist_rnn", "imdb_sentiment"), "its examples are windows of a row that go on in "
        "each other, so that no batch of independent ones can be drawn"
    )  # fmt: skip
    problem = single_problem(study)
    steps, size = updates(study, problem), study.config.batch_size
    as_is = {
        "steps": steps, "eval_every": max(1, steps // EVALUATIONS), "schedule": "constant",
        "average": None,
    }  # fmt: skip
    number = len(jax.tree.leaves(problem.data)[0])
    plans = [
        Plan("as_is", as_is, build=functools.partial(_measured, study.task.problem, problem)),
        *(
            Plan(f"batch_{factor * size}", as_is | {"batch_size": factor * size})
            for factor in FACTORS
            if factor * size <= number
        ),
        Plan("decayed", as_is | {"schedule": "cosine"}),
        Plan("averaged", as_is | {"average": AVERAGE}),
    ]
    return _answer(study.run(plans, _answer))


def _measured(
    build: Callable[..., Problem], single: Problem, config: Any, layout: Layout, data: Any
) -> Problem:
    """The task's problem, where each evaluation measures the noise of the gradient too."""
    problem = build(config, layout, data)
    count = len(jax.tree.leaves(single.data)[0])
    chosen = np.random.default_rng(0).choice(count, min(NUM_ROWS, count), replace=False)
    rows = jax.tree.map(lambda a: np.asarray(a)[chosen], single.data)
    key = jax.random.key(0)

    def loss(params: Any, row: tuple[Any, jax.Array]) -> jax.Array:
        # Masks of dropout are a part of the noise: each example has one of its own.
        batch, number = row
        return single.loss(params, single.carry, batch, jax.random.fold_in(key, number[0]))[0]

    def evaluate(params: Any) -> Mapping[str, Any]:
        whole, found = jax.device_get(params), []
        for run in range(layout.num_seeds):
            part = layout.part(whole, run)
            scale = gradient_noise_scale(loss, part, (rows, jnp.arange(len(chosen))))
            found.append((scale.noise, scale.signal))
        columns = np.array(found).T
        if layout.num_seeds == 1:
            columns = columns[:, 0]
        return {**problem.evaluate(params), **dict(zip(MEASURED, columns, strict=True))}

    return dataclasses.replace(problem, evaluate=evaluate)


def _phases(group: Group) -> list[tuple[int, int, NoiseScale]]:
    """The first and the last update of each phase, and the noise scale over all of its seeds."""
    noise, signal = (group.curve(name)[0] for name in MEASURED)
    found = []
    for places in np.array_split(np.arange(len(group.steps)), min(PHASES, len(group.steps))):
        pairs = zip(noise[:, places].ravel(), signal[:, places].ravel(), strict=True)
        scales = [
            NoiseScale(np.nan, np.nan, np.nan, float(n), float(s), NUM_ROWS) for n, s in pairs
        ]
        steps = group.steps[places] + 1
        found.append((int(steps[0]), int(steps[-1]), pooled(scales)))
    return found


def _restlessness(group: Group, name: str) -> np.ndarray:
    r"""How much a metric jumps from one evaluation to the next in the second half of each run.

    .. math:: \sqrt{\tfrac{1}{2} \overline{(x_{i + 1} - x_i)^2}}

    is the standard deviation of independent noise, and hardly sees a slow trend.
    """
    curve = group.curve(name)[0]
    jumps = np.diff(curve[:, curve.shape[1] // 2 :], axis=1)
    return np.sqrt((jumps**2).mean(axis=1) / 2)


def _title(group: Group) -> str:
    config = group.config
    return {
        "as_is": f"batches of {config.batch_size}",
        "decayed": "decayed learning rate",
        "averaged": f"averaged parameters ({AVERAGE})",
    }.get(group.name, f"batches of {config.batch_size}")


def _answer(groups: Sequence[Group]) -> Answer:
    first, *others = groups
    watched = first.problem.watched
    loss, accuracy = f"{watched}_loss", f"{watched}_accuracy"
    phases, size = _phases(first), first.config.batch_size
    scales = [scale for _, _, scale in phases]
    rest = {group.name: _restlessness(group, loss) for group in groups}
    rows, used = [], []
    for group in groups:
        own = group.curve(accuracy)[0][:, -1]
        used.append(mean_over_seeds(own, bounds=(0, 1)))
        versus = None if group is first else paired_difference(own, first.curve(accuracy)[0][:, -1])
        rows.append(
            (
                _title(group), mean_over_seeds(rest[group.name], bounds=(0, np.inf)),
                mean_over_seeds(_restlessness(group, accuracy), bounds=(0, np.inf)),
                mean_over_seeds(group.curve(loss)[0][:, -1]), used[-1], versus,
            )
        )  # fmt: skip
    columns = (
        "run", f"jumps of the {watched} loss", f"jumps of the {watched} accuracy",
        f"{watched} loss", f"{watched} accuracy", "against the first",
    )  # fmt: skip
    return Answer(
        "Why do loss and accuracy fluctuate?",
        "How noisy is the gradient of a batch, and what becomes calm when there is less noise?",
        [*_sentences(first, others, scales, rest, watched), *caveats(used)],
        [
            Table(
                "noise", "The same runs with less noise", columns, rows,
                {"against the first": "+.4f"},
            ),
            Table(
                "noise_scale",
                "Gradient noise scale over training: examples at which noise equals the gradient",
                ("updates", "noise scale", "noise of a batch over the gradient"),
                [
                    (f"{begin:,} to {end:,}", scale, scale.noise_to_signal(size))
                    for begin, end, scale in phases
                ],
                {"noise scale": ",.0f", "noise of a batch over the gradient": ".2f"},
            ),
        ],
        [
            Figure(
                "noise",
                draw_noise(
                    f"{first.problem.title.partition(', ')[0]}, {len(first.seeds)} seeds",
                    np.array([(begin + end) / 2 for begin, end, _ in phases]), scales, size,
                    {_title(g): (g.steps, g.curve(loss)[0]) for g in groups},
                    f"{watched} loss",
                ),
                "Left the gradient noise scale over the updates, right the runs' loss curves.",
                f"Left: over the evaluations of each part of the training and all seeds, with 95% "
                f"intervals, from {NUM_ROWS} training examples. "
                "Right: the mean over the seeds, and each seed as a thin line.",
            )
        ],
    )  # fmt: skip


def _sentences(
    first: Group,
    others: Sequence[Group],
    scales: Sequence[NoiseScale],
    rest: Mapping[str, np.ndarray],
    watched: str,
) -> list[str]:
    size, begin, end = first.config.batch_size, scales[0], scales[-1]
    jumps = mean_over_seeds(rest[first.name], bounds=(0, np.inf))
    found = [
        f"The gradient noise scale is {begin.text()} examples at the beginning and "
        f"{end.text()} at the end: the noise of a batch of {size} is then {_times(end, size)} as "
        "long as the gradient that it is to show.",
        f"The {watched} loss of that run jumps by {jumps.text()} from one evaluation to the next "
        "in its second half.",
    ]
    for group in others:
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = paired_difference(np.log(rest[group.name]), np.log(rest[first.name]))
        name = f"{watched}_accuracy"
        gain = paired_difference(group.curve(name)[0][:, -1], first.curve(name)[0][:, -1])
        found.append(
            f"{_title(group).capitalize()}: {factor(ratio)} times these jumps"
            f"{unless_clear(ratio)}, and at the end an accuracy of {seed_by_seed(gain)}."
        )
    if others:
        found.append(
            "All take as many updates, so larger batches see as many times more examples, and what "
            "they gain in accuracy is not the calm alone."
        )
    return found


def _times(scale: NoiseScale, size: int) -> str:
    if not np.isfinite(scale.value):
        return "far more than"
    return f"{scale.noise_to_signal(size):.1f} times"
