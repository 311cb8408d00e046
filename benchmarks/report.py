"""The results as tables for the terminal, and as a file."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich import box
from rich.table import Table

from benchmarks.peers import OURS, SIDES

Entries = Mapping[str, Mapping[str, Any]]
"""The rows' entries by their names."""


def write(path: Path, header: Mapping[str, Any], entries: Entries) -> None:
    """Writes everything as one JSON object, in one piece."""
    partial = path.with_suffix(".partial")
    text = json.dumps({**header, "rows": dict(entries)}, indent=1)
    partial.write_text(text + "\n", encoding="utf-8")
    partial.replace(path)


def row_table(entry: Mapping[str, Any]) -> Table:
    """One row of the work: a line for every side."""
    table = _table(f"{entry['name']}: {_sizes(entry)}")
    columns = ("", "time", "quartiles", "ratio", "quartiles", "floor", "first", "memory")
    for title in columns:
        table.add_column(title, justify="right" if title else "left", no_wrap=True)
    for side, result in entry["sides"].items():
        title = SIDES[side].short if side in SIDES else side
        if result["status"] == "timed":
            table.add_row(title, *_cells(result))
        else:
            table.add_row(title, result["status"])
    return table


def summary_table(entries: Entries, peers: Sequence[str]) -> Table:
    """Our time, the part of it that is the floor, and our time over each peer's."""
    table = _table("our time, the floor in it, and our time over theirs")
    for title in ("", "rnnjax", "floor", *(SIDES[p].short for p in peers)):
        table.add_column(title, justify="right" if title else "left", no_wrap=True)
    for name, entry in entries.items():
        ours = entry["sides"].get(OURS, {})
        if ours.get("status") != "timed":
            continue
        floor = f"{ours['fraction_of_floor']:.0%}" if "fraction_of_floor" in ours else ""
        cells = []
        for peer in peers:
            result = entry["sides"].get(peer, {"status": ""})
            cells.append(
                f"{result['ratio']['median']:.2f}" if "ratio" in result else result["status"]
            )
        table.add_row(name, time_text(ours["seconds"]["median"]), floor, *cells)
    return table


WRITING = ("sample", "answer")
"""Kinds of rows that write symbols one after the other."""

BUSY = 0.2
"""From so many cores on, busy with something else, a measurement is called disturbed."""


def notes(entries: Entries) -> list[str]:
    """A sentence for everything that was not timed or was disturbed, and the result of `seeds`."""
    lines = []
    for name, entry in entries.items():
        busy = entry["busy_elsewhere"]
        if busy is not None and busy > BUSY:
            lines.append(
                f"{name}: disturbed, {busy:.1f} cores were busy with something else; measure again "
                "on a quiet machine"
            )
        for side, result in entry["sides"].items():
            if result["status"] != "timed":
                lines.append(f"{name}, {side}: {result['status']}: {result['reason']}")
        if entry["kind"] in WRITING:
            lines.append(f"{name}, for each symbol of a text: {', '.join(_each_symbol(entry))}")
        turn = entry["sides"].get("in turn", {})
        if "ratio" in turn:
            whole, training = turn["ratio"]["median"], turn["ratio_of_training"]["median"]
            lines.append(
                f"{name}: eight seeds at once take {whole:.2f} of the time of eight runs in turn, "
                f"their training alone {training:.2f}"
            )
    return lines


def _each_symbol(entry: Mapping[str, Any]) -> list[str]:
    """What of its time each side takes for one symbol, in all texts of the batch."""
    return [
        f"{SIDES[side].short} {time_text(result['seconds']['median'] / entry['work']['steps'])}"
        for side, result in entry["sides"].items()
        if result["status"] == "timed"
    ]


def memory_of(result: Mapping[str, Any]) -> float | None:
    """Bytes that a row's work took while it ran, beyond what the process held before; None if it
    is not known."""
    peak, before = result.get("peak_memory"), result.get("memory_before", 0)
    return None if peak is None or before is None else max(peak - before, 0)


def time_text(seconds: float) -> str:
    """Three digits and a unit.

    >>> time_text(0.00012345), time_text(0.0821), time_text(14.2)
    ('123 µs', '82.1 ms', '14.2 s')
    """
    scales = ((1, "s"), (1e3, "ms"))
    scale, unit = next((each for each in scales if seconds * each[0] >= 1), (1e6, "µs"))
    value = seconds * scale
    return f"{value:.{2 if value < 10 else 1 if value < 100 else 0}f} {unit}"


def _table(title: str) -> Table:
    return Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))


def _sizes(entry: Mapping[str, Any]) -> str:
    if "work" not in entry:
        return "processes, from start to result"
    work = entry["work"]
    what = "symbols written" if entry["kind"] in WRITING else "steps"
    return f"batch {work['batch']}, {work['steps']} {what}, {work['hidden_size']} units"


def _cells(result: Mapping[str, Any]) -> list[str]:
    seconds = result["seconds"]
    cells = [time_text(seconds["median"]), _span(seconds, time_text)]
    if "ratio" in result:
        ratio = result["ratio"]
        cells += [f"[bold]{ratio['median']:.2f}[/]", _span(ratio, "{:.2f}".format)]
    else:
        cells += ["", ""]
    floor, taken = result.get("fraction_of_floor"), memory_of(result)
    first = result.get("first_call_seconds")
    cells.append("" if floor is None else f"{floor:.0%}")
    cells.append("" if first is None else f"{first + result['build_seconds']:.1f} s")
    cells.append("" if taken is None else f"{taken / 2**20:.0f} MB")
    return cells


def _span(values: Mapping[str, float], text: Callable[[float], str]) -> str:
    """Both quartiles, the unit once."""
    low, high = text(values["q1"]), text(values["q3"])
    number, _, unit = low.partition(" ")
    return f"{number}–{high}" if unit and high.endswith(unit) else f"{low}–{high}"
