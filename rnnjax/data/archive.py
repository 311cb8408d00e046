"""Files in a tar archive, read one after the other without unpacking anything to the disk."""

from __future__ import annotations

import functools
import gzip
import re
import tarfile
from collections.abc import Iterator
from pathlib import Path

from rnnjax.data.reading import UnusableError, reading
from rnnjax.data.source import damaged_download
from rnnjax.storage.files import open_file

MOST_MEMBER_BYTES = 2**20
MOST_MEMBERS = 250_000
MOST_BYTES = 2**31
"""Limits of an archive of texts, ten times what is in that of IMDB (but for its members, twice)."""


class _Forwards:
    """A compressed file for `tarfile`, which believes every number in an archive.

    One that is negative would have it go back and read the same for ever, a huge one would have it
    ask for as much memory.
    """

    def __init__(self, file: gzip.GzipFile):
        self._file = file

    def tell(self) -> int:
        return self._file.tell()

    def seek(self, position: int) -> int:
        if not self.tell() <= position <= MOST_BYTES:
            raise UnusableError("it says of itself that it is larger than any such archive")
        return self._file.seek(position)

    def read(self, size: int) -> bytes:
        # What describes a member, such as a long name, is read in one piece too.
        if not 0 <= size <= 2 * MOST_MEMBER_BYTES:
            raise UnusableError("a part of it is larger than any such part")
        return self._file.read(size)


def read_members(path: Path, wanted: re.Pattern[str]) -> Iterator[tuple[re.Match[str], bytes]]:
    """Yields the regular files in a tar.gz file whose names begin with a pattern.

    Links, devices and folders are passed over, whatever they are called.

    Args:
        path: The archive.
        wanted: What names begin with.

    Yields:
        The match, whose `string` is the whole name, and the contents.

    Raises:
        DataError: The archive is damaged, or beyond a limit.
    """
    with (
        reading(functools.partial(damaged_download, path), "it") as at,
        open_file(path) as packed,
        gzip.open(packed) as unpacked,
        tarfile.open(fileobj=_Forwards(unpacked), mode="r:") as archive,  # pyright: ignore
    ):
        for number, member in enumerate(archive):
            if number >= MOST_MEMBERS:
                raise UnusableError(f"it has more than {MOST_MEMBERS:,} members")
            match = wanted.match(member.name)
            if match is None or not member.isreg():
                continue
            at.name = f"its member {member.name[:100]!r}"
            if member.size > MOST_MEMBER_BYTES:
                raise UnusableError(f"it has {member.size:,} bytes")
            contents = archive.extractfile(member)
            data = contents.read() if contents is not None else b""
            if len(data) != member.size:
                raise UnusableError("it is cut off")
            yield match, data
            at.name = "it"
        # The checksum is compared at the end, and a header that is damaged looks like the end.
        while unpacked.read(2**20):
            if unpacked.tell() > MOST_BYTES:
                raise UnusableError("it is larger than any such archive")
