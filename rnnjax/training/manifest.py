"""The digests of a folder's files, by which a damaged or unfinished one is told from a sound one.

The format is that of ``sha256sum``: ``sha256sum --check SHA256SUMS`` in the folder does the same.
What the manifest does not list is somebody else's, and does no harm.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from pathlib import Path

from rnnjax.training.files import storing, sync, write_text

NAME = "SHA256SUMS"

LARGEST = 2**26
"""Bytes of a manifest; no checkpoint has so many files."""

_LINE = re.compile(r"([0-9a-f]{64})  (.+)\n")


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


def as_text(digests: Mapping[str, str]) -> str:
    """A manifest of files, their digests given by name."""
    lines = "".join(f"{digest}  {name}\n" for name, digest in digests.items())
    return _header(len(digests)) + lines


def read_manifest(path: Path) -> dict[str, str]:
    """The digests of files by name, as a manifest has them.

    Raises:
        OSError: it can't be read.
        ValueError: it is no manifest, or not a whole one.
    """
    if not path.is_file() or path.stat().st_size > LARGEST:  # a pipe would never end
        raise OSError(f"{path} is no manifest")
    header, *lines = path.read_bytes().decode("utf-8").splitlines(keepends=True) or [""]
    if not header.startswith("#"):  # written before manifests had a header
        header, lines = _header(len(lines) + 1), [header, *lines]
    found = [_LINE.fullmatch(line) for line in lines]
    digests = {match[2]: match[1] for match in found if match is not None}
    if header != _header(len(lines)) or len(digests) != len(lines):
        raise ValueError(f"{path} is damaged")
    return digests


def find_damage(folder: Path) -> str | None:
    """What is wrong with a folder that should have a manifest; None where nothing is."""
    try:
        recorded = read_manifest(folder / NAME)
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
    recorded = {*read_manifest(folder / NAME), NAME}
    folders = {parent.as_posix() for name in recorded for parent in Path(name).parents}
    found = {p.relative_to(folder).as_posix(): p for p in folder.rglob("*")}
    return sorted(
        name
        for name, path in found.items()
        if name not in (folders if path.is_dir() and not path.is_symlink() else recorded)
    )


def digest(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


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


def _header(count: int) -> str:
    return f"# {count} files; sha256sum --check {NAME}\n"
