"""Matplotlib, imported when the first picture is drawn.

It takes half a second, which nobody needs to wait for before training.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure


def empty_figure(width: float, height: float) -> Figure:
    """A picture with nothing on it, so many inches wide and high."""
    from matplotlib.figure import Figure

    # A Figure of its own, without pyplot: no global state, no display, nothing to close.
    return Figure(figsize=(width, height), layout="constrained")


def titled_axes(title: str, width: float, height: float) -> tuple[Figure, Axes]:
    """A picture with one pair of axes."""
    figure = empty_figure(width, height)
    axes = figure.subplots()
    axes.set_title(title, fontsize=10)
    return figure, axes


def colour_map(name: str) -> Colormap:
    """One of Matplotlib's colour maps, such as "viridis"."""
    from matplotlib import colormaps

    return colormaps[name]
