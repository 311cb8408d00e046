from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest

from rnnjax.data.cache import cache_folder, folder_state, load_or_build
from rnnjax.data.source import DataError

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


def test_cache_that_cannot_be_read_is_refused_and_left_alone(tmp_path: Path) -> None:
    load_or_build("a", {}, Builder(), cache_dir=tmp_path)
    path = only_cache(tmp_path)
    path.unlink()
    path.mkdir()
    with pytest.raises(DataError, match=r"cannot be read .*XDG_CACHE_HOME"):
        load_or_build("a", {}, Builder(), cache_dir=tmp_path)
    assert path.is_dir()


def test_file_in_place_of_the_cache_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file")
    with pytest.raises(DataError, match="cannot be read"):
        load_or_build("a", {}, Builder(), cache_dir=tmp_path / "cache")
    assert (tmp_path / "cache").read_text() == "a file"


def test_cache_that_cannot_be_written_stops_nobody(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    load_or_build("a", {}, Builder(), cache_dir=tmp_path)
    path = only_cache(tmp_path)
    path.unlink()
    path.with_suffix(".tmp").mkdir()
    assert_equal(load_or_build("a", {}, Builder(), cache_dir=tmp_path))
    assert f"The cache {path} cannot be written" in caplog.text
    assert not path.exists()


def test_lock_that_cannot_be_made_stops_nobody(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    load_or_build("a", {}, Builder(), cache_dir=tmp_path)
    path = only_cache(tmp_path)
    path.unlink()
    (tmp_path / f"{path.name}.lock").unlink(missing_ok=True)
    (tmp_path / f"{path.name}.lock").mkdir()
    assert_equal(load_or_build("a", {}, Builder(), cache_dir=tmp_path))
    assert f"The cache {path} cannot be written" in caplog.text


def test_objects_are_never_pickled(tmp_path: Path) -> None:
    objects = {"images": np.array([{}, []], dtype=object)}
    with pytest.raises(ValueError, match="allow_pickle=False"):
        load_or_build("a", {}, Builder(objects), cache_dir=tmp_path)
    assert list(tmp_path.glob("*.npz")) == []


def test_folder_state_changes_with_the_files(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("12")
    states = [folder_state(tmp_path)]
    assert folder_state(tmp_path) == states[0]
    (tmp_path / "a").write_text("123")
    states.append(folder_state(tmp_path))
    (tmp_path / "b").write_text("")
    states.append(folder_state(tmp_path))
    assert states[0] != states[1] != states[2]


def test_default_folder_is_the_users(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder() == tmp_path / "xdg" / "rnnjax"
    load_or_build("a", {}, Builder())
    assert only_cache(tmp_path / "xdg" / "rnnjax").is_file()
    assert caplog.text == ""
