"""Scores of how alike sentences are, beside those that people gave; which units tell it."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np

from rnnjax.reports.drawing import empty_figure, titled_axes

Path = str | os.PathLike[str]

BINS = 32


def plot_scores(path: Path, title: str, found: np.ndarray, given: np.ndarray) -> None:
    """Draws a point for each pair, and lines around where most of them are.

    Args:
        path: of the PNG.
        title: above the picture.
        found: scores of a model ``[N]``.
        given: scores of people ``[N]``.
    """
    from scipy.ndimage import gaussian_filter  # now that it is needed

    figure, axes = titled_axes(title, 6.0, 5.6)
    axes.plot(given, found, ".", markersize=2, alpha=0.35)
    counts, xs, ys = np.histogram2d(given, found, bins=BINS, range=[[1, 5], [1, 5]])
    dense = gaussian_filter(counts, sigma=1.5, mode="nearest")
    middles = [(edges[1:] + edges[:-1]) / 2 for edges in (xs, ys)]
    levels = dense.max() * np.array([0.1, 0.3, 0.6])
    axes.contour(*middles, dense.T, levels, colors="k", linewidths=1, alpha=0.7)
    axes.plot([1, 5], [1, 5], "k:", linewidth=1)
    axes.set_xlabel("score that people gave")
    axes.set_ylabel("score of the model")
    axes.set_xlim(0.9, 5.1)
    axes.set_ylim(0.9, 5.1)
    axes.grid(alpha=0.3)
    figure.savefig(path, dpi=150)


def plot_units(path: Path, title: str, names: Sequence[str], distances: np.ndarray) -> None:
    """Draws how far apart two sentences are in each unit, a row for each pair.

    Args:
        path: of the PNG.
        title: above the picture.
        names: of the pairs, the most alike first.
        distances: ``[N, O]``.
    """
    order = np.argsort(-distances.mean(axis=0))
    figure = empty_figure(10, 1.4 + 0.42 * len(names))
    figure.suptitle(title, fontsize=10)
    axes = figure.subplots()
    image = axes.imshow(
        distances[:, order], aspect="auto", cmap="magma", vmin=0, interpolation="nearest"
    )
    axes.set_yticks(range(len(names)), names, fontsize=7)
    axes.set_xlabel("units, those that differ most first")
    figure.colorbar(image, label="distance of the outputs", shrink=0.8)
    figure.savefig(path, dpi=150)
