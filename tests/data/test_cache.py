from __future__ import annotations

import errno
import logging
import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import filelock
import numpy as np
import pytest

from rnnjax.data import cache, locks
from rnnjax.data.cache import cache_folder, load_or_build
from tests.data.no_home import without_home

ARRAYS = {
    "images": np.arange(24, dtype=np.uint8).reshape(2, 3, 4),
    "labels": np.array([[-3], [7]], np.int32),
    "words": np.array(["a", "más"]),
}


class Builder:
    """Counts how often it is asked for the arrays."""

    def __init__(self, arrays: dict[str, np.ndarray] = ARRAYS):
        self.arrays = arrays
        self.calls = 0

    def __call__(self) -> dict[str, np.ndarray]:
        self.calls += 1
        return self.arrays


def assert_equal(actual: dict[str, np.ndarray], expected: dict[str, np.ndarray] = ARRAYS) -> None:
    assert list(actual) == list(expected)
    for name, array in expected.items():
        assert actual[name].dtype == array.dtype
        np.testing.assert_array_equal(actual[name], array)


def only_cache(folder: Path) -> Path:
    (path,) = folder.glob("*.npz")
    return path


def test_arrays_are_built_once(tmp_path: Path) -> None:
    build = Builder()
    for _ in range(3):
        assert_equal(load_or_build("a", {"code": 1}, build, cache_dir=tmp_path))
    assert build.calls == 1
    assert [path for path in tmp_path.iterdir() if path.suffix == ".tmp"] == []


def test_other_origin_is_another_cache(tmp_path: Path) -> None:
    load_or_build("a", {"code": 1}, Builder(), cache_dir=tmp_path)
    other = {"images": np.array([9])}
    assert_equal(load_or_build("a", {"code": 2}, Builder(other), cache_dir=tmp_path), other)
    assert_equal(load_or_build("a", {"code": 1}, Builder({}), cache_dir=tmp_path))


def test_file_of_another_origin_under_the_same_name_is_not_believed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    load_or_build("a", {"code": 1}, Builder(), cache_dir=tmp_path / "one")
    load_or_build("a", {"code": 2}, Builder({}), cache_dir=tmp_path / "two")
    only_cache(tmp_path / "two").write_bytes(only_cache(tmp_path / "one").read_bytes())
    other = {"images": np.array([9])}
    assert_equal(load_or_build("a", {"code": 2}, Builder(other), cache_dir=tmp_path / "two"), other)
    assert "made from something else" in caplog.text


def test_no_flipped_bit_is_handed_over(tmp_path: Path) -> None:
    load_or_build("a", {}, Builder(), cache_dir=tmp_path)
    path = only_cache(tmp_path)
    whole = path.read_bytes()
    rebuilt = 0
    # All of the container's directory, which has no checksum, and a sixth of the rest.
    directory = whole.index(b"PK\x01\x02")
    positions = [*range(0, directory, 6), *range(directory, len(whole))]
    for position in positions:
        damaged = bytearray(whole)
        damaged[position] ^= 0x10
        path.write_bytes(damaged)
        build = Builder()
        assert_equal(load_or_build("a", {}, build, cache_dir=tmp_path))
        rebuilt += build.calls
    # What is not noticed lies in fields of the container that nobody reads, such as times.
    assert rebuilt > 0.5 * len(positions)


def test_shape_that_reads_too_little_is_noticed(tmp_path: Path) -> None:
    # Larger than a buffer, so that reading half of it does not come upon the checksum by chance.
    large = {"images": np.arange(40_000, dtype=np.int32).reshape(200, 200)}
    load_or_build("a", {}, Builder(large), cache_dir=tmp_path)
    path = only_cache(tmp_path)
    path.write_bytes(path.read_bytes().replace(b"(200, 200)", b"(100, 200)"))
    build = Builder(large)
    assert_equal(load_or_build("a", {}, build, cache_dir=tmp_path), large)
    assert build.calls == 1


def test_truncated_cache_is_built_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    load_or_build("a", {}, Builder(), cache_dir=tmp_path)
    path = only_cache(tmp_path)
    whole = path.read_bytes()
    for length in (0, 10, len(whole) // 2, len(whole) - 1):
        caplog.clear()
        path.write_bytes(whole[:length])
        build = Builder()
        assert_equal(load_or_build("a", {}, build, cache_dir=tmp_path))
        assert build.calls == 1
        assert f"The cache {path} is damaged" in caplog.text
    build = Builder()
    assert_equal(load_or_build("a", {}, build, cache_dir=tmp_path))
    assert build.calls == 0


def in_place_of_file(path: Path) -> None:
    path.unlink()
    path.mkdir()


def pipe_in_place_of_file(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def unreadable(path: Path) -> None:
    path.chmod(0)


def in_place_of_lock(path: Path) -> None:
    path.unlink()
    lock = path.with_name(f"{path.name}.lock")
    lock.unlink(missing_ok=True)
    lock.mkdir()


def in_place_of_part(path: Path) -> None:
    path.unlink()
    path.with_suffix(".tmp").mkdir()


def in_place_of_folder(path: Path) -> None:
    shutil.rmtree(path.parent)
    path.parent.write_text("a file")


def dangling_folder(path: Path) -> None:
    shutil.rmtree(path.parent)
    path.parent.symlink_to(path.parent.with_name("nowhere") / "deeper")


UNUSABLE = [
    in_place_of_file,
    pipe_in_place_of_file,
    unreadable,
    in_place_of_lock,
    in_place_of_part,
    in_place_of_folder,
    dangling_folder,
]


def contents(folder: Path) -> dict[str, bytes | None]:
    return {
        str(path): path.read_bytes() if path.is_file() and path.stat().st_mode & 0o400 else None
        for path in folder.rglob("*")
    }


@pytest.mark.parametrize("make_unusable", UNUSABLE, ids=lambda function: function.__name__)
def test_cache_that_cannot_be_used_stops_nobody_and_is_left_alone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, make_unusable: Callable[[Path], None]
) -> None:
    if make_unusable is unreadable and os.geteuid() == 0:
        pytest.skip("everything is readable for root")
    folder = tmp_path / "cache"
    load_or_build("a", {}, Builder(), cache_dir=folder)
    path = only_cache(folder)
    make_unusable(path)
    before = contents(tmp_path)
    for _ in range(2):
        assert_equal(load_or_build("a", {}, Builder(), cache_dir=folder))
    (record,) = caplog.records
    assert f"The cache {path} cannot be used" in record.getMessage()
    assert "XDG_CACHE_HOME" in record.getMessage()
    after = contents(tmp_path)
    after.pop(f"{path}.lock", None)
    before.pop(f"{path}.lock", None)
    assert after == before


def test_full_disk_stops_nobody_and_leaves_no_half_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def write_half(file: Any, array: np.ndarray, **kwargs: Any) -> None:
        file.write(b"half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(np.lib.format, "write_array", write_half)
    assert_equal(load_or_build("a", {}, Builder(), cache_dir=tmp_path))
    assert "cannot be used (No space left on device)" in caplog.text
    assert [path.suffix for path in tmp_path.iterdir()] in ([], [".lock"])


def test_no_home_and_no_name_stop_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(cache, "_unusable", set())
    without_home(monkeypatch)
    monkeypatch.chdir(tmp_path)
    for _ in range(2):
        assert_equal(load_or_build("a", {}, Builder()))
    (record,) = caplog.records
    assert "XDG_CACHE_HOME" in record.getMessage()
    assert list(tmp_path.iterdir()) == []


def test_lock_that_is_held_is_waited_for_aloud_and_then_done_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    load_or_build("a", {}, Builder(), cache_dir=tmp_path)
    path = only_cache(tmp_path)
    path.unlink()
    monkeypatch.setattr(locks, "SILENT_SECONDS", 0.1)
    monkeypatch.setattr(cache, "PATIENCE", 0.3)
    lock = path.with_name(f"{path.name}.lock")
    with filelock.FileLock(lock):
        for _ in range(2):
            assert_equal(load_or_build("a", {}, Builder(), cache_dir=tmp_path))
    waiting, gone_on = (record.getMessage() for record in caplog.records)
    assert waiting.startswith("Waiting for another process that makes the same cache and holds")
    assert str(lock) in waiting
    assert "After 0.3 seconds it goes on without; XDG_CACHE_HOME" in waiting
    assert f"The cache {path} cannot be used (another process held its lock" in gone_on
    assert not path.exists()


def test_cache_that_another_process_makes_meanwhile_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load_or_build("a", {}, Builder(), cache_dir=tmp_path)
    path = only_cache(tmp_path)
    aside = path.rename(path.with_name("aside"))
    monkeypatch.setattr(locks, "SILENT_SECONDS", 0.1)
    lock = filelock.FileLock(path.with_name(f"{path.name}.lock"), thread_local=False)
    lock.acquire()

    def finish() -> None:
        aside.rename(path)
        lock.release()

    timer = threading.Timer(0.3, finish)
    timer.start()
    build = Builder()
    assert_equal(load_or_build("a", {}, build, cache_dir=tmp_path))
    timer.join()
    assert build.calls == 0


def test_objects_are_never_pickled(tmp_path: Path) -> None:
    objects = {"images": np.array([{}, []], dtype=object)}
    with pytest.raises(ValueError, match="allow_pickle=False"):
        load_or_build("a", {}, Builder(objects), cache_dir=tmp_path)
    assert list(tmp_path.glob("*.npz")) == []


def test_default_folder_is_the_users(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder() == tmp_path / "xdg" / "rnnjax"
    load_or_build("a", {}, Builder())
    assert only_cache(tmp_path / "xdg" / "rnnjax").is_file()
    assert caplog.text == ""
