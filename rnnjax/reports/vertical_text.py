"""Chinese texts as they were written: in columns from the right to the left."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from rnnjax.reports.drawing import colour_map, empty_figure

MOST_BITS = 12.0
"""The surprise from which on a character has the darkest shade."""


def font_with(characters: str) -> Path | None:
    """The file of a font of this machine that has all of these characters, if there is one."""
    from matplotlib.font_manager import findSystemFonts, fontManager
    from matplotlib.ft2font import FT2Font

    wanted = set(map(ord, characters))
    # Matplotlib's own list is kept from year to year, and lacks a font that was installed since.
    paths = map(Path, (*findSystemFonts(), *(font.fname for font in fontManager.ttflist)))
    # That one "has" all characters there are, each as a box.
    fonts = {path for path in paths if not path.name.startswith("LastResort")}
    for path in sorted(fonts, key=_rank):
        try:
            if wanted <= FT2Font(str(path)).get_charmap().keys():
                return path
        except (OSError, RuntimeError):
            continue
    return None


def _rank(path: Path) -> tuple[bool, bool, bool, Path]:
    """Those whose name promises Chinese are asked first, of these a plain one with serifs."""
    name = path.name.lower()
    chinese = ("cjk", "song", "sung", "ming", "hei", "kai", "gothic", "mincho", "unicode")
    return not any(n in name for n in chinese), "serif" not in name, "regular" not in name, path


def draw_poems(
    path: Path, title: str, poems: Sequence[str], losses: Sequence[np.ndarray]
) -> str | None:
    r"""Draws poems beside each other, each line a column, each character shaded by its surprise.

    Args:
        path: of the PNG.
        title: above it.
        poems: lines with ``"\n"`` between them.
        losses: of each poem the surprise at each of its characters and line ends, in nats.

    Returns:
        A sentence where nothing was drawn, since no font has the characters.
    """
    from matplotlib.font_manager import FontProperties
    from matplotlib.patches import Rectangle

    font = font_with("".join(poems).replace("\n", ""))
    if font is None:
        return (
            f"{path.name} is not drawn: no font on this machine has these characters; install one, "
            "such as Noto Serif CJK."
        )
    shades, writing = colour_map("Oranges"), FontProperties(fname=str(font), size=20)
    columns = sum(poem.count("\n") + 2 for poem in poems)
    rows = max(len(line) for poem in poems for line in poem.split("\n"))
    figure = empty_figure(0.5 * columns + 0.5, 0.5 * rows + 0.9)
    axes = figure.subplots()
    axes.set_title(f"{title}\n(the darker, the less expected)", fontsize=9)
    axes.set_aspect("equal")
    axes.axis("off")
    axes.set_xlim(0, columns)
    axes.set_ylim(rows, 0)
    column = columns
    for poem, surprise in zip(poems, losses, strict=True):
        at = 0
        column -= 0.5
        for line in poem.split("\n"):
            column -= 1
            for row, character in enumerate(line):
                share = min(surprise[at + row] / np.log(2) / MOST_BITS, 1.0)
                shade = shades(0.6 * share)
                axes.add_patch(Rectangle((column, row), 1, 1, facecolor=shade, linewidth=0))
                axes.text(
                    column + 0.5, row + 0.53, character, fontproperties=writing,
                    ha="center", va="center",
                )  # fmt: skip
            at += len(line) + 1
        column -= 0.5
    figure.savefig(path, dpi=110)
    return None
