"""Pictures of settings beside each other: where they end, and how they get there."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments.comparison.trials import Trial, shown
from rnnjax.analysis.bootstrap import Estimate, mean_over_seeds
from rnnjax.reports.drawing import colour_map, empty_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PANELS = (("loss", "b", "o"), ("accuracy", "g", "s"))
"""The colours and marks that loss and accuracy have in every picture."""

LINES = ("-", "--", ":", "-.")


def figure(title: str, width: float, height: float, columns: int = 1) -> tuple[Figure, list[Axes]]:
    """An empty picture with so many panels side by side."""
    drawing = empty_figure(width, height)
    drawing.suptitle(title, fontsize=11)
    return drawing, list(np.ravel(drawing.subplots(1, columns, squeeze=False)))


def against(
    title: str, name: str, series: Sequence[tuple[str, Sequence[Trial]]], *, log: bool
) -> Figure:
    """Final loss and accuracy against a number, every seed as a dot, the mean as a line.

    Args:
        title: above the picture.
        name: of the setting that is the number.
        series: what each line is, and its trials.
        log: whether the number has a logarithmic axis.
    """
    drawing, panels = figure(title, 10.0, 4.4, 2)
    several = len(series) > 1
    colours = colour_map("tab10")
    for axes, (metric, colour, mark) in zip(panels, PANELS, strict=True):
        for i, (label, trials) in enumerate(series):
            paint = colours(i % 10) if several else colour
            x = np.array([float(trial.setting[name]) for trial in trials])
            _dots_and_mean(axes, x, trials, metric, paint, mark, label if several else None)
        axes.set_xlabel(_words(name))
        axes.set_ylabel(f"test {metric}")
        if log:
            axes.set_xscale("log")
        _mark_diverged(axes, [(float(t.setting[name]), t) for _, ts in series for t in ts])
        _finish(axes, metric)
    if several:
        handles, labels = panels[0].get_legend_handles_labels()
        drawing.legend(handles, labels, loc="outside lower center", ncol=min(len(series), 5))
    return drawing


def by_name(title: str, trials: Sequence[Trial], labels: Sequence[str]) -> Figure:
    """Final loss and accuracy of settings that are no numbers, one below the other."""
    drawing, panels = figure(title, 10.0, 1.3 + 0.42 * len(trials), 2)
    places = np.arange(len(trials))[::-1]
    for axes, (metric, colour, mark) in zip(panels, PANELS, strict=True):
        for place, trial in zip(places, trials, strict=True):
            values = getattr(trial, metric)
            fine = np.isfinite(values)
            axes.plot(values[fine], np.full(fine.sum(), place), mark, color=colour, alpha=0.3, ms=5)
            estimate = _estimate(values, metric)
            if estimate.low is not None and estimate.high is not None:
                axes.hlines(place, estimate.low, estimate.high, color=colour, lw=2.5)
            axes.plot(estimate.value, place, mark, color=colour, mec="k", ms=7)
            if trial.diverged.any():
                said = f"× {trial.diverged.sum()} of {len(values)} diverged"
                axes.text(
                    0.98, place, said, transform=axes.get_yaxis_transform(), color="r",
                    ha="right", va="center", fontsize=9,
                )  # fmt: skip
        axes.set_yticks(places, labels if axes is panels[0] else [""] * len(labels))
        axes.set_ylim(-0.7, len(trials) - 0.3)
        axes.set_xlabel(f"test {metric}")
        if metric == "loss" and _wide([getattr(t, metric) for t in trials]):
            axes.set_xscale("log")
        axes.grid(axis="x", alpha=0.3)
        values = np.concatenate([getattr(trial, metric) for trial in trials])
        values = values[np.isfinite(values)]
        if values.size:
            low, high = values.min(), values.max()
            spread = high - low or 0.01
            axes.set_xlim(max(low - 0.25 * spread, low / 2), high + 0.25 * spread)
    return drawing


def curves(title: str, trials: Sequence[Trial], names: Sequence[str]) -> Figure:
    """Loss and accuracy over the iterations, a line for the mean of each setting's seeds.

    Args:
        title: above the picture.
        trials: the settings.
        names: of what they differ in.
    """
    drawing, panels = figure(title, 10.0, 4.8, 2)
    colours = colour_map("viridis")(np.linspace(0.0, 0.92, len(trials)))
    for axes, (metric, _, _) in zip(panels, PANELS, strict=True):
        drawn = []
        for i, trial in enumerate(trials):
            values, steps = trial.curve(metric), trial.group.steps
            style = LINES[i % 4] if len(trials) <= 4 else "-"
            kept = steps > 0 if len(steps) > 3 else steps >= 0
            mean = values.mean(axis=0)
            axes.plot(
                steps[kept], mean[kept], style, marker=".", color=colours[i], label=trial.label
            )
            if len(values) > 1:
                sd = values.std(axis=0, ddof=1)
                low, high = (mean - sd)[kept], (mean + sd)[kept]
                axes.fill_between(steps[kept], low, high, color=colours[i], alpha=0.15, lw=0)
            drawn.append(mean[kept])
            if trial.diverged.any():
                _end_mark(axes, steps[kept], mean[kept])
        axes.set_xlabel("iterations")
        axes.set_ylabel(f"{trials[0].group.problem.watched} {metric}")
        if metric == "loss" and _wide(drawn):
            axes.set_yscale("log")
        _finish(axes, metric)
    handles, labels = panels[0].get_legend_handles_labels()
    drawing.legend(
        handles, labels, loc="outside lower center", title=", ".join(map(_words, names)),
        ncol=min(len(trials), max(1, 90 // (8 + max(map(len, labels))))),
    )  # fmt: skip
    return drawing


def _estimate(values: np.ndarray, metric: str) -> Estimate:
    return mean_over_seeds(values, bounds=(0, 1) if metric == "accuracy" else (0, math.inf))


def _words(name: str) -> str:
    return name.replace("_", " ")


def _dots_and_mean(
    axes: Axes, x: np.ndarray, trials: Sequence[Trial], metric: str, colour: Any, mark: str,
    label: str | None,
) -> None:  # fmt: skip
    values = np.array([getattr(trial, metric) for trial in trials])
    estimates = [_estimate(row, metric) for row in values]
    for seed in values.T:
        axes.plot(x, seed, mark, color=colour, alpha=0.3, ms=4, lw=0)
    means = np.array([estimate.value for estimate in estimates])
    axes.plot(x, means, "-", marker=mark, color=colour, lw=1.3, ms=5, label=label)
    if all(len(row) > 1 for row in values):
        low = np.array([np.nan if e.low is None else e.low for e in estimates])
        high = np.array([np.nan if e.high is None else e.high for e in estimates])
        axes.fill_between(x, low, high, color=colour, alpha=0.15, lw=0)
    if metric == "loss" and _wide(values):
        axes.set_yscale("log")


def _mark_diverged(axes: Axes, places: Sequence[tuple[float, Trial]]) -> None:
    for x, trial in places:
        if trial.diverged.any():
            axes.text(
                x, 0.98, f"×\n{trial.diverged.sum()}/{len(trial.diverged)}\ndiverged",
                transform=axes.get_xaxis_transform(), color="r", ha="center", va="top", fontsize=8,
            )  # fmt: skip


def _end_mark(axes: Axes, steps: np.ndarray, mean: np.ndarray) -> None:
    """Where the mean stops to be a number."""
    finite = np.flatnonzero(np.isfinite(mean))
    if finite.size:
        axes.plot(steps[finite[-1]], mean[finite[-1]], "rx", ms=9, mew=2)


def _finish(axes: Axes, metric: str) -> None:
    """Grid, and limits by the values: the interval of two seeds may be far wider than all else."""
    axes.grid(alpha=0.3)
    values = np.concatenate([np.asarray(line.get_ydata(), float) for line in axes.lines])
    values = values[np.isfinite(values)]
    if not values.size:
        return
    low, high = values.min(), values.max()
    if axes.get_yscale() == "log":
        axes.set_ylim(low / (high / low) ** 0.08, high * (high / low) ** 0.08)
        return
    # A difference in the fourth digit must not look like a fall.
    least = 0.025 if metric == "accuracy" else 0.05
    margin = max(0.08 * (high - low), (least - (high - low)) / 2)
    axes.set_ylim(low - margin, high + margin)


def _wide(values: Any) -> bool:
    """Whether positive numbers are so far apart that only their logarithm shows all of them."""
    numbers = np.concatenate([np.ravel(v) for v in values])
    numbers = numbers[np.isfinite(numbers)]
    return bool(numbers.size and numbers.min() > 0 and numbers.max() / numbers.min() > 15)


def axis_label(names: Sequence[str], trial: Trial) -> str:
    """The values of some settings of a trial."""
    return ", ".join(f"{_words(n)} {shown(trial.setting[n])}" for n in names)


def against_cost(title: str, trials: Sequence[Trial], labels: Sequence[str]) -> Figure:
    """Accuracy against the number of parameters and the time of a step."""
    from matplotlib.ticker import LogLocator, NullFormatter  # when it is drawn, as all of it

    drawing, panels = figure(title, 10.0, 5.2, 2)
    colours = colour_map("tab20")
    costs = (
        ("parameters", [trial.group.num_params for trial in trials]),
        ("milliseconds per step", [trial.group.milliseconds for trial in trials]),
    )
    for axes, (name, values) in zip(panels, costs, strict=True):
        for i, (trial, cost, label) in enumerate(zip(trials, values, labels, strict=True)):
            estimate = _estimate(trial.accuracy, "accuracy")
            if estimate.low is not None and estimate.high is not None:
                axes.vlines(cost, estimate.low, estimate.high, color=colours(i % 20), lw=1.5)
            mark = "os^D"[i // 20 % 4]
            axes.plot(cost, estimate.value, mark, color=colours(i % 20), mec="k", label=label)
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_major_formatter("{x:,g}")
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.set_xlabel(name)
        axes.set_ylabel("test accuracy")
        _finish(axes, "accuracy")
    handles, names = panels[0].get_legend_handles_labels()
    drawing.legend(handles, names, loc="outside lower center", ncol=4, fontsize=9)
    return drawing
