"""Original files in a folder, compressed or not, and what is said when they are others."""

from __future__ import annotations

import dataclasses
import gzip
import hashlib

import pytest

from rnnjax.data.originals import Originals, read_originals
from rnnjax.data.source import RemoteFile
from rnnjax.errors import DataError, DataUnavailableError

CONTENTS = {"train.txt": b"a b c\n" * 50, "test.txt": b"c b a\n"}
FILES = tuple(
    RemoteFile(name, len(contents), hashlib.sha256(contents).hexdigest())
    for name, contents in CONTENTS.items()
)
SOURCE = Originals("letters", FILES, "none", "https://letters.example")


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "letters"
    folder.mkdir()
    (folder / "train.txt.gz").write_bytes(gzip.compress(CONTENTS["train.txt"]))
    (folder / "test.txt").write_bytes(CONTENTS["test.txt"])
    return folder


@pytest.mark.parametrize("inside", [False, True])
def test_files_are_found_compressed_or_not(folder, inside):
    found = read_originals(SOURCE, folder if inside else folder.parent)
    assert found.contents == CONTENTS
    assert list(found.contents) == list(CONTENTS)
    assert found.origin == f"the original files in {folder}"


def test_a_missing_file_is_named(folder):
    (folder / "test.txt").unlink()
    with pytest.raises(DataError, match=r"letters lacks test\.txt of letters; put all of its"):
        read_originals(SOURCE, folder)


@pytest.mark.parametrize("name", ["train.txt.gz", "test.txt"])
def test_other_contents_are_refused(folder, name):
    path = folder / name
    other = b"a b d\n" * 50
    path.write_bytes(gzip.compress(other) if name.endswith(".gz") else other)
    with pytest.raises(DataError, match="is not the published file: it holds 300 bytes of other"):
        read_originals(SOURCE, folder)


@pytest.mark.parametrize("damage", [lambda b: b[:-9], lambda b: b"no gzip", lambda b: b[:20]])
def test_a_damaged_archive_is_refused(folder, damage):
    path = folder / "train.txt.gz"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(DataError, match=r"train\.txt\.gz can't be read"):
        read_originals(SOURCE, folder)


def test_what_no_server_has_is_told(tmp_path):
    expected = r"letters is not in .*letters, .*Put train\.txt, test\.txt there, from https://let"
    with pytest.raises(DataUnavailableError, match=expected):
        read_originals(SOURCE, tmp_path)
    assert not list(tmp_path.iterdir())


def test_they_are_downloaded_once(tmp_path, server):
    server.files = dict(CONTENTS)
    source = dataclasses.replace(SOURCE, mirrors=(server.url,))
    assert read_originals(source, tmp_path).contents == CONTENTS
    server.files = {}
    found = read_originals(source, tmp_path)
    assert found.contents == CONTENTS
    assert found.origin == f"the original files in {tmp_path / 'letters'}"
