"""Small files that are written whole or not at all, and are still there after a power failure."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from rnnjax.training.errors import StorageError

LARGEST = 256 * 2**20
"""Bytes of a file that is read at once; nothing of ours comes near, and memory ends somewhere."""


@contextlib.contextmanager
def storing(what: object) -> Iterator[None]:
    """Turns a failure to write into one sentence.

    Args:
        what: what is written, for the sentence.

    Raises:
        StorageError: the disk is full, the folder can't be written to, or the like.
    """
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"{what} could not be written ({error.strerror or error}); what was saved before is "
            "sound, so make room and give the same command again."
        ) from error


def write_text(path: Path, text: str) -> None:
    """Writes a file whole or not at all.

    Args:
        path: the file; its folder exists.
        text: its content.

    Raises:
        StorageError: it could not be written; what was there before is untouched.
    """
    part = path.with_name(f".{path.name}.part")
    with storing(path):
        with open(part, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
        sync(path.parent)


def read_bytes(path: Path, largest: int = LARGEST) -> bytes:
    """Reads an ordinary file; waits for nobody who might write into a pipe of its name.

    Args:
        path: the file.
        largest: how many bytes it may have.

    Raises:
        OSError: it can't be read, is something else than a file, or is too large.
    """

    def at_once(name: str, flags: int) -> int:
        return os.open(name, flags | getattr(os, "O_NONBLOCK", 0))

    with open(path, "rb", opener=at_once) as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "no ordinary file", str(path))
        if status.st_size > largest:
            raise OSError(errno.EFBIG, f"more than {largest / 2**20:.0f} MiB", str(path))
        return file.read()


def sync(path: Path) -> None:
    """Has the disk keep a file, or the names in a folder, before anything that follows."""
    if path.is_dir() and os.name == "nt":
        return  # Windows opens no folders
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
