"""What was remembered: sums beside what they should be, and what was right at which place."""

from __future__ import annotations

import os

import numpy as np

from rnnjax.reports.drawing import titled_axes

Path = str | os.PathLike[str]


def plot_sums(path: Path, title: str, answers: np.ndarray, sums: np.ndarray) -> None:
    """Answers against the sums that were asked; on the diagonal they are right.

    Args:
        path: of the PNG.
        title: above the picture.
        answers: ``[N]``.
        sums: ``[N]``, from 0 to 2.
    """
    figure, axes = titled_axes(title, 5.5, 5.0)
    axes.plot(sums, answers, ".", markersize=3, alpha=0.4, label="test sequences")
    axes.plot([0, 2], [0, 2], "k-", linewidth=1, label="right")
    axes.axhline(1, color="k", linestyle="--", linewidth=1, label="without memory")
    axes.set_xlabel("sum of the two marked numbers")
    axes.set_ylabel("answer")
    axes.legend()
    figure.savefig(path, dpi=150)


def plot_by_place(
    path: Path, title: str, shares: np.ndarray, place: str, chance: float, learnt: int | None = None
) -> None:
    """Which share of the sequences was right at each place.

    Args:
        path: of the PNG.
        title: above the picture.
        shares: ``[T]``.
        place: what is counted from 1 on.
        chance: the share that needs no memory; drawn as a line.
        learnt: the place up to which training went, if the test goes further.
    """
    figure, axes = titled_axes(title, 6.5, 4.2)
    places = np.arange(1, len(shares) + 1)
    axes.plot(places, shares, "g-", marker="s" if len(shares) <= 40 else None, label="test")
    axes.axhline(chance, color="k", linestyle="--", linewidth=1, label=f"no memory {chance:.3f}")
    if learnt is not None:
        axes.axvline(learnt, color="0.5", linestyle=":", label="longest in training")
    axes.set_ylim(-0.02, 1.02)
    axes.set_xlabel(place)
    axes.set_ylabel("share of right answers")
    axes.grid(alpha=0.3)
    axes.legend(loc="lower left")
    figure.savefig(path, dpi=150)
