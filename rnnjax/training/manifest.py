"""The digests of a folder's files, by which a damaged or unfinished one is told from a sound one.

The format is that of ``sha256sum``: ``sha256sum --check SHA256SUMS`` in the folder does the same.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from rnnjax.training.files import read_bytes, storing, sync, write_text

NAME = "SHA256SUMS"


def write_manifest(folder: Path) -> None:
    """Records the digest of every file in a folder, as the last thing that is written to it.

    Args:
        folder: it is complete, and nothing will change in it again.

    Raises:
        StorageError: the disk is full, or the folder can't be written to.
    """
    with storing(folder):
        # The manifest vouches for the files, so they reach the disk before it does.
        for path in sorted(folder.rglob("*")):
            sync(path)
        lines = _lines(folder)
    write_text(folder / NAME, "".join(lines))
    with storing(folder):
        sync(folder.parent)


def find_damage(folder: Path) -> str | None:
    """What is wrong with a folder that should have a manifest; None where nothing is."""
    try:
        recorded = read_bytes(folder / NAME)
    except OSError:
        return f"was not finished (it has no readable {NAME})"
    try:
        found = _lines(folder)
    except OSError as error:
        return f"can't be read ({error.strerror})"
    if recorded == "".join(found).encode():
        return None
    lines = set(recorded.decode(errors="replace").splitlines(keepends=True))
    # The names stand behind 64 digits and two spaces, unless the manifest itself is damaged.
    names = {line[66:].strip() for line in lines.symmetric_difference(found)} - {""}
    return f"is damaged ({', '.join(sorted(names)[:3]) or NAME})"


def _lines(folder: Path) -> list[str]:
    """One line for every file but the manifest itself, ordered by name."""
    files = sorted(
        (path.relative_to(folder).as_posix(), path)
        for path in folder.rglob("*")
        if path.is_file() and path != folder / NAME
    )
    return [f"{_digest(path)}  {name}\n" for name, path in files]


def _digest(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
