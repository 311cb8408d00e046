"""Which cell, how many layers, which activation? At equal width, and at equal parameter count."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

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
    difference,
    divergence,
    scores,
    trials_of,
)  # fmt: skip
from rnnjax.analysis.bootstrap import mean_over_seeds
from rnnjax.analysis.equal_size import width_for_count

CELLS = ("simple_rnn", "gru", "lstm")
LAYERS = (1, 2, 3)
ACTIVATIONS = ("tanh", "relu", "softsign", "sigmoid")

WIDTH, COUNT = "equal width", "equal parameter count"


@dataclasses.dataclass(frozen=True)
class Part:
    """Settings that are compared with each other.

    Args:
        what: they differ in.
        how: the comparison is fair.
        plans: one for each.
    """

    what: str
    how: str
    plans: Sequence[Plan]


def answer(study: Study) -> Answer:
    """Trains every cell, number of layers and activation, each once where parts share it."""
    parts = parts_of(study)
    plans = {plan.name: plan for part in parts for plan in part.plans}

    def of(groups: Sequence[Group]) -> Answer:
        return answer_of(parts, {t.group.name: t for t in trials_of(groups)})

    return of(study.run([*plans.values()], of))


def parts_of(study: Study) -> list[Part]:
    """What is compared: the task's own setting is among the trials of every part."""
    config, task, data = study.config, study.task, study.data
    fields = {field.name for field in dataclasses.fields(task.config)}
    wanted = task.count_params(config, data)

    def plan(fair: str, **changes: Any) -> Plan:
        def count_at(width: int) -> int:
            at = dataclasses.replace(config, **changes, hidden_size=width)
            return task.count_params(at, data)

        width = width_for_count(wanted, count_at) if fair == COUNT else config.hidden_size
        values = {"cell": config.cell, "num_layers": config.num_layers, "hidden_size": width}
        if "activation" in fields:
            values["activation"] = config.activation
        return _named(values | changes)

    parts = []
    for fair in (WIDTH, COUNT):
        cells = [plan(fair, cell=cell) for cell in dict.fromkeys((*CELLS, config.cell))]
        layers = dict.fromkeys((*LAYERS, config.num_layers))
        parts.append(Part("cell", fair, cells))
        parts.append(Part("layers", fair, [plan(fair, num_layers=n) for n in sorted(layers)]))
    if "activation" in fields:
        names = dict.fromkeys((*ACTIVATIONS, config.activation))
        parts.append(Part("activation", WIDTH, [plan(WIDTH, activation=name) for name in names]))
    return sorted(parts, key=lambda part: ("cell", "layers", "activation").index(part.what))


def _named(values: Mapping[str, Any]) -> Plan:
    activation = f"-{values['activation']}" if "activation" in values else ""
    name = f"{values['cell']}-{values['num_layers']}x{values['hidden_size']}{activation}"
    return Plan(name, values)


def answer_of(parts: Sequence[Part], done: Mapping[str, Trial]) -> Answer:
    """What can be said of the groups that are done."""
    found = [(part, [done[p.name] for p in part.plans if p.name in done]) for part in parts]
    found = [(part, trials) for part, trials in found if len(trials) == len(part.plans)]
    trials = list({id(t): t for _, ts in found for t in ts}.values())
    sentences = [_sentence(part, ts) for part, ts in found]
    if trials:
        sentences += [divergence([_labelled(t) for t in trials]), *caveats(trials)]
    return Answer(
        "Which cell, how many layers, which activation?",
        "Which kind of recurrent network learns most in the same number of steps, at equal width "
        "and with equally many parameters?",
        sentences,
        [_table(part, ts) for part, ts in found],
        _figures(found) if found else [],
    )


def _sentence(part: Part, trials: Sequence[Trial]) -> str:
    best = best_of(trials)
    name = _value(part, best)
    accuracy = mean_over_seeds(best.accuracy, bounds=(0, 1))
    said = (
        f"{part.what.capitalize()}, at {part.how}: the highest mean test accuracy is that of "
        f"{name}, {accuracy.text()}, with {best.group.num_params:,} parameters and "
        f"{best.group.milliseconds:.2f} ms per step; compared with it, seed by seed, "
    )
    others = []
    for trial in trials:
        if trial is not best:
            change = difference(trial, best)
            unsure = change.has_interval and not change.excludes(0.0)
            doubt = ", which chance may explain" if unsure else ""
            others.append(
                f"{_value(part, trial)} {change.text(sign=True)} at "
                f"{trial.group.milliseconds:.2f} ms{doubt}"
            )
    return f"{said}{'; '.join(others)}."


def _table(part: Part, trials: Sequence[Trial]) -> Table:
    best = best_of(trials)
    columns = (part.what, "width", "parameters", "ms/step", *SCORES)
    rows = [
        (
            _value(part, trial),
            trial.setting["hidden_size"],
            trial.group.num_params,
            trial.group.milliseconds,
            *scores(trial, best),
        )
        for trial in trials
    ]
    title = f"{part.what.capitalize()}, at {part.how}"
    return Table(_file(part), title, columns, rows, FORMATS)


def _file(part: Part) -> str:
    return f"{part.what}-{part.how.replace(' ', '-')}"


def _figures(found: Sequence[tuple[Part, Sequence[Trial]]]) -> list[Figure]:
    figures = []
    for part, trials in found:
        labels = [
            f"{_value(part, t)} ({t.setting['hidden_size']} units, {t.group.num_params:,})"
            for t in trials
        ]
        title = f"{part.what}, at {part.how}: {trials[0].group.problem.dataset.name}"
        best = best_of(trials)
        figures.append(
            Figure(
                _file(part),
                pictures.by_name(title, trials, labels),
                f"Test loss and accuracy by {part.what} at {part.how}; {_value(part, best)} has "
                f"the highest mean accuracy, {best.accuracy.mean():.4f}.",
                "Pale marks are single runs, strong ones their means, bars 95% intervals, which "
                "may leave the picture; in brackets the width and the number of parameters.",
            )
        )
    trials = list({id(t): t for _, ts in found for t in ts}.values())
    drawing = pictures.against_cost(
        f"What accuracy costs: {trials[0].group.problem.dataset.name}",
        trials,
        [_short(trial) for trial in trials],
    )
    return [
        Figure(
            "cost", drawing,
            f"Test accuracy of {len(trials)} networks against their number of parameters and the "
            "time of a training step.",
            "Mean accuracy and its 95% interval against the number of parameters and the "
            "milliseconds that a training step of one run takes here, all seeds at once; "
            "other work on the machine shows in it. A bar may leave the picture.",
        ),
        *figures,
    ]  # fmt: skip


def _short(trial: Trial) -> str:
    values = trial.setting
    layers = f"{values['num_layers']}×" if values["num_layers"] > 1 else ""
    activation = values.get("activation", "tanh")
    return f"{values['cell']} {layers}{values['hidden_size']}" + (
        "" if activation == "tanh" else f" {activation}"
    )


def _labelled(trial: Trial) -> Trial:
    return dataclasses.replace(trial, setting={"": _short(trial)})


def _value(part: Part, trial: Trial) -> str:
    if part.what == "layers":
        count = trial.setting["num_layers"]
        return f"{count} layer{'s' if count > 1 else ''}"
    return str(trial.setting[part.what])
