"""Sequences, and under each what a classifier says while it grows."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from rnnjax.reports.drawing import colour_map, empty_figure


class Growing(NamedTuple):
    """A sequence that was read step by step."""

    name: str
    values: np.ndarray
    """``[T, D]``."""
    probabilities: np.ndarray
    """Of each class after each step, ``[T, C]``."""
    label: int
    """The true class."""


def plot_growing(
    path: str | os.PathLike[str], title: str, sequences: Sequence[Growing], names: Sequence[str]
) -> None:
    """Draws the features of each sequence, and below them the probability of each class.

    The true class is drawn thick; only classes that were ever likely are named.

    Args:
        path: of the PNG.
        title: above the picture.
        sequences: side by side.
        names: of the classes.
    """
    figure = empty_figure(4.2 * len(sequences), 5.4)
    figure.suptitle(title, fontsize=10)
    axes = figure.subplots(2, len(sequences), sharex="col", squeeze=False)
    colours = colour_map("tab10" if len(names) <= 10 else "tab20")
    for (above, below), own in zip(axes.T, sequences, strict=True):
        steps = np.arange(1, len(own.values) + 1)
        above.plot(steps, own.values, linewidth=1)
        above.set_title(own.name, fontsize=10)
        for k, name in enumerate(names):
            likely = own.probabilities[:, k]
            is_true = k == own.label
            below.plot(
                steps, likely, color=colours(k % colours.N), linewidth=3 if is_true else 1,
                marker="." if len(steps) == 1 else None,
                label=f"{name} (true)" if is_true else name if likely.max() > 0.15 else None,
            )  # fmt: skip
        below.set_ylim(-0.03, 1.03)
        below.set_xlabel("steps read")
        below.grid(alpha=0.3)
        below.legend(fontsize=8)
    axes[0, 0].set_ylabel("features")
    axes[1, 0].set_ylabel("probability")
    figure.savefig(path, dpi=150)
