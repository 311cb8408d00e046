"""What is known of the mutants: kept in a file, shown as a table, compared with another run."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.mutation.mutant import Mutant

KILLED, SURVIVED, LATE = "killed", "survived", "timed out"


@dataclasses.dataclass(frozen=True)
class Result:
    """What became of one mutant."""

    name: str
    file: str
    broken: str
    outcome: str
    by: str
    """The first test that failed."""
    why: str
    """Its error, in one line."""
    seconds: float


class Results:
    """The results of a run, each written as soon as it is there.

    Args:
        path: a JSON file; what is in it already is taken over. None to keep nothing.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self.found: dict[str, Result] = {}
        if path is not None and path.exists():
            self.found = {r["name"]: Result(**r) for r in json.loads(path.read_text())}

    def add(self, mutant: Mutant, outcome: str, by: str, why: str, seconds: float) -> Result:
        """Adds one, or replaces it."""
        result = Result(
            mutant.name, mutant.file, mutant.broken, outcome, by, why, seconds=round(seconds, 1)
        )
        self.found[mutant.name] = result
        if self._path is not None:
            written = [dataclasses.asdict(r) for r in self.found.values()]
            self._path.write_text(json.dumps(written, indent=1))
        return result

    def outcome(self, name: str) -> str:
        """What became of a mutant, as far as is known."""
        return self.found[name].outcome if name in self.found else "unknown"


def show(console: Console, results: Results, before: Results | None, names: list[str]) -> list[str]:
    """Prints what became of these mutants, file by file.

    Returns:
        The names of those that were not killed; given an earlier run, of those that it killed.
    """
    chosen = [results.found[name] for name in names if name in results.found]
    table = Table("file", show_footer=True)
    table.columns[0].footer = "all"
    columns = [KILLED, SURVIVED, LATE, "s"]
    rows: dict[str, list[float]] = {}
    for result in chosen:
        row = rows.setdefault(result.file, [0.0] * len(columns))
        row[columns.index(result.outcome)] += 1
        row[-1] += result.seconds
    for k, column in enumerate(columns):
        table.add_column(column, f"{sum(row[k] for row in rows.values()):.0f}", justify="right")
    for file, row in rows.items():
        table.add_row(file, *(f"{value:.0f}" for value in row))
    console.print(table)
    wanted = [name for name in names if before is None or before.outcome(name) == KILLED]
    lost = [name for name in wanted if results.outcome(name) != KILLED]
    for name in lost:
        broken = results.found[name].broken if name in results.found else ""
        console.print(f"{name}: {results.outcome(name)}; {broken}", markup=False, soft_wrap=True)
    if before is not None:
        console.print(f"{len(wanted)} were killed before, {len(lost)} of which are not now")
    return lost
