"""Small files that are written whole or not at all, and are still there after a power failure."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from rnnjax.errors import StorageError
from rnnjax.storage.files import write_bytes


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
    with storing(path):
        write_bytes(path, text.encode("utf-8"))
