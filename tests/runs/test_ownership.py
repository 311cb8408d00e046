"""A folder belongs to one run at a time; who has lost it writes nothing more."""

import os
import shutil
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import filelock
import pytest

from rnnjax.errors import StorageError, UsageError
from rnnjax.runs.folder import RunFolder, new_folder
from rnnjax.runs.resumption import open_run
from rnnjax.training.settings import Config
from tests.runs.saving import contents

WRITES = {
    "config": lambda folder: folder.write_config({"seed": 1}, {}),
    "begin": lambda folder: folder.begin_log([]),
    "log": lambda folder: folder.log({"step": 9, "loss": 1.0}),
    "result": lambda folder: folder.write_result({"steps": 10}),
    "id": lambda folder: folder.adopt([]),
    "pictures": lambda folder: (folder.path / "curves.png").write_bytes(b""),
}


def deleted(path):
    shutil.rmtree(path)


def moved(path):
    path.rename(path.with_name("elsewhere"))


def deleted_and_begun_anew(path):
    shutil.rmtree(path)
    return begin(path)


def deleted_and_made_again(path):
    shutil.rmtree(path)
    path.mkdir()


def another_run_past_a_removed_lock(path):
    (path / ".lock").unlink()
    return RunFolder(path, resume=True)


def another_run_where_there_are_no_locks(path):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(filelock.FileLock, "acquire", no_locks)
        return RunFolder(path, resume=True)


def no_locks(*arguments, **more):
    raise NotImplementedError


LOSSES = [
    deleted, moved, deleted_and_begun_anew, deleted_and_made_again,
    another_run_past_a_removed_lock, another_run_where_there_are_no_locks,
]  # fmt: skip


def begin(path):
    folder = RunFolder(path)
    folder.write_config({"seed": 0}, {})
    folder.begin_log([])
    folder.log({"step": 0, "loss": 0.5})
    return folder


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("lose", LOSSES)
def test_a_folder_that_was_lost_is_not_written_to(tmp_path, lose, write):
    folder = begin(tmp_path / "run")
    held = lose(tmp_path / "run")
    before = contents(tmp_path)
    with pytest.raises(StorageError, match="no longer belongs to this run") as error:
        WRITES[write](folder)
    assert "\n" not in str(error.value)
    assert contents(tmp_path) == before
    if held is not None:
        held.log({"step": 1, "loss": 0.4})


HOLD = """
import sys
from rnnjax.runs.folder import RunFolder
folder = RunFolder(sys.argv[1])
folder.write_config({}, {})
print("ready", flush=True)
sys.stdin.read()
"""


def test_the_lock_dies_with_its_process(tmp_path):
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        with pytest.raises(UsageError, match="another process is writing"):
            RunFolder(tmp_path, resume=True)
        process.kill()
        process.wait()
    RunFolder(tmp_path, resume=True).check()


def test_runs_begun_in_the_same_second_have_folders_of_their_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(time, "strftime", lambda form: "20260101-000000")
    data = {"name": "digits", "origin": "a file", "warning": None}
    runs = [open_run("task", Config(steps=1), data, pytest.fail) for _ in range(3)]
    names = ["task-20260101-000000", "task-20260101-000000-2", "task-20260101-000000-3"]
    assert [run.path.name for run in runs] == names


def test_many_at_once_get_a_folder_each(tmp_path):
    together = threading.Barrier(8)

    def make(_):
        together.wait()
        return new_folder(tmp_path / "runs", "run")

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(make, range(8)))) == 8


def test_a_new_folder_that_can_not_be_made_is_refused(tmp_path):
    (tmp_path / "runs").write_text("a file")
    with pytest.raises(UsageError, match="can't be made"):
        new_folder(tmp_path / "runs", "run")
    with pytest.raises(UsageError, match="can't be made"):
        new_folder(tmp_path / "runs" / "more", "run")


@pytest.mark.parametrize("name", ["metrics.jsonl", "result.json", "curves.png"])
def test_files_that_a_new_run_would_overwrite_are_left(tmp_path, name):
    (tmp_path / name).write_text("mine")
    with pytest.raises(UsageError, match=rf"not an empty folder .*it holds {name}"):
        RunFolder(tmp_path)
    assert contents(tmp_path) == {name: b"mine"}


def test_the_disk_has_the_metrics_before_the_result(tmp_path, monkeypatch):
    folder = begin(tmp_path / "run")
    events = []
    fsync, replace = os.fsync, os.replace

    def note_fsync(descriptor):
        events.append(("kept", os.fstat(descriptor).st_ino))
        fsync(descriptor)

    def note_replace(source, target):
        events.append(("named", os.path.basename(target)))
        replace(source, target)

    monkeypatch.setattr(os, "fsync", note_fsync)
    monkeypatch.setattr(os, "replace", note_replace)
    folder.log({"step": 9, "loss": 0.1})
    folder.write_result({"steps": 10})
    named = events.index(("named", "result.json"))
    path = folder.path
    assert ("kept", (path / "metrics.jsonl").stat().st_ino) in events[:named]
    assert ("kept", (path / "result.json").stat().st_ino) in events[:named]
    assert ("kept", path.stat().st_ino) in events[named:]
