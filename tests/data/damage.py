"""Ways to damage a file, and a watch on the memory that reading it takes."""

from __future__ import annotations

import contextlib
import os
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np


@contextlib.contextmanager
def little_memory(most: int) -> Iterator[None]:
    """Fails if Python or NumPy held more bytes at one time, touched or not."""
    tracemalloc.start()
    try:
        yield
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak <= most, f"{peak:,} bytes were held"


def _dangling(path: Path) -> None:
    path.symlink_to(path.with_name("nowhere"))


def _unreadable(path: Path) -> None:
    path.write_bytes(b"")
    path.chmod(0)


NO_FILES: dict[str, Callable[[Path], None]] = {
    "nothing": lambda path: None,
    "folder": Path.mkdir,
    "pipe": os.mkfifo,
    "dangling link": _dangling,
    "link to itself": lambda path: path.symlink_to(path),
    "device": lambda path: path.symlink_to("/dev/zero"),
}
"""What can stand where a file was expected."""
if os.geteuid() != 0:
    NO_FILES["unreadable"] = _unreadable


def mutated(whole: bytes, seed: int) -> bytes:
    """A file with a few bytes changed, cut off, left out, doubled or put in."""
    rng = np.random.default_rng(seed)
    data = bytearray(whole)
    for _ in range(rng.integers(1, 4)):
        start = int(rng.integers(0, len(data) + 1))
        size = int(rng.choice([1, 1, 2, 4, 8, 100]))
        match rng.integers(0, 6):
            case 0 if start < len(data):
                data[start] ^= 1 << int(rng.integers(0, 8))
            case 1:
                data[start : start + size] = rng.choice([b"\0", b"\xff", b"\x7f"]) * size
            case 2:
                data[start : start + size] = rng.bytes(size)
            case 3:
                del data[start : start + size]
            case 4:
                data[start:start] = data[start : start + size]
            case _:
                del data[start:]
    return bytes(data)
