"""Tables of numbers in text files: a header, a row for each step, commas between."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from rnnjax.errors import DataError

GAPS = frozenset({"", "na", "n/a", "nan", "null", "none", "?"})
"""What stands, in any case, where a number is missing."""


class Table(NamedTuple):
    """Columns of numbers."""

    columns: tuple[str, ...]
    """Their names."""
    values: np.ndarray
    """float64 ``[T, C]``; NaN where a number is missing."""


def read_table(contents: bytes, name: str, columns: Sequence[str] | None = None) -> Table:
    r"""Reads a table with a header; commas, semicolons or tabs between the cells.

    A column is one of numbers if its first cell that is not empty is a number; the others, such as
    dates, are left out.

    Args:
        contents: of the file, UTF-8.
        name: to call it by in a complaint.
        columns: the names of those that are wanted; all columns of numbers by default.

    Raises:
        DataError: it is no such table, a column is missing, or one holds something else than
            numbers.

    >>> read_table(b"day,x,y\nMo,1,2\nTu,,4\n", "two.csv")
    Table(columns=('x', 'y'), values=array([[ 1.,  2.],
           [nan,  4.]]))
    """
    try:
        text = contents.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise DataError(f"{name} is no text in UTF-8; give a table with commas, a CSV.") from None
    header, rows = _cells(text, name)
    places = _wanted(header, rows, columns, name)
    values = np.full((len(rows), len(places)), np.nan)
    for number, (line, row) in enumerate(rows):
        if len(row) != len(header):
            raise DataError(
                f"{name}, line {line}: {len(row)} cells, but the header has {len(header)}; mend "
                "that line."
            )
        for k, place in enumerate(places):
            if not _is_gap(row[place]):
                values[number, k] = _number(row[place], name, line, header[place])
    return Table(tuple(header[place] for place in places), values)


def _cells(text: str, name: str) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """The header, and the rows that are not empty with the numbers of their lines."""
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        rows = [(reader.line_num, [cell.strip() for cell in row]) for row in reader if row]
    except csv.Error as error:
        raise DataError(f"{name} is no table with commas ({error}); give a CSV.") from None
    if len(rows) < 2:
        raise DataError(f"{name} has no rows below a header; give a table with a row per step.")
    header = rows[0][1]
    if twice := [column for i, column in enumerate(header) if column in header[:i]]:
        raise DataError(f"{name} has two columns {twice[0]!r}; give each a name of its own.")
    if all(_is_number(cell) for cell in header):
        raise DataError(f"{name} has no header; put the names of the columns into its first line.")
    return header, rows[1:]


def _wanted(
    header: list[str],
    rows: list[tuple[int, list[str]]],
    columns: Sequence[str] | None,
    name: str,
) -> list[int]:
    """The places of the columns to read."""
    if columns is not None:
        if missing := [column for column in columns if column not in header]:
            raise DataError(
                f"{name} has no column {missing[0]!r}; it has {', '.join(header)}: name some of "
                "these."
            )
        return [header.index(column) for column in columns]
    found = [place for place in range(len(header)) if _is_number(_first_cell(rows, place))]
    if not found:
        raise DataError(f"{name} has no column of numbers; give a table with one.")
    return found


def _first_cell(rows: list[tuple[int, list[str]]], place: int) -> str:
    cells = (row[place] for _, row in rows if place < len(row))
    return next((cell for cell in cells if not _is_gap(cell)), "")


def _is_gap(cell: str) -> bool:
    return cell.lower() in GAPS


def _is_number(cell: str) -> bool:
    try:
        return np.isfinite(float(cell)) if not _is_gap(cell) else False
    except ValueError:
        return False


def _number(cell: str, name: str, line: int, column: str) -> float:
    if not _is_number(cell):
        raise DataError(
            f"{name}, line {line}: {cell[:40]!r} in the column {column!r} is no number; mend it, "
            "leave it empty, or name the columns to read with --columns."
        )
    return float(cell)
