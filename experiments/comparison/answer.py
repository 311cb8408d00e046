"""What a question is answered with: sentences, tables and pictures."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing


@dataclasses.dataclass(frozen=True)
class Table:
    """A table, to be shown on the page and in the terminal, and written as CSV.

    A cell is a text, a number, None for nothing, or an estimate: any object with numbers `value`,
    `low` and `high`, shown as "0.93 [0.92, 0.94]" and written as three columns.

    Args:
        name: of the CSV file, without its ending.
        title: above the table.
        columns: their names.
        rows: as many cells each.
        formats: of the numbers in a column, as for `format`; ".4f" by default, "," for integers.
    """

    name: str
    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]
    formats: Mapping[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Figure:
    """A picture.

    Args:
        name: of the PNG file, without its ending.
        drawing: by Matplotlib.
        alt: what can be seen on it, in words, for those who can't see it.
        caption: beneath it.
    """

    name: str
    drawing: Drawing
    alt: str
    caption: str = ""


@dataclasses.dataclass(frozen=True)
class Answer:
    """An answer.

    Args:
        title: a few words.
        question: in one sentence.
        sentences: what was found, each with its uncertainty.
        tables: of the numbers.
        figures: of them.
    """

    title: str
    question: str
    sentences: Sequence[str] = ()
    tables: Sequence[Table] = ()
    figures: Sequence[Figure] = ()
