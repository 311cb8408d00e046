"""Pictures of piano rolls: which keys sound, and how likely each was."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from rnnjax.reports.drawing import empty_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.image import AxesImage

Path = str | os.PathLike[str]
NAMES = ("C", "C♯", "D", "D♯", "E", "F", "F♯", "G", "G♯", "A", "A♯", "B")
LOWEST = 21


def key_name(key: int) -> str:
    """Of a key counted from the lowest one of a piano.

    >>> key_name(39), key_name(0)
    ('C4', 'A0')
    """
    pitch = key + LOWEST
    return f"{NAMES[pitch % 12]}{pitch // 12 - 1}"


def plot_rolls(path: Path, title: str, rolls: Mapping[str, np.ndarray], per_quarter: int) -> None:
    """Draws pieces one above the other, over the same keys and the same time.

    Args:
        path: of the PNG.
        title: above the picture.
        rolls: bool ``[T, 88]``, by what they are.
        per_quarter: frames of a quarter note.
    """
    figure = empty_figure(10, 2.6 * len(rolls) + 0.6)
    figure.suptitle(title, fontsize=10)
    low, high = _used(list(rolls.values()))
    longest = max(len(roll) for roll in rolls.values())
    for axes, (name, roll) in zip(np.ravel(figure.subplots(len(rolls), 1)), rolls.items(),
                                  strict=True):  # fmt: skip
        _show(axes, roll[:, low : high + 1] * 1.0, low, per_quarter, "Blues")
        axes.set_xlim(0, longest / per_quarter)
        axes.set_title(name, fontsize=10)
    figure.savefig(path, dpi=150)


def plot_probabilities(
    path: Path, title: str, probabilities: np.ndarray, roll: np.ndarray, per_quarter: int
) -> None:
    """Draws how likely each key was, and a dot where it did sound.

    Args:
        path: of the PNG.
        title: above the picture.
        probabilities: ``[T, 88]``.
        roll: bool ``[T, 88]``.
        per_quarter: frames of a quarter note.
    """
    figure = empty_figure(10, 4.2)
    axes = figure.subplots()
    axes.set_title(title, fontsize=10)
    low, high = _used([roll, probabilities > 0.05])
    image = _show(axes, probabilities[:, low : high + 1], low, per_quarter, "magma")
    times, keys = np.nonzero(roll)
    size = min(8.0, 900 / len(roll))
    axes.scatter((times + 0.5) / per_quarter, keys, s=size, color="tab:cyan", label="sounded")
    axes.legend(loc="upper right", fontsize=8)
    figure.colorbar(image, ax=axes, label="probability")
    figure.savefig(path, dpi=150)


def _used(rolls: list[np.ndarray]) -> tuple[int, int]:
    """The lowest and the highest key that sounds, and one more on both sides."""
    keys = np.concatenate([np.nonzero(roll)[1] for roll in rolls])
    low, high = (keys.min(), keys.max()) if len(keys) else (27, 63)
    return max(int(low) - 1, 0), min(int(high) + 1, 87)


def _show(axes: Axes, values: np.ndarray, low: int, per_quarter: int, colours: str) -> AxesImage:
    """An image of ``[T, keys]`` from 0 to 1, time in quarters to the right."""
    extent = (0, len(values) / per_quarter, low - 0.5, low + values.shape[1] - 0.5)
    image = axes.imshow(
        values.T, origin="lower", aspect="auto", extent=extent, vmin=0, vmax=1, cmap=colours,
        interpolation="nearest",
    )  # fmt: skip
    keys = [k for k in range(low, low + values.shape[1]) if (k + LOWEST) % 12 == 0]
    axes.set_yticks(keys, [key_name(key) for key in keys])
    axes.set_xlabel("quarter notes")
    axes.grid(axis="y", alpha=0.3)
    return image
