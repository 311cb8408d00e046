"""Drawings in a grid, as SVG with paths or as PNG; and how probable the next point was."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple
from xml.sax.saxutils import escape

import numpy as np

from rnnjax.reports.drawing import empty_figure

CELL, MARGIN, HEAD, LABEL = 100.0, 12.0, 34.0, 110.0
"""Of a page: sides of a cell, what is free in it on every side, and what is above the first row
and left of the first column."""
COLOURS = {True: "#999999", False: "#000000"}
"""Of what was given, and of what was drawn on from there."""
WIDTH = 2.2
FORMATS = (".svg", ".png")


class Drawn(NamedTuple):
    """One drawing."""

    offsets: np.ndarray
    """From the point before to each point, ``[n, 2]``: to the right, and down."""
    lifted: np.ndarray
    """Whether the pen is lifted after it, bool ``[n]``."""
    given: int = 0
    """How many points are another's: drawn grey."""


class Line(NamedTuple):
    """One movement of the pen on the paper."""

    points: np.ndarray
    """``[m, 2]``, to the right and down; a single one is a dot."""
    is_given: bool


def lines_of(drawn: Drawn) -> list[Line]:
    """The movements of the pen, in places of their own.

    >>> offsets, lifted = np.array([[1, 0], [2, 0], [0, 5], [1, 1]]), np.array([0, 1, 0, 0]) > 0
    >>> [line.points.tolist() for line in lines_of(Drawn(offsets, lifted))]
    [[[1, 0], [3, 0]], [[3, 5], [4, 6]]]
    """
    places = np.cumsum(drawn.offsets, axis=0)
    found: list[Line] = []
    start = 0
    for i in range(len(places)):
        is_last = i == len(places) - 1
        if i + 1 == drawn.given and not drawn.lifted[i] and not is_last:
            found.append(Line(places[start : i + 1], is_given=True))
            start = i  # the stroke goes on in another colour
        elif drawn.lifted[i] or is_last:
            found.append(Line(places[start : i + 1], is_given=i < drawn.given))
            start = i + 1
    return found


def laid_out(rows: Sequence[Sequence[Drawn]]) -> list[Line]:
    """All lines at their places on a page, each drawing as large as its cell allows."""
    found = []
    for row, drawings in enumerate(rows):
        for column, drawn in enumerate(drawings):
            lines = lines_of(drawn)
            if not lines:
                continue
            every = np.concatenate([line.points for line in lines])
            low, high = every.min(axis=0), every.max(axis=0)
            scale = (CELL - 2 * MARGIN) / max((high - low).max(), 1e-6)
            corner = np.array([LABEL + CELL * column, HEAD + CELL * row])
            middle = corner + CELL / 2 - scale * (low + high) / 2
            found += [Line(scale * line.points + middle, line.is_given) for line in lines]
    return found


def write_grid(
    path: str | os.PathLike[str],
    title: str,
    rows: Sequence[Sequence[Drawn]],
    labels: Sequence[str],
) -> None:
    """Writes drawings in rows; what was given of them is grey.

    Args:
        path: of an SVG or a PNG, by its suffix.
        title: above them.
        rows: of drawings; rows may differ in length.
        labels: one before each row.

    Raises:
        ValueError: the suffix is another one, or not every row has a label.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in FORMATS or len(labels) != len(rows):
        raise ValueError(
            f"{os.fspath(path)}, {len(rows)} rows with {len(labels)} labels: give a path that ends "
            f"in {' or '.join(FORMATS)}, and a label for each row."
        )
    width = LABEL + CELL * max((len(row) for row in rows), default=0)
    height = HEAD + CELL * len(rows)
    lines = laid_out(rows)
    if suffix == ".svg":
        Path(path).write_text(_svg(title, lines, labels, width, height), encoding="utf-8")
        return
    figure = empty_figure(width / 72, height / 72)
    figure.set_layout_engine("none")  # all of it is laid out here
    axes = figure.add_axes((0, 0, 1, 1))
    axes.axis("off")
    axes.set_xlim(0, width)
    axes.set_ylim(height, 0)
    axes.text(width / 2, HEAD / 2, title, ha="center", va="center", fontsize=10)
    for row, label in enumerate(labels):
        axes.text(8, HEAD + CELL * (row + 0.5), label, va="center", fontsize=9, wrap=True)
    for line in lines:
        axes.plot(
            *line.points.T, color=COLOURS[line.is_given], linewidth=WIDTH * 0.7,
            solid_capstyle="round", solid_joinstyle="round",
            marker="." if len(line.points) == 1 else None,
        )  # fmt: skip
    figure.savefig(path, dpi=100)


def _svg(
    title: str, lines: Sequence[Line], labels: Sequence[str], width: float, height: float
) -> str:
    """The page as a text: a path for each line."""
    text = 'font-family="sans-serif" dominant-baseline="middle"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" '
        f'width="{width:g}" height="{height:g}">',
        f'<rect width="{width:g}" height="{height:g}" fill="white"/>',
        f'<text x="{width / 2:g}" y="{HEAD / 2:g}" text-anchor="middle" font-size="13" {text}>'
        f"{escape(title)}</text>",
    ]
    for row, label in enumerate(labels):
        y = HEAD + CELL * (row + 0.5)
        parts.append(f'<text x="8" y="{y:g}" font-size="12" {text}>{escape(label)}</text>')
    parts.append(
        f'<g fill="none" stroke-width="{WIDTH:g}" stroke-linecap="round" stroke-linejoin="round">'
    )
    for line in lines:
        places = [f"{x:.2f},{y:.2f}" for x, y in line.points]
        # A path of no length has a dot where its caps are round.
        path = f"M{places[0]} L{' '.join(places[1:] or places)}"
        parts.append(f'<path d="{path}" stroke="{COLOURS[line.is_given]}"/>')
    return "\n".join([*parts, "</g>", "</svg>", ""])


def density_map(
    path: str | os.PathLike[str],
    title: str,
    density: np.ndarray,
    extent: tuple[float, float, float, float],
    drawn: Drawn,
) -> None:
    """Draws how probable the next point was in each place, under the drawing that came of it.

    Args:
        path: of the PNG.
        title: above it.
        density: not negative, ``[height, width]``, rows from the top.
        extent: left, right, top and bottom of what it covers.
        drawn: in the same coordinates.
    """
    left, right, top, bottom = extent
    figure = empty_figure(6.5, 1 + 6.5 * (bottom - top) / (right - left))
    axes = figure.subplots()
    axes.set_title(title, fontsize=10)
    # The eye tells ratios of densities, of which the greatest are where little is possible.
    shades = np.log1p(density / max(np.quantile(density, 0.9), 1e-12))
    axes.imshow(shades, extent=(left, right, bottom, top), cmap="inferno", aspect="equal")
    for line in lines_of(drawn):
        axes.plot(*line.points.T, color="#7fdfff", linewidth=1.2, marker=".", markersize=4)
    axes.set_xlim(left, right)
    axes.set_ylim(bottom, top)
    axes.set_xticks([])
    axes.set_yticks([])
    figure.savefig(path, dpi=130)
