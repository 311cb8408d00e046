"""Which tokens of a source a model looked at before it wrote each token of an answer."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from rnnjax.reports.drawing import empty_figure

Path = str | os.PathLike[str]

CELL = 0.26
"""Inches from a token to the next."""
ROOM = 0.9
"""Inches around the cells of a matrix, for what stands beside them."""
TURNED = 3
"""Characters from which on the tokens above a matrix are written upwards."""


class Looked(NamedTuple):
    """One answer, and where it was looked for.

    Attributes:
        rows: T tokens that were written.
        columns: S tokens that were read.
        weights: ``[T, S]`` between 0 and 1.
        title: above the matrix.
    """

    rows: Sequence[str]
    columns: Sequence[str]
    weights: np.ndarray
    title: str = ""


def attention_matrices(
    path: Path, title: str, answers: Sequence[Looked], *, columns: int = 3
) -> None:
    """Draws a matrix for each answer: a row for each token written, darker where it looked more.

    Args:
        path: of the PNG.
        title: above all.
        answers: at least one.
        columns: matrices beside each other.

    Raises:
        ValueError: There is no answer, or weights are not of the shape of their tokens.
    """
    from matplotlib.patches import Rectangle

    if not answers:
        raise ValueError("There is no answer to be drawn.")
    for own in answers:
        if own.weights.shape != (len(own.rows), len(own.columns)):
            raise ValueError(
                f"The weights of {own.title!r} are {list(own.weights.shape)}; expected "
                f"[{len(own.rows)}, {len(own.columns)}], a row for each token written and a column "
                "for each one read."
            )
    beside = min(columns, len(answers))
    lines = [answers[first : first + beside] for first in range(0, len(answers), beside)]
    widths = [max(len(line[i].columns) for line in lines if i < len(line)) for i in range(beside)]
    heights = [max(len(own.rows) for own in line) for line in lines]
    wide = CELL * sum(widths) + ROOM * beside
    high = CELL * sum(heights) + ROOM * len(lines) + 0.4
    figure = empty_figure(wide, high)
    figure.suptitle(title, fontsize=10)
    small: Any = {"fontsize": 8, "parse_math": False}  # a token may hold a dollar
    grid = figure.subplots(
        len(lines), beside, squeeze=False, width_ratios=widths, height_ratios=heights
    )
    for axes in grid.flat:
        axes.axis("off")
    for place, own in enumerate(answers):
        line, column = divmod(place, beside)
        axes = grid[line, column]
        axes.axis("on")
        axes.imshow(own.weights, cmap="Blues", vmin=0, vmax=1)
        # All cells of one size: a short answer leaves room beside it and below.
        axes.set_xlim(-0.5, widths[column] - 0.5)
        axes.set_ylim(heights[line] - 0.5, -0.5)
        axes.spines[:].set_visible(False)
        size = len(own.columns), len(own.rows)
        axes.add_patch(Rectangle((-0.5, -0.5), *size, fill=False, linewidth=0.8))
        turned = 90 if max(map(len, own.columns)) >= TURNED else 0
        axes.set_xticks(range(size[0]), own.columns, rotation=turned, **small)
        axes.set_yticks(range(size[1]), own.rows, **small)
        axes.tick_params(top=True, labeltop=True, bottom=False, labelbottom=False, length=0)
        axes.set_title(own.title, fontsize=9, loc="left")
    figure.savefig(path, dpi=150)
