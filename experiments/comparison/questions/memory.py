"""Which cell remembers how far? Each on the adding task, over lengths that double."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from experiments.comparison import pictures
from experiments.comparison.answer import Answer, Figure, Table
from experiments.comparison.group import Group, Plan
from experiments.comparison.scope import require
from experiments.comparison.study import Study
from experiments.comparison.trials import Trial, divergence, trials_of
from experiments.comparison.wording import caveats
from rnnjax.analysis.bootstrap import mean_over_seeds
from rnnjax.data.memory_tasks import without_memory

CELLS: Mapping[str, Mapping[str, Any]] = {
    "simple_rnn": {"blocks": False},
    "lstm": {"blocks": False},
    "gru": {"blocks": False},
    "min_gru": {"blocks": True, "num_layers": 2},
    "lru": {"blocks": True, "num_layers": 2, "least_radius": 0.99, "largest_angle": 0.1},
}
"""Which are compared; linear ones in two blocks, because one of them cannot multiply a number by
its mark and then remember the product."""
NUM_LENGTHS, SHORTEST = 4, 10


def answer(study: Study) -> Answer:
    """Trains every cell at every length."""
    require(study, ("long_memory",), "its sequences have no length that can grow")
    plans = [
        Plan(f"{cell}-{length}", {"task": "adding", "cell": cell, "length": length, **own})
        for length in lengths_up_to(study.config.length)
        for cell, own in CELLS.items()
    ]
    return _answer(study.run(plans, _answer))


def lengths_up_to(longest: int) -> list[int]:
    """Lengths that double up to the longest one.

    >>> lengths_up_to(100), lengths_up_to(8)
    ([12, 25, 50, 100], [8])
    """
    halves = [longest // 2**k for k in range(NUM_LENGTHS)]
    return sorted(length for length in halves if length >= SHORTEST or length == longest)


def _answer(groups: Sequence[Group]) -> Answer:
    trials = trials_of(groups)
    by_cell = [
        (cell, [t for t in trials if t.setting["cell"] == cell])
        for cell in CELLS
        if any(t.setting["cell"] == cell for t in trials)
    ]
    losses = [mean_over_seeds(t.loss, bounds=(0, np.inf)) for t in trials]
    limit = _limit()
    return Answer(
        "Which cell remembers how far?",
        "Two of the numbers of a sequence are marked, and their sum is asked at its end: up to "
        "which length does each cell learn to answer?",
        [
            *(_sentence(cell, own) for cell, own in by_cell),
            f"Who remembers nothing and answers 1, has an error of {limit:.4f}.",
            divergence(trials),
            *caveats(losses),
        ],
        [_table(trials)],
        [_figure(by_cell)],
    )


def _limit() -> float:
    return without_memory("adding", 2)["always 1"]["test_loss"]


def _sentence(cell: str, trials: Sequence[Trial]) -> str:
    """How far a cell remembers: all lengths up to it have less than half of the error."""
    kept = [*itertools.takewhile(lambda t: t.loss.mean() < _limit() / 2, trials)]
    last = trials[-1]
    error = mean_over_seeds(last.loss, bounds=(0, np.inf)).text()
    at = f"at {last.setting['length']} steps its mean squared error is {error}"
    if not kept:
        return f"{cell}: answers no better than half-way at any length; {at}."
    far = kept[-1].setting["length"]
    return f"{cell}: answers at up to {far} steps with less than half of the error of 1; {at}."


def _table(trials: Sequence[Trial]) -> Table:
    columns = ("cell", "length", "parameters", "ms/step", "test loss", "test accuracy")
    rows = [
        (
            t.setting["cell"], t.setting["length"], t.group.num_params, t.group.milliseconds,
            mean_over_seeds(t.loss, bounds=(0, np.inf)), mean_over_seeds(t.accuracy, bounds=(0, 1)),
        )
        for t in trials
    ]  # fmt: skip
    return Table("memory", "Adding", columns, rows, {"ms/step": ".2f"})


def _figure(by_cell: Sequence[tuple[str, Sequence[Trial]]]) -> Figure:
    drawing = pictures.against("Adding two marked numbers", "length", by_cell, log=True)
    lengths = sorted({trial.setting["length"] for _, own in by_cell for trial in own})
    for each in drawing.axes:
        each.set_xticks(lengths, [str(length) for length in lengths])
        each.minorticks_off()
    axes = drawing.axes[0]
    axes.axhline(_limit(), color="k", linestyle="--", linewidth=1)
    low, high = axes.get_ylim()
    axes.set_ylim(min(low, 0.9 * _limit()), max(high, 1.1 * _limit()))
    trials = [trial for _, own in by_cell for trial in own]
    best = min(trials, key=lambda t: (-t.setting["length"], float(t.loss.mean())))
    return Figure(
        "memory", drawing,
        f"Test error and accuracy of {len(by_cell)} cells against the length of the sequences; at "
        f"the longest one {best.setting['cell']} has the lowest error.",
        "Pale marks are single runs, strong ones their means, bars 95% intervals; the dashed line "
        "is the error of answering 1 always. Right is an answer that is off by less than 0.04.",
    )  # fmt: skip
