"""Files that are written whole or not at all, and are still there after a power failure."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import stat
from pathlib import Path

LARGEST = 256 * 2**20
"""Bytes of a file that is read at once; nothing of ours comes near, and memory ends somewhere."""


def write_bytes(path: Path, content: bytes) -> None:
    """Writes a file whole or not at all.

    Args:
        path: the file; its folder exists.
        content: its bytes.

    Raises:
        OSError: it could not be written; what was there before is untouched.
    """
    part = part_of(path)
    with open(part, "wb") as file:
        file.write(content)
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

    with open_file(path) as file:
        if os.fstat(file.fileno()).st_size > largest:
            raise OSError(errno.EFBIG, f"more than {largest / 2**20:.0f} MiB", str(path))
        return file.read()


def open_file(path: str | os.PathLike[str]) -> io.BufferedReader:
    """Opens a regular file for reading bytes.

    Anything else is refused at once, where `open` would wait for somebody to write into a pipe.

    Raises:
        OSError: it can't be opened, or is a folder, a pipe or a device.
    """

    def opener(name: str, flags: int) -> int:
        descriptor = os.open(name, flags | getattr(os, "O_NONBLOCK", 0))
        kind = os.fstat(descriptor).st_mode
        if not (stat.S_ISREG(kind) or stat.S_ISDIR(kind)):  # of folders `open` has its own error
            os.close(descriptor)
            raise OSError(errno.EINVAL, "it is a pipe or a device, where a file was expected")
        return descriptor

    return open(path, "rb", opener=opener)


def part_of(path: Path) -> Path:
    """What a file is called while `write_bytes` writes it."""
    return path.with_name(f".{path.name}.part")


def make_folder(path: Path) -> None:
    """Makes a folder, and those above it, where it isn't there yet; the disk keeps their names.

    Raises:
        OSError: it can't be made, or something else has its name.
    """
    if path.is_dir():
        return
    if not path.parent.exists():
        make_folder(path.parent)
    path.mkdir(exist_ok=True)
    with contextlib.suppress(OSError):  # a folder in which one may not look
        sync(path.parent)


def sync(path: Path) -> None:
    """Has the disk keep a file, or the names in a folder, before anything that follows."""
    if path.is_dir() and os.name == "nt":
        return  # Windows opens no folders
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
