"""A folder that is filled in one go: if something comes in between, the next time begins anew.

Before the first file a list of all of them is written, with their digests, and removed after the
last. While it is there, what it names was written by an export that was cut off.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from rnnjax.storage.digests import as_text, digest, read_digests
from rnnjax.storage.files import make_folder, part_of, write_bytes

LIST = ".export-unfinished"


def find_others(folder: Path) -> list[str]:
    """What lies in a folder besides the files of an export that was cut off; those may go.

    Raises:
        OSError: it can't be looked into.
    """
    if not folder.exists():
        return []
    own = {path.name for path in _own(folder)}
    return sorted(path.name for path in folder.iterdir() if path.name not in own)


def fill(folder: Path, contents: Mapping[str, bytes]) -> None:
    """Writes files into a folder in which there are no others, and leaves all or none of them.

    Args:
        folder: it is made if it does not exist.
        contents: by name.

    Raises:
        OSError: they can't be written.
    """
    make_folder(folder)
    _clear(folder)
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    try:
        write_bytes(folder / LIST, as_text(digests).encode("utf-8"))
        for name, content in contents.items():
            write_bytes(folder / name, content)
    except OSError:
        _clear(folder)
        raise
    (folder / LIST).unlink()


def _own(folder: Path) -> list[Path]:
    """The files of an export that was cut off, the list last."""
    listed = folder / LIST
    found = []
    try:
        digests = read_digests(listed)
    except (OSError, ValueError):
        digests = {}
    for name, expected in digests.items():
        if Path(name).name != name:
            continue
        path = folder / name
        # Half a file has another name, so one under its own is whole, or somebody else's.
        if path.is_file() and not path.is_symlink() and digest(path) == expected:
            found.append(path)
        if part_of(path).is_file():
            found.append(part_of(path))
    if digests:
        found.append(listed)
    if part_of(listed).is_file():
        found.append(part_of(listed))
    return found


def _clear(folder: Path) -> None:
    for path in _own(folder):
        path.unlink()
