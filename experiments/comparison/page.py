"""The page of a study: one HTML file with everything in it, and tables and pictures beside it."""

from __future__ import annotations

import base64
import csv
import html
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich import box
from rich import table as rich_table
from rich.console import Console
from rich.text import Text

from experiments.comparison.answer import Answer, Figure, Table
from rnnjax.runs.files import storing, write_text

PAGE = "index.html"

STYLE = (Path(__file__).parent / "page.css").read_text(encoding="utf-8")


def write_page(
    folder: Path, answer: Answer, facts: Mapping[str, str], *, unfinished: str | None = None
) -> None:
    """Writes ``index.html``, and the answer's tables as CSV and pictures as PNG beside it.

    Args:
        folder: where.
        answer: what is shown.
        facts: what is told at the head of the page, by name.
        unfinished: what is still to be done, if anything.
    """
    pictures = [_png(figure) for figure in answer.figures]
    for figure, picture in zip(answer.figures, pictures, strict=True):
        with storing(folder):
            (folder / f"{figure.name}.png").write_bytes(picture)
    for table in answer.tables:
        write_text(folder / f"{table.name}.csv", as_csv(table))
    notice = "" if unfinished is None else f'<p class="notice">{html.escape(unfinished)}</p>'
    sentences = "".join(f"<li>{html.escape(sentence)}</li>" for sentence in answer.sentences)
    parts = [
        f"<header><p class=title-line>rnnjax</p><h1>{html.escape(answer.title)}</h1>"
        f"<p class=question>{html.escape(answer.question)}</p></header>",
        notice,
        f"<ul class=findings>{sentences}</ul>" if sentences else "",
        *map(_figure_html, answer.figures, pictures),
        *map(_table_html, answer.tables),
        "<h2>How this was made</h2>",
        _facts_html(facts),
    ]
    write_text(folder / PAGE, _document(answer.title, "\n".join(parts)))


def print_answer(console: Console, answer: Answer) -> None:
    """Shows an answer in the terminal: its sentences and tables."""
    for table in answer.tables:
        shown = rich_table.Table(
            title=Text(table.title, "table.title"), box=box.SIMPLE_HEAD, pad_edge=False
        )
        for i, column in enumerate(table.columns):
            numeric = any(not isinstance(row[i], str) for row in table.rows)
            shown.add_column(Text(column), justify="right" if numeric else "left", overflow="fold")
        for row in table.rows:
            # An interval below its mean, so that a table is no wider than a terminal.
            texts = [text.replace(" [", "\n[") for text in row_texts(table, row)]
            shown.add_row(*map(Text, texts))
        console.print(shown)
    console.print(answer.question, style="bold", markup=False, emoji=False)
    for sentence in answer.sentences:
        console.print(f"- {sentence}", highlight=False, markup=False, emoji=False)


def as_csv(table: Table) -> str:
    """A table as CSV, its numbers in full."""
    rows = [list(row) for row in table.rows]
    wide = [any(_is_estimate(row[i]) for row in rows) for i in range(len(table.columns))]
    head: list[str] = []
    for name, is_wide in zip(table.columns, wide, strict=True):
        head += [name, f"{name} low", f"{name} high"] if is_wide else [name]
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(head)
    for row in rows:
        cells: list[Any] = []
        for cell, is_wide in zip(row, wide, strict=True):
            if _is_estimate(cell):
                cells += [cell.value, cell.low, cell.high]
            else:
                cells += [cell, None, None] if is_wide else [cell]
        writer.writerow(cells)
    return file.getvalue()


def row_texts(table: Table, row: Sequence[Any]) -> list[str]:
    """What a row of a table shows, cell by cell."""
    pairs = zip(row, table.columns, strict=True)
    return [_text(cell, table.formats.get(column)) for cell, column in pairs]


def _text(cell: Any, spec: str | None) -> str:
    if cell is None:
        return ""
    if isinstance(cell, str):
        return cell
    if _is_estimate(cell):
        value = _text(cell.value, spec)
        if cell.low is None:
            return value
        return f"{value} [{_text(cell.low, spec)}, {_text(cell.high, spec)}]"
    default = "," if isinstance(cell, int) else ".4f"
    return format(cell, default if spec is None else spec)


def _is_estimate(cell: Any) -> bool:
    return hasattr(cell, "low") and hasattr(cell, "high")


def _png(figure: Figure) -> bytes:
    file = io.BytesIO()
    figure.drawing.savefig(file, dpi=150, format="png")
    return file.getvalue()


def _figure_html(figure: Figure, picture: bytes) -> str:
    data = base64.b64encode(picture).decode()
    caption = f"<figcaption>{html.escape(figure.caption)}</figcaption>" if figure.caption else ""
    return (
        f'<figure><img src="data:image/png;base64,{data}" alt="{html.escape(figure.alt)}">'
        f"{caption}</figure>"
    )


def _table_html(table: Table) -> str:
    head = "".join(f"<th scope=col>{html.escape(column)}</th>" for column in table.columns)
    rows = []
    for row in table.rows:
        cells = [
            f"<td{'' if isinstance(cell, str) else ' class=number'}>{html.escape(text)}</td>"
            for cell, text in zip(row, row_texts(table, row), strict=True)
        ]
        rows.append(f"<tr>{''.join(cells)}</tr>")
    return (
        f"<div class=table><table><caption>{html.escape(table.title)}"
        f' <a href="{html.escape(table.name)}.csv">CSV</a></caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


def _facts_html(facts: Mapping[str, str]) -> str:
    pairs = (
        f"<dt>{html.escape(name)}</dt><dd>{html.escape(value)}</dd>"
        for name, value in facts.items()
    )
    return f"<dl>{''.join(pairs)}</dl>"


def _document(title: str, body: str) -> str:
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{html.escape(title)} – rnnjax</title>
<style>
{STYLE}</style>
</head>
<body>
<main>
{body}
</main>
</body>
</html>
"""
