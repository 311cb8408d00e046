"""What does each cell of the catalogue come to, with equally many parameters?"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from experiments.comparison import pictures
from experiments.comparison.answer import Answer, Figure, Table
from experiments.comparison.group import Group, Plan
from experiments.comparison.study import Study
from experiments.comparison.trials import (
    FORMATS,
    SCORES,
    Trial,
    best_of,
    caveats,
    divergence,
    scores,
    trials_of,
)
from rnnjax.analysis.bootstrap import mean_over_seeds
from rnnjax.analysis.equal_size import width_for_count
from rnnjax.cells import BASIC, CELLS, FAMILIES
from rnnjax.errors import UsageError
from rnnjax.reports.drawing import colour_map

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

WIDER = 8
"""How many widths are tried from each one on: some cells share their units among heads."""

HELD = 10
"""How many of the best are named in a sentence."""


def answer(study: Study) -> Answer:
    """Trains every cell that fits the task, as wide as the parameters of the task's own allow."""
    plans, left_out = plans_of(study)

    def of(groups: Sequence[Group]) -> Answer:
        return answer_of(groups, left_out)

    return of(study.run(plans, of))


def plans_of(study: Study) -> tuple[list[Plan], dict[str, str]]:
    """What is trained, and why other cells are not."""
    config, task, data = study.config, study.task, study.data
    wanted = task.count_params(config, data)
    plans, left_out = [], {}
    for cell in CELLS:

        def built(width: int, cell: str = cell) -> tuple[int, int]:
            """The first width from this one on that the cell can have, and its parameters."""
            for wider in range(width, width + WIDER):
                at = dataclasses.replace(config, cell=cell, hidden_size=wider)
                try:
                    return wider, task.count_params(at, data)
                except UsageError as error:
                    left_out[cell] = str(error).partition(": ")[2]
            raise UsageError(left_out[cell])

        try:
            width, _ = built(width_for_count(wanted, lambda width: built(width)[1]))
        except UsageError:
            continue
        left_out.pop(cell, None)
        plans.append(Plan(f"{cell}-{width}", {"cell": cell, "hidden_size": width}))
    return plans, left_out


def answer_of(groups: Sequence[Group], left_out: Mapping[str, str]) -> Answer:
    """What can be said of the groups that are done."""
    trials = sorted(trials_of(groups), key=lambda trial: -float(trial.accuracy.mean()))
    sentences = []
    if trials:
        best = best_of(trials)
        named = ", ".join(
            f"{trial.setting['cell']} {trial.accuracy.mean():.4f}" for trial in trials[:HELD]
        )
        few, many = (f(t.group.num_params for t in trials) for f in (min, max))
        sentences = [
            f"Of {len(trials)} cells with {few:,} to {many:,} parameters, the highest mean test "
            f"accuracy is that of {best.setting['cell']}, "
            f"{mean_over_seeds(best.accuracy, bounds=(0, 1)).text()}; the first ones are {named}.",
            "All are trained alike, with the learning rate of the task's own setting and by as "
            "many updates, which suits some more than others: this is a table of what each does "
            "here, and not of what each could do.",
            divergence(trials),
            *caveats(trials),
        ]
    sentences += [f"Not trained: {cell}, because {why}" for cell, why in left_out.items()]
    return Answer(
        "What does each cell of the catalogue come to?",
        "Every cell is trained in the same way, each as wide as gives it about as many parameters "
        "as the others have: how well does it do, and what does a step take?",
        sentences,
        [_table(trials)] if trials else [],
        [_figure(trials)] if trials else [],
    )


def _table(trials: Sequence[Trial]) -> Table:
    best = best_of(trials)
    columns = ("cell", "family", "width", "parameters", "ms/step", *SCORES)
    rows = [
        (
            trial.setting["cell"], family_of(trial.setting["cell"]), trial.setting["hidden_size"],
            trial.group.num_params, trial.group.milliseconds, *scores(trial, best),
        )
        for trial in trials
    ]  # fmt: skip
    return Table("catalogue", "Every cell, at equal parameter count", columns, rows, FORMATS)


def family_of(cell: str) -> str:
    """The folder that a cell is in.

    >>> family_of("gru"), family_of("mgu")
    ('basic', 'gated')
    """
    if cell in BASIC:
        return "basic"
    return next(family.__name__.rpartition(".")[2] for family in FAMILIES if cell in family.CELLS)


def _figure(trials: Sequence[Trial]) -> Figure:
    best = best_of(trials)
    return Figure(
        "catalogue", _drawn(trials),
        f"Test accuracy and time per step of {len(trials)} cells, the best one above: "
        f"{best.setting['cell']}, {best.accuracy.mean():.4f}.",
        "Pale marks are single runs, strong ones their means; colours are families. A step is one "
        "update of all seeds at once, on this machine and beside whatever else it did.",
    )  # fmt: skip


def _drawn(trials: Sequence[Trial]) -> Drawing:
    drawing, (accuracies, times) = pictures.figure(
        f"Every cell at equal parameter count: {trials[0].group.problem.dataset.name}",
        10.0, 1.6 + 0.17 * len(trials), 2,
    )  # fmt: skip
    paint, families = colour_map("tab10"), [family_of(t.setting["cell"]) for t in trials]
    kinds = list(dict.fromkeys(families))
    places = np.arange(len(trials))[::-1]
    for place, trial, family in zip(places, trials, families, strict=True):
        colour = paint(kinds.index(family) % 10)
        label = family if trials[families.index(family)] is trial else None
        values = trial.accuracy
        accuracies.plot(values, np.full(len(values), place), "o", color=colour, alpha=0.3, ms=3)
        accuracies.plot(values.mean(), place, "o", color=colour, mec="k", ms=4.5, label=label)
        times.plot(trial.group.milliseconds, place, "s", color=colour, ms=4)
    names = [f"{trial.setting['cell']} {trial.setting['hidden_size']}" for trial in trials]
    accuracies.set_yticks(places, names, fontsize=7)
    times.set_yticks(places, [""] * len(trials))
    times.set_xscale("log")
    accuracies.set_xlabel("test accuracy")
    times.set_xlabel("milliseconds per step")
    for axes in (accuracies, times):
        axes.set_ylim(-0.8, len(trials) - 0.2)
        axes.grid(alpha=0.3)
    handles, labels = accuracies.get_legend_handles_labels()
    drawing.legend(handles, labels, loc="outside lower center", ncol=5, fontsize=8)
    return drawing
