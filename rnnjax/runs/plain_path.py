"""Paths that no library takes for anything else than a path.

Orbax looks for files by patterns in which the folder's own path stands: ``[1]`` in it matches
nothing, ``*`` perhaps a neighbour's files, and what was saved can't be read again. A backslash or a
``gs:`` mean something to it too.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

_PLAIN = re.compile(r"[A-Za-z0-9/._+=@,-]+")

LONGEST = 2000
"""Bytes of a path below which there is room for the names that Orbax adds, up to 4096."""


@contextlib.contextmanager
def plain(path: Path) -> Iterator[Path]:
    """Another way to a file or folder, by letters and digits alone; the path itself if it is so.

    Args:
        path: absolute; its last part is plain, and need not exist, unlike the folder it is in.

    Yields:
        A path, through a symbolic link in the folder for temporary files where one is needed.

    Raises:
        OSError: no link can be made.
    """
    if is_plain(path):
        yield path
        return
    places = (tempfile.gettempdir(), "/tmp", "/var/tmp")
    place = next((p for p in places if is_plain(Path(p)) and os.access(p, os.W_OK)), None)
    if place is None:
        raise OSError(errno.EINVAL, f"no temporary folder has a plain name: {places[0]}")
    with tempfile.TemporaryDirectory(prefix="rnnjax-", dir=place) as links:
        link = Path(links) / "folder"
        link.symlink_to(path.parent, target_is_directory=True)
        yield link / path.name


def is_plain(path: Path) -> bool:
    """Whether nothing in a path means anything but itself, and it is not very long."""
    return _PLAIN.fullmatch(str(path)) is not None and len(str(path)) < LONGEST
