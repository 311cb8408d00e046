"""Pictures of spoken strings: spectrum, true boundaries, and what a network says when."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from rnnjax.reports.drawing import colour_map, empty_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Path = str | os.PathLike[str]


class SpokenString(NamedTuple):
    """A string that was heard, and what a network makes of it."""

    name: str
    bands: np.ndarray
    """Of each frame the power in each band, ``[F, bands]``."""
    digits: Sequence[str]
    """What is said, n of them."""
    begins: np.ndarray
    """When each is, in seconds ``[n]``."""
    ends: np.ndarray
    """Until when."""
    times: np.ndarray
    """In the middle of each step, in seconds ``[T]``, T at least 2."""
    likely: np.ndarray
    """Of each class at each step the probability, ``[T, C]``."""
    answer: Sequence[str]
    """What was understood."""
    spikes: Sequence[float]
    """When each digit of the answer begins to be said, in seconds."""
    occupancy: np.ndarray
    """Of each true digit the probability that a step is its own, ``[T, n]``."""


def plot_spikes(
    path: Path, title: str, strings: Sequence[SpokenString], names: Sequence[str]
) -> None:
    """Draws the spectrum of each string with its true boundaries, and below it the classes.

    Triangles stand where the digits of the best path begin.

    Args:
        path: of the PNG.
        title: above the picture.
        strings: one below the other.
        names: of the classes; the last one, the blank, is drawn grey.
    """
    figure = empty_figure(10, 3.6 * len(strings) + 0.4)
    figure.suptitle(title, fontsize=10)
    axes = figure.subplots(2 * len(strings), 1, squeeze=False)[:, 0]
    colours = colour_map("tab10")
    for above, below, own in zip(axes[::2], axes[1::2], strings, strict=True):
        _spectrum(above, own)
        for k, name in enumerate(names):
            is_blank = k == len(names) - 1
            is_seen = own.likely[:, k].max() > 0.15
            below.plot(
                own.times, own.likely[:, k], linewidth=1 if is_blank else 1.6,
                color="0.7" if is_blank else colours(k % colours.N),
                label=name if is_seen else None,
            )  # fmt: skip
        for begin, end in zip(own.begins, own.ends, strict=True):
            below.axvspan(begin, end, color="0.93", zorder=0)
        for digit, time in zip(own.answer, own.spikes, strict=True):
            below.plot([time], [1.06], "v", color="black", markersize=4, clip_on=False)
            below.text(time, 1.12, digit, ha="center", fontsize=8)
        below.set_ylim(-0.03, 1.25)
        below.set_xlim(0, _end(own))
        below.set_ylabel("probability")
        below.legend(fontsize=7, ncols=2, loc="center left", bbox_to_anchor=(1.0, 0.5))
    axes[-1].set_xlabel("seconds")
    figure.savefig(path, dpi=130)


def plot_occupancy(path: Path, title: str, own: SpokenString) -> None:
    """Draws how likely each step belongs to each digit of a known string, and where they are.

    Args:
        path: of the PNG.
        title: above the picture.
        own: the string.
    """
    from matplotlib.patches import Rectangle

    figure = empty_figure(10, 5)
    figure.suptitle(title, fontsize=10)
    above, below = figure.subplots(2, 1, sharex=True)
    _spectrum(above, own)
    count = len(own.digits)
    extent = (*_heard(own), count - 0.5, -0.5)
    image = below.imshow(
        own.occupancy.T, extent=extent, aspect="auto", cmap="Blues", vmin=0, vmax=1,
        interpolation="nearest",
    )  # fmt: skip
    for row, (begin, end) in enumerate(zip(own.begins, own.ends, strict=True)):
        frame = Rectangle((begin, row - 0.45), end - begin, 0.9, fill=False, edgecolor="tab:red")
        below.add_patch(frame)
    below.set_yticks(range(count), own.digits)
    below.set_xlim(0, _end(own))
    below.set_xlabel("seconds")
    below.set_ylabel("digit (framed where it is)")
    figure.colorbar(image, ax=below, label="probability")
    figure.savefig(path, dpi=130)


def _spectrum(axes: Axes, own: SpokenString) -> None:
    extent = (*_heard(own), -0.5, own.bands.shape[1] - 0.5)
    axes.imshow(own.bands.T, origin="lower", extent=extent, aspect="auto", cmap="magma")
    for digit, begin, end in zip(own.digits, own.begins, own.ends, strict=True):
        axes.axvline(begin, color="cyan", linewidth=1)
        axes.axvline(end, color="cyan", linewidth=1, linestyle=":")
        high = own.bands.shape[1] - 5
        axes.text((begin + end) / 2, high, digit, color="white", ha="center", fontsize=11)
    axes.set_xlim(0, _end(own))
    axes.set_title(own.name, fontsize=10)
    axes.set_ylabel("mel band")


def _heard(own: SpokenString) -> tuple[float, float]:
    """From when to when the steps last, each as long as it is from one to the next."""
    half = (own.times[1] - own.times[0]) / 2
    return own.times[0] - half, own.times[-1] + half


def _end(own: SpokenString) -> float:
    return max(_heard(own)[1], own.ends[-1])
