from __future__ import annotations

import time
from pathlib import Path

import pytest

from rnnjax.data.download import answering_mirrors, fetch, missing_files
from rnnjax.data.image_sources import ImageSource
from rnnjax.data.source import RemoteFile
from rnnjax.errors import DataUnavailableError
from tests.data.local_server import LocalServer

NAME = "train-images-idx3-ubyte.gz"


@pytest.fixture
def file(source: ImageSource) -> RemoteFile:
    return next(file for file in source.files if file.name == NAME)


@pytest.fixture
def contents(server: LocalServer) -> bytes:
    return server.files[NAME]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_whole_files_come_once_and_say_how_far_they_are(
    server: LocalServer, source: ImageSource, tmp_path: Path
) -> None:
    told = []
    paths = fetch(source.files, [server.url], tmp_path, progress=lambda *args: told.append(args))
    assert {name: path.read_bytes() for name, path in paths.items()} == server.files
    assert names(tmp_path) == sorted(server.files)
    for name, data in server.files.items():
        assert (f"downloading {name}", len(data), len(data)) in told
    before = len(server.requests)
    assert fetch(source.files, [server.url], tmp_path) == paths
    assert len(server.requests) == before


def test_transfer_that_breaks_off_is_resumed_where_it_ended(
    server: LocalServer, file: RemoteFile, contents: bytes, tmp_path: Path
) -> None:
    server.break_after = [1000]
    paths = fetch([file], [server.url], tmp_path)
    assert server.requests == [(NAME, None), (NAME, "bytes=1000-")]
    assert paths[NAME].read_bytes() == contents


def test_part_of_an_earlier_process_is_resumed(
    server: LocalServer, file: RemoteFile, contents: bytes, tmp_path: Path
) -> None:
    (tmp_path / f"{NAME}.part").write_bytes(contents[:777])
    fetch([file], [server.url], tmp_path)
    assert server.requests == [(NAME, "bytes=777-")]
    assert (tmp_path / NAME).read_bytes() == contents
    assert names(tmp_path) == [NAME]


@pytest.mark.parametrize("announce_length", [True, False])
def test_server_without_ranges_begins_again(
    server: LocalServer, file: RemoteFile, contents: bytes, tmp_path: Path, announce_length: bool
) -> None:
    server.ranges = False
    server.announce_length = announce_length
    server.break_after = [1000]
    fetch([file], [server.url], tmp_path)
    assert server.requests == [(NAME, None), (NAME, "bytes=1000-")]
    assert (tmp_path / NAME).read_bytes() == contents


@pytest.mark.parametrize("length", [500, None], ids=["partial", "full length"])
def test_wrong_part_is_thrown_away(
    server: LocalServer, file: RemoteFile, contents: bytes, tmp_path: Path, length: int | None
) -> None:
    (tmp_path / f"{NAME}.part").write_bytes(bytes(len(contents))[:length])
    fetch([file], [server.url], tmp_path)
    assert (tmp_path / NAME).read_bytes() == contents
    assert server.requests[-1] == (NAME, None)


def test_wrong_file_under_the_final_name_is_replaced(
    server: LocalServer, file: RemoteFile, contents: bytes, tmp_path: Path
) -> None:
    (tmp_path / NAME).write_bytes(contents[:-1] + bytes([contents[-1] ^ 1]))
    assert missing_files([file], tmp_path) == [file]
    fetch([file], [server.url], tmp_path)
    assert (tmp_path / NAME).read_bytes() == contents


def test_corrupted_file_is_refused_and_nothing_is_left(
    server: LocalServer, file: RemoteFile, contents: bytes, tmp_path: Path
) -> None:
    middle = len(contents) // 2
    server.files[NAME] = contents[:middle] + b"\0\1\2" + contents[middle + 3 :]
    with pytest.raises(DataUnavailableError, match="differ from those published"):
        fetch([file], [server.url], tmp_path)
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    ("announce_length", "change", "message"),
    [
        (True, lambda data: data[:-7], "bytes are offered instead of"),
        (True, lambda data: data + b"?", "bytes are offered instead of"),
        (False, lambda data: data[:-7], "broke off after"),
        (False, lambda data: data + b"?", "more than the published"),
    ],
)
def test_file_of_another_length_is_refused(
    server: LocalServer,
    file: RemoteFile,
    contents: bytes,
    tmp_path: Path,
    announce_length: bool,
    change,
    message: str,
) -> None:
    server.announce_length = announce_length
    server.files[NAME] = change(contents)
    with pytest.raises(DataUnavailableError, match=message):
        fetch([file], [server.url], tmp_path)
    assert NAME not in names(tmp_path)


def test_next_mirror_takes_over(
    server: LocalServer, source: ImageSource, contents: bytes, file: RemoteFile, tmp_path: Path
) -> None:
    bad = LocalServer({NAME: contents[::-1]})
    try:
        fetch([file], [bad.url, server.url], tmp_path)
        assert bad.requests == [(NAME, None)]
    finally:
        bad.close()
    assert (tmp_path / NAME).read_bytes() == contents


def test_server_that_falls_silent_is_given_up(
    server: LocalServer, file: RemoteFile, closed_url: str, tmp_path: Path
) -> None:
    server.silent = True
    start = time.monotonic()
    with pytest.raises(DataUnavailableError) as caught:
        fetch([file], [server.url, closed_url], tmp_path, timeout=0.3)
    assert time.monotonic() - start < 3
    assert f"{server.url}{NAME}: the server stopped answering" in str(caught.value)
    assert f"{closed_url}{NAME}: Connection refused" in str(caught.value)
    assert names(tmp_path) == []


def test_question_who_answers_leaves_out_who_does_not(
    server: LocalServer, file: RemoteFile, contents: bytes, closed_url: str
) -> None:
    slow = LocalServer({NAME: contents})
    slow.silent = True
    other = LocalServer({NAME: b"Please log in to this network."})
    empty = LocalServer({})
    try:
        start = time.monotonic()
        mirrors = [slow.url, other.url, closed_url, empty.url, server.url]
        assert answering_mirrors(mirrors, file, timeout=2.0) == [server.url]
        assert time.monotonic() - start < 1.5
        with pytest.raises(DataUnavailableError) as caught:
            answering_mirrors(mirrors[:-1], file, timeout=0.5)
        assert time.monotonic() - start < 3
    finally:
        for each in (slow, other, empty):
            each.close()
    for mirror, reason in (
        (slow.url, "(no answer within 0.5 s|the server stopped answering)"),
        (other.url, f"30 bytes are offered instead of {len(contents)}"),
        (closed_url, "Connection refused"),
        (empty.url, "HTTP status 404"),
    ):
        caught.match(f"{mirror}: {reason}")
