"""The digests of a folder's files, by which a damaged or unfinished one is told from a sound one.

The format is that of ``sha256sum``: ``sha256sum --check SHA256SUMS`` in the folder does the same.
What the manifest does not list is somebody else's, and does no harm.
"""

from __future__ import annotations

import os
from pathlib import Path

from rnnjax.runs.files import storing, write_text
from rnnjax.storage.digests import as_text, digest, read_digests
from rnnjax.storage.files import sync

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
        digests = {name: digest(folder / name) for name in sorted(_files(folder) - {NAME})}
    write_text(folder / NAME, as_text(digests))
    with storing(folder):
        sync(folder.parent)


def find_damage(folder: Path) -> str | None:
    """What is wrong with a folder that should have a manifest; None where nothing is."""
    try:
        recorded = read_digests(folder / NAME)
    except ValueError:
        return f"is damaged ({NAME})"
    except OSError:
        return f"was not finished (it has no readable {NAME})"
    try:
        there = _files(folder)
        names = [n for n, d in recorded.items() if n not in there or digest(folder / n) != d]
    except OSError as error:
        return f"can't be read ({error.strerror})"
    return f"is damaged ({', '.join(sorted(names)[:3])})" if names else None


def find_strangers(folder: Path) -> list[str]:
    """What lies in a folder with a sound manifest, and was not there when that was written."""
    recorded = {*read_digests(folder / NAME), NAME}
    folders = {parent.as_posix() for name in recorded for parent in Path(name).parents}
    found = {p.relative_to(folder).as_posix(): p for p in folder.rglob("*")}
    return sorted(
        name
        for name, path in found.items()
        if name not in (folders if path.is_dir() and not path.is_symlink() else recorded)
    )


def _files(folder: Path) -> set[str]:
    """The names of all files below a folder; no pipes, and nothing behind a link to a folder."""
    return {
        (path / name).relative_to(folder).as_posix()
        for path, _, names in ((Path(p), d, n) for p, d, n in os.walk(folder, onerror=_raise))
        for name in names
        if (path / name).is_file()
    }


def _raise(error: OSError) -> None:
    raise error
