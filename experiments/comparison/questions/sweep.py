"""What does a setting change? Any of the task's flags, or several, at any values."""

from __future__ import annotations

from collections.abc import Sequence

from experiments.comparison import pictures
from experiments.comparison.answer import Answer, Figure, Table
from experiments.comparison.group import Group, Plan
from experiments.comparison.study import Study
from experiments.comparison.sweep import LINEAR, Sweep, by_group, product
from experiments.comparison.trials import (
    FORMATS,
    SCORES,
    Trial,
    best_of,
    caveats,
    difference,
    divergence,
    scores,
    shown,
    trials_of,
)  # fmt: skip
from rnnjax.analysis.bootstrap import mean_over_seeds


def answer(study: Study) -> Answer:
    """Trains every combination of the values of the study's sweeps with every seed."""
    names = " and ".join(sweep.name.replace("_", " ") for sweep in study.config.sweeps)
    return sweep_answer(
        study, study.config.sweeps, f"What does the {names} change?",
        f"How do loss and accuracy on the test set depend on the {names}?",
    )  # fmt: skip


def sweep_answer(study: Study, sweeps: Sequence[Sweep], title: str, question: str) -> Answer:
    """The answer to a question about some sweeps.

    Args:
        study: which trains them.
        sweeps: of different settings.
        title: of the answer.
        question: in one sentence.
    """
    plans = plan(sweeps, study.numbers)

    def of(groups: Sequence[Group]) -> Answer:
        trials = trials_of(groups)
        return Answer(title, question, sentences(trials), [table(trials)], figures(trials, sweeps))

    return of(study.run(plans, of))


def plan(sweeps: Sequence[Sweep], numbers: Sequence[str]) -> list[Plan]:
    """As few groups as there can be: numbers that one program may hold share a group."""
    groups = by_group(product(sweeps), numbers)
    return [
        Plan("-".join(f"{k}={shown(v)}" for k, v in changes.items()) or "runs", changes, settings)
        for changes, settings in groups
    ]


def sentences(trials: Sequence[Trial]) -> list[str]:
    """What was found."""
    best = best_of(trials)
    what = " and ".join(name.replace("_", " ") for name in best.setting)
    accuracy, steps = mean_over_seeds(best.accuracy, bounds=(0, 1)), best.group.steps[-1] + 1
    interval = "mean and 95% interval over " if accuracy.has_interval else ""
    found = [
        f"Of {len(trials)} values of {what}, {best.label} has the highest mean test accuracy after "
        f"{steps:,} steps: {accuracy.text()} ({interval}{_seeds(best)})."
    ]
    others = [trial for trial in trials if trial is not best]
    pairs = [(trial, difference(trial, best)) for trial in others]
    if not pairs or len(best.accuracy) == 1:
        return [*found, divergence(trials), *caveats(trials)]
    near = [
        f"{t.label} ({d.text(sign=True)})"
        for t, d in pairs
        if d.has_interval and not d.excludes(0.0)
    ]
    worse = [(t, d) for t, d in pairs if d.excludes(0.0)]
    if near:
        found.append(
            f"Paired over the seeds, these can't be told apart from it: {', '.join(near)}."
        )
    if worse:
        trial, lost = max(worse, key=lambda pair: pair[1].value)
        which = "All others are" if len(worse) == len(pairs) else f"{len(worse)} of the others are"
        found.append(
            f"{which} worse by more than chance explains; the nearest of them, {trial.label}, "
            f"differs by {lost.text(sign=True)}."
        )
    found.append(
        "The best was chosen by the same test set and seeds that it is reported for, so its own "
        "number flatters it a little."
    )
    return [*found, divergence(trials), *caveats(trials)]


def table(trials: Sequence[Trial]) -> Table:
    """Every setting with its means and intervals."""
    best, names = best_of(trials), list(trials[0].setting)
    columns = [*(name.replace("_", " ") for name in names), *SCORES]
    # What only the groups differ in says nothing where there is one.
    groups = len({trial.group.name for trial in trials}) > 1
    columns += ["parameters", "ms/step"] if groups else []
    rows = [
        (
            *(shown(trial.setting[name]) for name in names),
            *scores(trial, best),
            *((trial.group.num_params, trial.group.milliseconds) if groups else ()),
        )
        for trial in trials
    ]
    return Table("settings", "Every setting, over its seeds", columns, rows, FORMATS)


def figures(trials: Sequence[Trial], sweeps: Sequence[Sweep]) -> list[Figure]:
    """Where the settings end, and how they get there."""
    first = trials[0].group
    title = first.problem.title
    if any(trial.group is not first for trial in trials):
        title = f"{first.problem.dataset.name}, {_seeds(trials[0])} each"
    numeric = [s.name for s in sweeps if _is_numeric(s)]
    names = [sweep.name for sweep in sweeps]
    best = best_of(trials)
    alt = (
        f"Test loss and test accuracy for {len(trials)} settings of {', '.join(names)}; the "
        f"highest mean accuracy, {best.accuracy.mean():.4f}, is at {best.label}."
    )
    if numeric:
        x = max(numeric, key=lambda name: len({t.setting[name] for t in trials}))
        rest = [name for name in names if name != x]
        series: dict[str, list[Trial]] = {}
        for trial in sorted(trials, key=lambda t: t.setting[x]):
            series.setdefault(pictures.axis_label(rest, trial), []).append(trial)
        positive = all(trial.setting[x] > 0 for trial in trials)
        log = x not in LINEAR and positive
        ends = pictures.against(title, x, list(series.items()), log=log)
    else:
        ends = pictures.by_name(title, trials, [trial.label for trial in trials])
    over_time = pictures.curves(title, trials, names)
    return [
        Figure(
            "settings", ends, alt,
            "Every dot is a run, the line goes through the means; the band is their 95% interval. "
            "Runs that diverged are marked in red.",
        ),
        Figure(
            "curves", over_time,
            f"Loss and accuracy over the iterations for the same {len(trials)} settings.",
            "Means over the seeds; the band is one standard deviation. A red cross marks the last "
            "evaluation before a mean with a diverged run stops to be a number.",
        ),
    ]  # fmt: skip


def _is_numeric(sweep: Sweep) -> bool:
    return (
        all(isinstance(v, int | float) and not isinstance(v, bool) for v in sweep.values)
        and len(sweep.values) > 2
    )


def _seeds(trial: Trial) -> str:
    count = len(trial.accuracy)
    return "one seed" if count == 1 else f"{count} seeds"
