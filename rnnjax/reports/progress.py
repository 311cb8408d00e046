"""The progress bar of a training run."""

from __future__ import annotations

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text


class _Rate(ProgressColumn):
    """Steps per second, over the last while."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:,.0f} steps/s", style="cyan")


class TrainingProgress:
    """A bar with the steps done, their rate, the training loss and the time left.

    Args:
        console: where to show it; evaluation lines printed there go above the bar.
        title: what is trained, on which data.
        num_steps: updates in the whole run.
        done: updates done before.
    """

    def __init__(self, console: Console, title: str, num_steps: int, done: int = 0) -> None:
        self._bar = Progress(
            TextColumn("{task.description}", style="bold", markup=False),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            _Rate(),
            TextColumn("loss {task.fields[loss]}", markup=False),
            TimeRemainingColumn(),
            console=console,
        )
        self._task = self._bar.add_task(title, total=num_steps, completed=done, loss="-")

    def __enter__(self) -> TrainingProgress:
        self._bar.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._bar.stop()

    def update(self, done: int, loss: float) -> None:
        """Shows the updates done so far and the newest training loss."""
        self._bar.update(self._task, completed=done, loss=f"{loss:.4f}")
