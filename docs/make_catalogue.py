"""Writes docs/catalogue.md, the table of all cells, out of the cells themselves.

python docs/make_catalogue.py
"""

from __future__ import annotations

import dataclasses
import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import jax

import rnnjax
from rnnjax.cells import BASIC, CELLS, FAMILIES
from rnnjax.linear_cell import LinearCell

PAGE = Path(__file__).with_name("catalogue.md")

INTRODUCTION = """\
# The catalogue

<!-- Written by docs/make_catalogue.py out of the docstrings; change those. -->

{count} cells. Each agrees with a loop in NumPy written from its paper to 1e-10 in float64, its
gradients with differences, and it goes through the same `rnnjax.unroll`: masks with gaps, resets,
backwards, dropout, pieces. Its docstring has the equations, the shapes, the first values of its
parameters and where public code differs. A name in the first column is what `--cell` of the
experiments takes; cells without one need more than two sizes. What combines cells (`Stack`,
`Bidirectional`, `Zoneout`, …) is in [cells.md](cells.md), how linear ones are stepped in parallel
in [linear.md](linear.md).
"""

TITLES = {
    "basic": "Cells that everybody has",
    "gated": "Gates",
    "light": "Light",
    "orthogonal": "Orthogonal and unitary",
    "physical": "Differential equations",
    "multiplicative": "Multiplied",
    "clocked": "Clocked",
    "convolutional": "Convolutions over space",
    "linear": "Linear in the state",
    "memory": "Matrix memories",
}
"""What the table of each folder is called."""

OTHERS = "And others"


def page() -> str:
    """The whole page."""
    families = dict(_families())
    count = sum(len(cells) for cells in families.values())
    parts = [INTRODUCTION.format(count=count)]
    for title, cells in families.items():
        parts.append(f"## {title}\n\n{_table(cells)}\n")
    return "\n".join(parts)


def _families() -> Iterator[tuple[str, list[type[rnnjax.Cell]]]]:
    """The title and the cells of every family, each cell once."""
    public = [getattr(rnnjax, name) for name in rnnjax.__all__]
    cells = [
        cell for cell in public
        if inspect.isclass(cell) and issubclass(cell, rnnjax.Cell)
        and dataclasses.is_dataclass(cell) and cell.__module__.startswith("rnnjax.cells.")
    ]  # fmt: skip
    folders = {family.__name__: family.__name__.rpartition(".")[2] for family in FAMILIES}
    folders["rnnjax.cells.convolutional"] = "convolutional"
    of_folder: dict[str, list[type[rnnjax.Cell]]] = {key: [] for key in (*TITLES, "")}
    for cell in cells:
        folder = folders.get(cell.__module__.rpartition(".")[0], "")
        of_folder["basic" if cell in BASIC.values() else folder].append(cell)
    for folder, found in of_folder.items():
        if found:
            yield TITLES.get(folder, OTHERS), sorted(found, key=lambda cell: cell.__name__.lower())


def _table(cells: list[type[rnnjax.Cell]]) -> str:
    names = {cell: name for name, cell in CELLS.items()}
    rows = [
        "| `--cell` | class | what it is | carry | equals | source |",
        "|---|---|---|---|---|---|",
    ]
    for cell in cells:
        text = inspect.getdoc(cell) or ""
        paragraphs = [" ".join(part.split()) for part in text.split("\n\n")]
        name = f"`{names[cell]}`" if cell in names else ""
        linear = " (linear)" if issubclass(cell, LinearCell) else ""
        row = (
            name, f"`{cell.__name__}`", _first(paragraphs[0]) + linear, _carry(cell),
            _first(_beginning("Equals ", paragraphs)), _paper(_beginning("Source: ", paragraphs)),
        )  # fmt: skip
        rows.append(f"| {' | '.join(part.replace('|', '&#124;') for part in row)} |")
    return "\n".join(rows)


def _beginning(word: str, paragraphs: list[str]) -> str:
    found = [part.removeprefix(word) for part in paragraphs if part.startswith(word)]
    return found[0] if found else ""


def _first(text: str) -> str:
    """The first sentence, without its full stop."""
    return re.split(r"\.(?:\s+(?=[A-Z`])|$)", text)[0]


def _paper(text: str) -> str:
    """A source up to its first semicolon, with a link where it has a number at arXiv."""
    text = text.partition(";")[0].rstrip(".")
    return re.sub(
        r"arXiv:(\d{4}\.\d{4,5})(?:v\d+)?", r"[arXiv:\1](https://arxiv.org/abs/\1)", text, count=1
    )


def _carry(cell: type[rnnjax.Cell]) -> str:
    """The fields of a carry, as its class or the docstring's sentence about it names them."""
    if hasattr(cell, "carry_type"):
        return ", ".join(cell.carry_type._fields)  # pyright: ignore[reportAttributeAccessIssue]
    found = re.search(r"Carry: `(\w+)`", inspect.getdoc(cell) or "")
    module = sys.modules[cell.__module__]
    fields = getattr(getattr(module, found.group(1), None), "_fields", ()) if found else ()
    return ", ".join(fields)


if __name__ == "__main__":
    jax.config.update("jax_platforms", "cpu")
    PAGE.write_text(page(), encoding="utf-8")
