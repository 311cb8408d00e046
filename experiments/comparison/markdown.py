"""An answer as Markdown, to be pasted into a report: its sentences, tables and pictures."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from experiments.comparison.answer import Answer, Figure, Table
from experiments.comparison.page import row_texts
from rnnjax.runs.files import write_text

FILE = "answer.md"


def write_markdown(folder: Path, answer: Answer, facts: Mapping[str, str]) -> None:
    """Writes ``answer.md``; its pictures are those that `page.write_page` puts beside it.

    Args:
        folder: where.
        answer: what is shown.
        facts: how it was made, by name; the command is shown as one.
    """
    others = {name: value for name, value in facts.items() if name != "command"}
    parts = [
        f"## {_escape(answer.title)}",
        f"*{_escape(answer.question)}*",
        "\n".join(f"- {_escape(sentence)}" for sentence in answer.sentences),
        *map(_table, answer.tables),
        *map(_figure, answer.figures),
        f"```\n{facts['command']}\n```" if "command" in facts else "",
        "; ".join(f"{name}: {_escape(value)}" for name, value in others.items()),
    ]
    write_text(folder / FILE, "\n\n".join(part for part in parts if part) + "\n")


def _table(table: Table) -> str:
    rules = [
        "---" if all(isinstance(row[i], str) for row in table.rows) else "--:"
        for i in range(len(table.columns))
    ]
    rows = [table.columns, rules, *(row_texts(table, row) for row in table.rows)]
    escaped = [[_escape(cell) if row is not rules else cell for cell in row] for row in rows]
    lines = [f"| {' | '.join(cells)} |" for cells in escaped]
    return "\n".join([f"**{_escape(table.title)}**", "", *lines])


def _figure(figure: Figure) -> str:
    caption = f"\n\n{_escape(figure.caption)}" if figure.caption else ""
    return f"![{_escape(figure.alt)}]({figure.name}.png){caption}"


def _escape(text: str) -> str:
    for character in "\\|*_[]<>`":
        text = text.replace(character, f"\\{character}")
    return text
