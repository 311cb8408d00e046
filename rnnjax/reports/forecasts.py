"""Forecasts beside what came, and their errors by how far ahead they look."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from rnnjax.reports.drawing import empty_figure, titled_axes

Path = str | os.PathLike[str]

NO_NOISE = 1e-3
"""Errors below are of a series without noise, and are drawn by their order of magnitude."""


class Panel(NamedTuple):
    """One column over some time; NaN where nothing is known."""

    name: str
    before: np.ndarray
    """What was seen of it, ``[L]``."""
    came: np.ndarray
    """What came then, ``[T]``."""
    forecasts: np.ndarray
    """``[T, 1 + Q]``: the expected value; from the second number to the last is a band."""
    starts: Sequence[int]
    """Where forecasts begin, the first at 0."""


def plot_forecasts(path: Path, title: str, panels: Sequence[Panel]) -> None:
    """Draws each panel below the other.

    Args:
        path: of the PNG.
        title: above the picture.
        panels: at least one.
    """
    figure = empty_figure(10, 1.2 + 1.9 * len(panels))
    figure.suptitle(title, fontsize=10)
    rows = figure.subplots(len(panels), 1, sharex=True, squeeze=False)[:, 0]
    for axes, own in zip(rows, panels, strict=True):
        axes.plot(np.arange(-len(own.before), 0), own.before, "k-", linewidth=1)
        ahead = np.arange(len(own.came))
        axes.plot(ahead, own.came, "k-", linewidth=1, label="seen, and what came")
        axes.plot(ahead, own.forecasts[:, 0], "C0-", linewidth=1.4, label="forecast")
        if own.forecasts.shape[1] > 2:
            lower, upper = own.forecasts[:, 1], own.forecasts[:, -1]
            band = {"color": "C0", "alpha": 0.25, "linewidth": 0, "label": "band of the quantiles"}
            axes.fill_between(ahead, lower, upper, **band)
        for start in own.starts:
            axes.axvline(start, color="k", linestyle=":", linewidth=1)
        axes.set_ylabel(own.name)
        axes.grid(alpha=0.3)
    rows[0].legend(fontsize=8, loc="lower left", bbox_to_anchor=(0, 1), ncols=3, frameon=False)
    rows[-1].set_xlabel("rows from the beginning of the forecast")
    figure.savefig(path, dpi=150)


def plot_horizons(path: Path, title: str, errors: Mapping[str, np.ndarray]) -> None:
    """Draws the mean squared error of each row of the horizon.

    Args:
        path: of the PNG.
        title: above the picture.
        errors: of each method ``[H]``.
    """
    figure, axes = titled_axes(title, 7.0, 4.5)
    for name, own in errors.items():
        axes.plot(np.arange(1, len(own) + 1), own, linewidth=1.4, label=name)
    if min(float(np.nanmin(own)) for own in errors.values()) < NO_NOISE:
        axes.set_yscale("log")
    else:
        axes.set_ylim(bottom=0)
    axes.set_xlabel("rows ahead")
    axes.set_ylabel("mean squared error")
    axes.grid(alpha=0.3)
    axes.legend(fontsize=9)
    figure.savefig(path, dpi=150)
