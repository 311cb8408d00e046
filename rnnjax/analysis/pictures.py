"""Pictures of what the analyses find, as Matplotlib figures that belong to no window."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from rnnjax.analysis.bootstrap import Estimate
from rnnjax.reports.drawing import empty_figure, titled_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = ("tab:blue", "tab:orange", "tab:green", "tab:red", "tab:purple", "tab:brown", "tab:pink")
MARKERS = "os^Dv<>"


def draw_states(title: str, image: np.ndarray, states: Mapping[str, np.ndarray]) -> Figure:
    """States over time as pictures beside the image that was read, time from top to bottom.

    Args:
        title: above the picture.
        image: ``[T, D]``; its rows are the steps.
        states: by cell, ``[T, H]``; units are put into the order in which they are most excited.
    """
    figure = empty_figure(2.2 * (len(states) + 1) + 0.9, 3.2)
    figure.suptitle(title, fontsize=10)
    grid = figure.subplots(1, len(states) + 1, sharey=True, squeeze=False)[0]
    grid[0].imshow(image, cmap="gray_r", aspect="auto", interpolation="nearest")
    grid[0].set_title("input", fontsize=9)
    grid[0].set_xlabel("pixel")
    grid[0].set_ylabel("step (row of the image)")
    largest = max(float(np.abs(values).max()) for values in states.values())
    shown = None
    for axes, (name, values) in zip(grid[1:], states.items(), strict=True):
        order = np.argsort(np.abs(values).argmax(axis=0), kind="stable")
        shown = axes.imshow(
            values[:, order],
            cmap="RdBu_r",
            aspect="auto",
            interpolation="nearest",
            vmin=-largest,
            vmax=largest,
        )
        axes.set_title(name, fontsize=9)
        axes.set_xlabel("unit")
    if shown is not None:
        figure.colorbar(shown, ax=grid[-1], label="state h")
    return figure


def draw_gradients(
    title: str, norms: Mapping[str, np.ndarray], untrained: Mapping[str, np.ndarray]
) -> Figure:
    """The norm of the gradient with respect to each step's state, on a logarithmic axis.

    Args:
        title: above the picture.
        norms: by cell, ``[T, N]`` of N inputs; their median is a line, and the middle half of them
            a band.
        untrained: the same before training, drawn as broken lines.
    """
    figure, axes = titled_axes(title, 7.0, 4.5)
    for i, (name, values) in enumerate(norms.items()):
        steps, colour = np.arange(1, len(values) + 1), COLOURS[i % len(COLOURS)]
        low, middle, high = _positive(np.quantile(values, [0.25, 0.5, 0.75], axis=1))
        axes.plot(steps, middle, color=colour, linewidth=1.6, label=name)
        axes.fill_between(steps, low, high, color=colour, alpha=0.2, linewidth=0)
        before = _positive(np.median(untrained[name], axis=1))
        axes.plot(steps, before, color=colour, linewidth=1.1, linestyle="--")
    axes.plot([], [], color="k", linewidth=1.1, linestyle="--", label="before training")
    axes.set_yscale("log")
    axes.set_xlabel("step t")
    axes.set_ylabel("norm of the gradient of the loss\nwith respect to the state after step t")
    axes.grid(alpha=0.3)
    _legend_below(axes, len(norms) + 1)
    return figure


def draw_noise(
    title: str,
    steps: np.ndarray,
    scales: Sequence[Any],
    batch_size: int,
    curves: Mapping[str, tuple[np.ndarray, np.ndarray]],
    label: str = "test loss",
) -> Figure:
    """The noise scale over training (left), and curves of runs with more or less of it (right).

    Args:
        title: above the picture.
        steps: ``[P]``, where they were measured.
        scales: P noise scales with `value`, `low` and `high`; where the upper end is infinite the
            bar leaves the picture.
        batch_size: of the run where they were measured, drawn as a line.
        curves: by name, the steps ``[E]`` and what was measured after them ``[S, E]``: the seeds
            are drawn as thin lines, each seed's own, and their mean as a thick one.
        label: what the curves show.
    """
    figure = empty_figure(10.5, 4.4)
    figure.suptitle(title, fontsize=10)
    left, right = figure.subplots(1, 2, width_ratios=[1, 1.25])
    value, low, high = (np.array([getattr(s, n) for s in scales]) for n in ("value", "low", "high"))
    finite = np.concatenate([value[np.isfinite(value)], low[np.isfinite(low)], [batch_size]])
    top = 3 * float(finite.max())
    capped = np.where(np.isfinite(value), value, top)
    ends = np.where(np.isfinite(high), high, 10 * top)
    bars = np.maximum(np.stack([capped - low, ends - capped]), 0)
    left.errorbar(steps, capped, bars, fmt="bo-", linewidth=1, capsize=3, label="noise scale")
    left.axhline(batch_size, color="k", linestyle="--", linewidth=1, label=f"batch, {batch_size}")
    left.set_yscale("log")
    left.set_ylim(0.5 * float(finite[finite > 0].min()), max(top, 2 * batch_size))
    left.set_xlabel("updates")
    left.set_ylabel("gradient noise scale, in examples")
    left.grid(alpha=0.3)
    _legend_below(left, 2)
    for i, (name, (places, values)) in enumerate(curves.items()):
        colour = COLOURS[i % len(COLOURS)]
        right.plot(places + 1, values.T, color=colour, linewidth=0.6, alpha=0.35)
        right.plot(places + 1, values.mean(axis=0), color=colour, linewidth=1.8, label=name)
    everything = np.concatenate([values.ravel() for _, values in curves.values()])
    everything = everything[np.isfinite(everything) & (everything > 0)]
    if everything.size:
        # The first evaluation is that of an untrained network, and would flatten all others.
        right.set_ylim(0.9 * everything.min(), 1.6 * np.quantile(everything, 0.85))
    right.set_yscale("log")
    for axis_formatter in (right.yaxis.set_major_formatter, right.yaxis.set_minor_formatter):
        axis_formatter("{x:g}")
    right.set_xlabel("updates")
    right.set_ylabel(label)
    right.grid(alpha=0.3, which="both")
    _legend_below(right, 3)
    return figure


def draw_class_scores(
    title: str, class_names: Sequence[str], scores: Mapping[str, Sequence[Estimate]]
) -> Figure:
    """Every class's scores side by side, with intervals over the seeds.

    Args:
        title: above the picture.
        class_names: C names.
        scores: by name, of each class.
    """
    figure, axes = titled_axes(title, max(6.0, 0.75 * len(class_names) + 1.2), 4.4)
    places = np.arange(len(class_names))
    for i, (name, estimates) in enumerate(scores.items()):
        shifted = places + 0.2 * (i - (len(scores) - 1) / 2)
        _error_bars(axes, shifted, estimates, COLOURS[i], MARKERS[i], name)
    for edge in places[:-1] + 0.5:
        axes.axvline(edge, color="0.9", linewidth=0.8)
    axes.set_xticks(places, class_names)
    axes.set_xlabel("class")
    axes.set_ylabel("score")
    axes.grid(alpha=0.3, axis="y")
    _legend_below(axes, len(scores))
    return figure


def draw_comparison(
    title: str,
    label: str,
    groups: Mapping[str, Mapping[str, Estimate]],
    lines: Mapping[str, float] | None = None,
) -> Figure:
    """Estimates by name in groups beneath each other, each with its values and its interval.

    Args:
        title: above the picture.
        label: what the numbers are.
        groups: by heading and name.
        lines: numbers that mean something, by name; each is drawn as a line.
    """
    number = sum(len(group) for group in groups.values()) + 0.7 * len(groups)
    figure, axes = titled_axes(title, 7.5, 0.42 * number + 1.2)
    place, ticks, names = 0.0, [], []
    for i, (heading, estimates) in enumerate(groups.items()):
        axes.text(
            0.01, place, heading, transform=axes.get_yaxis_transform(), fontsize=9, style="italic",
            va="center",
        )  # fmt: skip
        for name, estimate in estimates.items():
            place += 1
            colour = COLOURS[i % len(COLOURS)]
            axes.plot(
                estimate.values, np.full(len(estimate.values), place), "|", color=colour, alpha=0.6
            )
            _error_bars(axes, np.array([place]), [estimate], colour, "o", None, upright=False)
            ticks.append(place)
            names.append(name)
        place += 1.2
    for name, value in (lines or {}).items():
        axes.axvline(value, color="k", linestyle=":", linewidth=1)
        axes.text(value, place - 0.75, f" {name}", fontsize=8, va="center")
    axes.set_yticks(ticks, names)
    axes.set_ylim(place - 0.4, -0.7)
    axes.set_xlabel(label)
    axes.grid(alpha=0.3, axis="x")
    return figure


def _error_bars(
    axes: Axes,
    places: np.ndarray,
    estimates: Sequence[Estimate],
    colour: str,
    marker: str,
    name: str | None,
    *,
    upright: bool = True,
) -> None:
    """Means as points and their intervals, where there are any, as bars."""
    values = np.array([e.value for e in estimates])
    lows = np.array([e.value if e.low is None else e.low for e in estimates])
    highs = np.array([e.value if e.high is None else e.high for e in estimates])
    bars = np.stack([values - lows, highs - values])
    x, y = (places, values) if upright else (values, places)
    bars_x, bars_y = (None, bars) if upright else (bars, None)
    axes.errorbar(
        x, y, bars_y, bars_x, fmt=marker, color=colour, markersize=5, linewidth=1.3, capsize=2.5,
        label=name,
    )  # fmt: skip


def _positive(values: np.ndarray) -> np.ndarray:
    """What a logarithmic axis can show: a gradient that has vanished altogether has no place."""
    return np.where(values > 0, values, np.nan)


def _legend_below(axes: Axes, columns: int) -> None:
    """A legend that covers nothing."""
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.14), ncol=min(columns, 4), fontsize=9)
