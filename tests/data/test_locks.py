from __future__ import annotations

import threading
from pathlib import Path

import filelock
import pytest

from rnnjax.data import locks
from rnnjax.data.image_sources import ImageSource
from rnnjax.data.locks import turn
from rnnjax.data.mnist import load_images
from tests.data.synthetic import Arrays, assert_holds


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "SILENT_SECONDS", 0.1)
    monkeypatch.setattr(locks, "_REMINDER_SECONDS", 0.2)


def released_later(path: Path, seconds: float) -> threading.Timer:
    lock = filelock.FileLock(path, thread_local=False, is_singleton=False)
    lock.acquire()
    timer = threading.Timer(seconds, lock.release)
    timer.start()
    return timer


def test_short_wait_is_silent(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    timer = released_later(tmp_path / "lock", 0.02)
    with turn(tmp_path / "lock", "works", "Wait."):
        timer.join()
    assert caplog.text == ""


def test_long_wait_is_told_again_and_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    timer = released_later(tmp_path / "lock", 0.6)
    with turn(tmp_path / "lock", "works", "Wait."):
        timer.join()
    assert len(caplog.records) >= 2
    expected = f"another process that works and holds the lock {tmp_path / 'lock'} "
    assert all(expected in record.getMessage() for record in caplog.records)
    assert caplog.records[0].getMessage().endswith(" Wait.")


@pytest.mark.parametrize("patience", [0.0, 0.05, 0.25])
def test_patience_has_an_end(tmp_path: Path, patience: float) -> None:
    with (
        filelock.FileLock(tmp_path / "lock", is_singleton=False),
        pytest.raises(TimeoutError, match=f"another process held its lock {tmp_path / 'lock'}"),
        turn(tmp_path / "lock", "works", "Wait.", patience),
    ):
        pass


def test_preparing_waits_aloud(
    source: ImageSource, arrays: Arrays, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    downloads = source.download_folder(tmp_path)
    downloads.mkdir(parents=True)
    timer = released_later(downloads / "lock", 0.5)
    assert_holds(load_images(source, tmp_path), arrays)
    timer.join()
    message = caplog.records[0].getMessage()
    assert "Waiting for another process that prepares mnist and holds the lock" in message
    assert message.endswith("or name another folder with --data_dir or TFDS_DATA_DIR.")
