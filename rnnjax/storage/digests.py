"""Lists of files with their digests, in the format of ``sha256sum``."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path

from rnnjax.storage.files import read_bytes

_LINE = re.compile(r"([0-9a-f]{64})  (.+)\n")


def as_text(digests: Mapping[str, str]) -> str:
    """A list of files, their digests given by name."""
    lines = "".join(f"{digest}  {name}\n" for name, digest in digests.items())
    return _header(len(digests)) + lines


def read_digests(path: Path) -> dict[str, str]:
    """The digests of files by name, as a list has them.

    Raises:
        OSError: it can't be read.
        ValueError: it is no such list, or not a whole one.
    """
    header, *lines = read_bytes(path).decode("utf-8").splitlines(keepends=True) or [""]
    if not header.startswith("#"):  # written before there were headers
        header, lines = _header(len(lines) + 1), [header, *lines]
    found = [_LINE.fullmatch(line) for line in lines]
    digests = {match[2]: match[1] for match in found if match is not None}
    if header != _header(len(lines)) or len(digests) != len(lines):
        raise ValueError(f"{path} is damaged")
    return digests


def digest(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _header(count: int) -> str:
    return f"# {count} files; checked by sha256sum --check\n"
