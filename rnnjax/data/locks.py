"""Processes that take turns, and say so while they wait."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Iterator
from pathlib import Path

import filelock

SILENT_SECONDS = 1.0
"""Another process is often done before anybody has read that it is waited for."""

_REMINDER_SECONDS = 60.0
_logger = logging.getLogger(__name__)


@contextlib.contextmanager
def turn(path: Path, work: str, advice: str, patience: float | None = None) -> Iterator[None]:
    """Holds a lock, which ends with the process, and waits for it where another has it.

    Whoever waits is told after a second, and again every minute.

    Args:
        path: The file of the lock, in a folder that exists.
        work: What the process that holds it does, for the sentence.
        advice: What can be done where that takes too long, as a sentence.
        patience: Seconds to wait at most; None for as long as it takes.

    Raises:
        TimeoutError: Another process held it all that time.
        OSError: There can be no lock.
        RuntimeError: There can be no lock in such a file system.
    """
    lock = filelock.FileLock(path)
    deadline = None if patience is None else time.monotonic() + patience
    pause = SILENT_SECONDS
    while True:
        left = pause if deadline is None else max(0.0, deadline - time.monotonic())
        try:
            lock.acquire(timeout=min(pause, left))
            break
        except filelock.Timeout:
            if left < pause:
                raise TimeoutError(f"another process held its lock {path} all the time") from None
        _logger.warning(
            "Waiting for another process that %s and holds the lock %s (`fuser` tells which). %s",
            work,
            path,
            advice,
        )
        pause = _REMINDER_SECONDS
    try:
        yield
    finally:
        lock.release()
