"""What is shown in the terminal, as it is: no text of a user's or of data is taken for markup."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)

from rnnjax.data.source import Progress as DataProgress
from rnnjax.devices import hosts


class PlainConsole(Console):
    """Shows text as it is, brackets and colons too.

    In a pipe or a file a line of text is one line, however long.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(markup=False, emoji=False, highlight=False, **options)

    def print(self, *objects: Any, **options: Any) -> None:
        """As rich's, without wrapping lines of text where nobody sees them."""
        if not self.is_terminal and all(isinstance(thing, str) for thing in objects):
            options.setdefault("soft_wrap", True)
        super().print(*objects, **options)


def open_console() -> Console:
    """Where the first process shows what it does; the others are quiet."""
    return PlainConsole(quiet=not hosts.is_main())


@contextlib.contextmanager
def loading(console: Console) -> Iterator[DataProgress]:
    """Shows how far downloads, decoding and tokenising are, for as long as they take."""
    columns = (
        # Those of rich, but for the markup in what is loaded.
        TextColumn("{task.description}", style="progress.description", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        tasks: dict[str, TaskID] = {}

        def show(what: str, done: int, total: int | None) -> None:
            if what not in tasks:
                tasks[what] = bar.add_task(what, total=total)
            bar.update(tasks[what], completed=done, total=total)

        yield show
