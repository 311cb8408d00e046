"""Readers of a checkpoint beside the run that removes old ones."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows, where an open file can't be removed anyway
    fcntl = None


@contextlib.contextmanager
def reading(file: Path) -> Iterator[None]:
    """Keeps `removing` away from a file, and from the folder that it vouches for.

    The lock is the operating system's, so it ends with the process. Where there is none, or no
    such file, nothing is kept away, and whoever reads finds out.

    Args:
        file: need not be writable.
    """
    with contextlib.ExitStack() as held:
        with contextlib.suppress(OSError):
            descriptor = os.open(file, os.O_RDONLY | _NOT_WAITING)
            held.callback(os.close, descriptor)
            if fcntl is not None:
                fcntl.flock(descriptor, fcntl.LOCK_SH)
        yield


@contextlib.contextmanager
def removing(file: Path) -> Iterator[bool]:
    """Keeps readers away from a file for a moment; false where one is reading."""
    with contextlib.ExitStack() as held:
        try:
            descriptor = os.open(file, os.O_RDWR)
            held.callback(os.close, descriptor)
            if fcntl is not None:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        except OSError:
            pass  # no locks here
        yield True


_NOT_WAITING = getattr(os, "O_NONBLOCK", 0)
"""A pipe would have no one to open it from the other side."""
