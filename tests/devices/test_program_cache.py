"""A damaged cache of compiled programs is mended, or done without, in one sentence."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import filelock
import jax
import jax.numpy as jnp
import pytest
from jax.experimental.compilation_cache import compilation_cache

from rnnjax.devices import program_cache
from rnnjax.devices.program_cache import keep_programs
from rnnjax.experiment import startup
from rnnjax.training.settings import Config
from tests.data.no_home import without_home

SETTINGS = (
    "jax_compilation_cache_dir",
    "jax_compilation_cache_max_size",
    "jax_persistent_cache_min_compile_time_secs",
    "jax_persistent_cache_min_entry_size_bytes",
    "jax_enable_compilation_cache",
)


@pytest.fixture(autouse=True)
def _settings_of_jax() -> Iterator[None]:
    before = {name: getattr(jax.config, name) for name in SETTINGS}
    compilation_cache.reset_cache()
    with warnings.catch_warnings():
        yield
    for name, value in before.items():
        jax.config.update(name, value)
    compilation_cache.reset_cache()
    jax.clear_caches()


def start(folder: Path) -> None:
    """What happens at a start: three programs, two of one name, are read or compiled."""
    jax.config.update("jax_enable_compilation_cache", True)
    jax.clear_caches()
    compilation_cache.reset_cache()
    keep_programs(folder)

    def double(x: jax.Array) -> jax.Array:
        return 2 * x

    def square(x: jax.Array) -> jax.Array:
        return x * x

    three, four = jnp.array([1.0, 2, 3]), jnp.array([1.0, 2, 3, 4])
    assert jax.jit(double)(three).tolist() == [2, 4, 6]
    assert jax.jit(double)(four).tolist() == [2, 4, 6, 8]
    assert jax.jit(square)(three).tolist() == [1, 4, 9]


def entries(folder: Path, name: str = "*") -> list[Path]:
    return sorted(folder.glob(f"{name}-cache"))


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flip(path: Path) -> None:
    contents = bytearray(path.read_bytes())
    contents[len(contents) // 2] ^= 0xFF
    path.write_bytes(contents)


def replace(path: Path) -> None:
    other = min(entries(path.parent), key=lambda entry: entry.stat().st_size)
    path.write_bytes(b"nonsense" + other.read_bytes())


DAMAGE: list[Callable[[Path], object]] = [
    truncate,
    flip,
    replace,
    lambda path: path.write_bytes(b""),
    lambda path: path.write_bytes(bytes(1000)),
]


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("name", [pytest.param("*", marks=pytest.mark.slow), "jit_double-*"])
def test_damaged_entries_are_replaced_and_told_once(
    tmp_path: Path, damage: Callable[[Path], object], name: str, caplog: pytest.LogCaptureFixture
) -> None:
    start(tmp_path)
    before = entries(tmp_path)
    others = set(before) - set(entries(tmp_path, name))
    kept = {path: path.stat().st_mtime_ns for path in others}
    (tmp_path / "jit_double-notes").write_text("not JAX's")
    assert caplog.text == ""
    for path in entries(tmp_path, name):
        damage(path)
    start(tmp_path)
    (record,) = caplog.records
    assert f"The compilation cache {tmp_path} is damaged" in record.getMessage()
    assert entries(tmp_path) == before
    assert {path: path.stat().st_mtime_ns for path in others} == kept
    assert (tmp_path / "jit_double-notes").read_text() == "not JAX's"
    caplog.clear()
    start(tmp_path)
    assert caplog.text == ""


def test_entry_that_lost_its_time_is_removed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    start(tmp_path)
    (lost,) = entries(tmp_path, "jit_square-*")
    lost.with_name(lost.name.replace("-cache", "-atime")).unlink()
    os.utime(lost, (1, 1))
    for path in entries(tmp_path, "jit_double-*"):
        path.unlink()
    lost.rename(lost.with_name(lost.name.replace("square", "unused")))
    start(tmp_path)  # room is made for another, which looks for all times
    (record,) = caplog.records
    assert "is damaged" in record.getMessage()
    assert entries(tmp_path, "jit_unused-*") == []
    start(tmp_path)
    caplog.clear()
    start(tmp_path)
    assert caplog.text == ""
    assert len(entries(tmp_path, "jit_double-*")) == 2


def in_the_way(folder: Path) -> None:
    folder.write_text("a file")


def below_a_file(folder: Path) -> None:
    folder.parent.rmdir()
    folder.parent.write_text("a file")


def folders_for_entries(folder: Path) -> None:
    start(folder)
    for path in entries(folder):
        path.unlink()
        path.mkdir()


def folder_for_lock(folder: Path) -> None:
    (folder / ".lockfile").mkdir(parents=True)


@pytest.mark.parametrize(
    "make_unusable", [in_the_way, below_a_file, folders_for_entries, folder_for_lock]
)
def test_folder_that_cannot_be_used_is_done_without_and_told_once(
    tmp_path: Path, make_unusable: Callable[[Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "user" / "cache"
    folder.parent.mkdir()
    make_unusable(folder)
    start(folder)
    (record,) = caplog.records
    assert f"The compilation cache {folder} cannot be used (" in record.getMessage()
    assert "--compilation_cache" in record.getMessage()


def test_held_lock_is_waited_for_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    acquire = filelock.FileLock.acquire
    waited = []

    def acquire_soon(
        lock: filelock.FileLock, timeout: float | None = None, **rest: object
    ) -> object:
        waited.append(timeout)
        return acquire(lock, timeout=0.01)

    other = filelock.FileLock(tmp_path / ".lockfile", is_singleton=False)
    with other:
        monkeypatch.setattr(filelock.FileLock, "acquire", acquire_soon)
        start(tmp_path)
    (record,) = caplog.records
    assert "cannot be used" in record.getMessage()
    assert len(waited) == 1


def test_no_home_and_no_name_stop_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    without_home(monkeypatch)
    monkeypatch.chdir(tmp_path)
    startup.set_cache(Config(compilation_cache="auto"))
    (record,) = caplog.records
    assert "cannot be used" in record.getMessage()
    assert not getattr(jax.config, SETTINGS[0])
    assert list(tmp_path.iterdir()) == []


def test_other_warnings_are_shown_as_before(tmp_path: Path) -> None:
    shown: list[str] = []
    warnings.showwarning = lambda message, *rest: shown.append(str(message))
    keep_programs(tmp_path)
    with warnings.catch_warnings(action="always"):
        warnings.warn("something else", stacklevel=1)
    assert shown == ["something else"]
    assert isinstance(warnings.showwarning, program_cache._Listener)
