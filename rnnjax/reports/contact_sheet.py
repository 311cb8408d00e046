"""Pictures on a sheet with what was written about them, and where each word was looked for."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from rnnjax.reports.drawing import empty_figure
from rnnjax.reports.vertical_text import font_with

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Path = str | os.PathLike[str]

SIDE = 1.0
"""Inches of a picture."""
CELL = 1.55
"""Inches from a picture to the next."""
LINE = 0.14
"""Inches from a line of writing to the next."""
LETTERS = 22
"""On a line under a picture; a Chinese character is as wide as two."""
VEIL = 0.8
"""How much of a picture is hidden where no attention is."""
_LATIN = 0x250
"""Where the characters begin that Matplotlib's own font may lack."""
_CHINESE = 0x2E80
_COLOURS = {True: "tab:green", False: "tab:red"}


def contact_sheet(
    path: Path,
    title: str,
    pictures: np.ndarray,
    truths: Sequence[Sequence[str]],
    written: Mapping[str, Sequence[str]],
    *,
    columns: int = 6,
) -> str | None:
    """Draws pictures in a grid, under each the truth and what was written, green where it is right.

    Args:
        path: of the PNG.
        title: above it.
        pictures: uint8 ``[N, height, width, channels]``; one channel is ink.
        truths: of each picture all that are right; the first is shown.
        written: N descriptions, by who wrote them.
        columns: of the grid.

    Returns:
        A sentence where nothing was drawn, since no font has the characters.

    Raises:
        ValueError: There is no picture, or not one truth and one description to each.
    """
    number = len(pictures)
    if not number or any(len(texts) != number for texts in (truths, *written.values())):
        raise ValueError(
            f"{number} pictures with {len(truths)} truths and "
            f"{[len(texts) for texts in written.values()]} descriptions: give one or more, and one "
            "of each to each."
        )
    shown = [truth[0] for truth in truths]
    properties = _writing([title, *shown, *(t for texts in written.values() for t in texts)])
    if properties is None:
        return _not_drawn(path)
    cells = []
    for i, truth in enumerate(truths):
        lines = [(line, "black") for line in _wrapped(shown[i])]
        for name, texts in written.items():
            colour = _COLOURS[texts[i] in truth]
            lines += [(line, colour) for line in _wrapped(f"{name}: {texts[i] or '(nothing)'}")]
        cells.append(lines)
    rows = [cells[start : start + columns] for start in range(0, number, columns)]
    heights = [SIDE + LINE * (max(map(len, row)) + 1.5) for row in rows]
    figure, axes = _sheet(title, CELL * min(columns, number), sum(heights), properties)
    top, numbers = 0.0, iter(range(number))
    for row, height in zip(rows, heights, strict=True):
        for column, lines in enumerate(row):
            _show(axes, pictures[next(numbers)], CELL * column + (CELL - SIDE) / 2, top)
            _write(axes, lines, CELL * (column + 0.5), top + SIDE, properties)
        top += height
    figure.savefig(path, dpi=130)
    return None


def attention_sheet(
    path: Path,
    title: str,
    picture: np.ndarray,
    words: Sequence[str],
    weights: np.ndarray,
    *,
    columns: int = 6,
) -> str | None:
    """Draws a picture once by itself, and once for each word: dark where it was not looked at.

    The brightest place of each is that of the word's greatest weight, which stands under it.

    Args:
        path: of the PNG.
        title: above it.
        picture: uint8 ``[height, width, channels]``; one channel is ink.
        words: T of them, in the order of writing.
        weights: of each word the attention to each part of the picture, none negative,
            ``[T, h, w]``.
        columns: of the grid.

    Returns:
        As of `contact_sheet`.

    Raises:
        ValueError: There are no weights of each word, or one is negative or not finite.
    """
    weights = np.asarray(weights, np.float64)
    if weights.ndim != 3 or len(weights) != len(words) or not weights.size:
        raise ValueError(
            f"{len(words)} words with weights of {weights.shape}: give [T, h, w], a map to a word."
        )
    if not (np.isfinite(weights).all() and (weights >= 0).all()):
        raise ValueError("An attention weight is negative or not finite: give those of a softmax.")
    properties = _writing([title, *words])
    if properties is None:
        return _not_drawn(path)
    rows, height = -(-(len(words) + 1) // columns), SIDE + 3.5 * LINE
    figure, axes = _sheet(title, CELL * min(columns, len(words) + 1), rows * height, properties)
    for i in range(len(words) + 1):
        row, column = divmod(i, columns)
        left, top = CELL * column + (CELL - SIDE) / 2, height * row
        _show(axes, picture, left, top)
        if i:
            largest = weights[i - 1].max()
            _veil(axes, weights[i - 1] / max(largest, 1e-300), left, top)
            lines = [(words[i - 1], "black"), (f"at most {largest:.2f}", "0.4")]
            _write(axes, lines, left + SIDE / 2, top + SIDE, properties)
    figure.savefig(path, dpi=130)
    return None


def _not_drawn(path: Path) -> str:
    return (
        f"{os.path.basename(path)} is not drawn: no font on this machine has these characters; "
        "install one, such as Noto Serif CJK."
    )


def _writing(texts: Sequence[str]) -> dict[str, Any] | None:
    """What text has to be drawn with, where a font has all its characters."""
    from matplotlib.font_manager import FontProperties

    strange = "".join({c for text in texts for c in text if ord(c) >= _LATIN})
    if not strange:
        return {}
    # The others are those of the names of methods: a font with the strange ones has these as well.
    font = font_with(strange)
    return None if font is None else {"fontproperties": FontProperties(fname=str(font))}


def _wrapped(text: str) -> list[str]:
    if not any(ord(c) >= _CHINESE for c in text):
        return textwrap.wrap(text, LETTERS) or [""]
    lines, room = [""], LETTERS
    for character in text:
        room -= _width(character)
        if room < 0:
            lines.append("")
            room = LETTERS - _width(character)
        lines[-1] += character
    return lines


def _width(character: str) -> int:
    return 1 + (ord(character) >= _CHINESE)


def _sheet(
    title: str, width: float, height: float, properties: Mapping[str, Any]
) -> tuple[Figure, Axes]:
    """Axes whose units are inches, with the top of the first row at 0 and the title above it."""
    lines, margin = title.count("\n") + 1, 0.1
    head = 0.2 * lines + 2 * margin
    figure = empty_figure(width + 2 * margin, height + head)
    figure.set_layout_engine("none")  # all of it is laid out here, in inches
    axes = figure.add_axes((0, 0, 1, 1))
    axes.axis("off")
    axes.set_xlim(-margin, width + margin)
    axes.set_ylim(height, -head)
    axes.text(width / 2, -margin, title, ha="center", va="bottom", **properties, fontsize=10)
    return figure, axes


def _show(axes: Axes, picture: np.ndarray, left: float, top: float) -> None:
    from matplotlib.patches import Rectangle

    is_grey = picture.shape[-1] == 1
    axes.imshow(
        picture[..., 0] if is_grey else picture,
        cmap="gray_r" if is_grey else None,
        vmin=0,
        vmax=255,
        extent=(left, left + SIDE, top + SIDE, top),
        interpolation="nearest",
    )
    frame = Rectangle((left, top), SIDE, SIDE, fill=False, edgecolor="0.8", linewidth=0.6)
    axes.add_patch(frame)


def _veil(axes: Axes, shares: np.ndarray, left: float, top: float) -> None:
    """Black before a picture, the clearer the greater the share of the greatest weight."""
    veil = np.zeros((*shares.shape, 4))
    veil[..., 3] = VEIL * (1 - shares)
    axes.imshow(veil, extent=(left, left + SIDE, top + SIDE, top), interpolation="bilinear")


def _write(
    axes: Axes,
    lines: Sequence[tuple[str, str]],
    middle: float,
    top: float,
    properties: Mapping[str, Any],
) -> None:
    for i, (line, colour) in enumerate(lines):
        axes.text(
            middle, top + LINE * (i + 1), line, ha="center", va="center", color=colour,
            **properties, fontsize=7.5,
        )  # fmt: skip
