from __future__ import annotations

import gzip
import re
import tarfile
from pathlib import Path

import pytest

from rnnjax.data import archive
from rnnjax.data.archive import read_members
from rnnjax.errors import DataError
from tests.data.damage import NO_FILES, little_memory

WANTED = re.compile("a/(x|y)/")


def entry(name: str, contents: bytes = b"", **fields: object) -> bytes:
    member = tarfile.TarInfo(name)
    member.size = len(contents)
    for field, value in fields.items():
        setattr(member, field, value)
    return member.tobuf(tarfile.GNU_FORMAT) + contents + bytes(-len(contents) % 512)


def header(
    size: bytes, kind: bytes = tarfile.REGTYPE, name: str = "a/x/1", sparse: bytes = b""
) -> bytes:
    """A header whose size is these twelve bytes, and that of a sparse file those."""
    made = bytearray(entry(name, type=kind))
    made[124:136] = size
    made[483 : 483 + len(sparse)] = sparse
    made[148:156] = b" " * 8
    made[148:156] = b"%06o\0 " % sum(made)
    return bytes(made)


END = bytes(1024)
FILE = entry("a/x/1", b"one")


def write(path: Path, *parts: bytes) -> Path:
    path.write_bytes(gzip.compress(b"".join(parts)))
    return path


def read(path: Path) -> list[tuple[str, bytes]]:
    return [(match.string, contents) for match, contents in read_members(path, WANTED)]


def test_files_are_read_and_nothing_else(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.tar.gz",
        entry("a/z/0", b"not wanted"),
        FILE,
        entry("/etc/passwd", b"not wanted"),
        entry("../a/x/1", b"not wanted"),
        entry("a/x/2", type=tarfile.SYMTYPE, linkname="/etc/passwd"),
        entry("a/x/3", type=tarfile.LNKTYPE, linkname="a/z/0"),
        entry("a/x/4", type=tarfile.LNKTYPE, linkname="nowhere"),
        entry("a/x/5", type=tarfile.CHRTYPE, devmajor=1, devminor=5),
        entry("a/x/6", type=tarfile.FIFOTYPE),
        entry("a/x/7", type=tarfile.DIRTYPE),
        entry("a/y/../../../2", b"two"),
        entry(f"a/y/{'long' * 50}", b"three"),
        END,
    )
    before = list(tmp_path.iterdir())
    expected = [("a/x/1", b"one"), ("a/y/../../../2", b"two"), (f"a/y/{'long' * 50}", b"three")]
    assert read(path) == expected
    assert list(tmp_path.iterdir()) == before


def binary(number: int) -> bytes:
    return (number % 256**12).to_bytes(12, "big")


MIB = bytes(2**20)
DAMAGED = {
    "cut off in a file": [header(b"00000010000\0"), b"less"],
    "larger than it may be": [entry("a/x/1", MIB + b"\0"), END],
    "size of gigabytes": [header(b"77777777777\0"), MIB],
    "size of 2^80": [header(b"\x80\0" + b"\xff" * 10), MIB],
    "size below zero": [FILE, header(binary(-1024)), END],
    "another's size below zero": [FILE, header(binary(-1024), name="a/z/1"), END],
    "another's size of gigabytes": [header(b"77777777777\0", name="a/z/1"), MIB, FILE, END],
    "name of gigabytes": [header(b"77777777777\0", tarfile.GNUTYPE_LONGNAME), MIB],
    "pax header of gigabytes": [header(b"77777777777\0", tarfile.XHDTYPE), MIB],
    "names of names": [entry("n", b"n", type=tarfile.GNUTYPE_LONGNAME) * 3000, FILE, END],
    "sparse file of gigabytes": [
        header(b"00000000000\0", tarfile.GNUTYPE_SPARSE, sparse=b"77777777777\0"),
        END,
    ],
    "no archive": [b"text" * 500],
    "nothing": [],
}


@pytest.mark.parametrize("kind", DAMAGED)
def test_damage_is_said_in_a_sentence(tmp_path: Path, kind: str) -> None:
    path = write(tmp_path / "a.tar.gz", *DAMAGED[kind])
    with little_memory(16 * 2**20), pytest.raises(DataError) as caught:
        read(path)
    assert str(caught.value).startswith(f"{path} is damaged: it")
    assert str(caught.value).endswith("; remove it, then it is downloaded again.")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("limit", ["MOST_BYTES", "MOST_MEMBERS"])
def test_archive_without_end_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    monkeypatch.setattr(archive, limit, 5000 if limit == "MOST_BYTES" else 9)
    path = write(tmp_path / "a.tar.gz", entry("a/z/1", b"1") * 10, END)
    with pytest.raises(DataError, match=r"larger than any such archive|more than 9 members"):
        read(path)


@pytest.mark.parametrize("kind", NO_FILES)
def test_what_is_no_file_is_said_in_a_sentence(tmp_path: Path, kind: str) -> None:
    NO_FILES[kind](tmp_path / "a.tar.gz")
    with pytest.raises(DataError, match="is damaged: it cannot be read"):
        read(tmp_path / "a.tar.gz")
