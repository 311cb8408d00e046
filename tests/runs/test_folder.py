import json

import filelock
import jax
import pytest

from rnnjax.errors import StorageError, UsageError
from rnnjax.runs.folder import RunFolder, read_config, read_result


def test_what_is_written_is_read_back(tmp_path):
    folder = RunFolder(tmp_path / "new" / "run")
    folder.write_config({"seed": 3}, {"name": "digits"})
    folder.begin_log([])
    folder.log({"step": 0, "loss": 0.1 + 0.2})
    folder.log({"step": 5, "loss": 1e-30})
    folder.write_result({"test_accuracy": 0.5})

    config = read_config(folder.path)
    assert config["flags"] == {"seed": 3}
    assert config["versions"]["jax"] == jax.__version__
    lines = (folder.path / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == [
        {"step": 0, "loss": 0.1 + 0.2},
        {"step": 5, "loss": 1e-30},
    ]
    assert json.loads((folder.path / "result.json").read_text()) == {"test_accuracy": 0.5}


def test_a_folder_that_holds_a_run_is_refused_and_left_alone(tmp_path):
    RunFolder(tmp_path).write_config({"seed": 1}, {})
    before = {p: p.read_bytes() for p in tmp_path.iterdir()}
    with pytest.raises(UsageError, match="already holds a run"):
        RunFolder(tmp_path)
    assert {p: p.read_bytes() for p in tmp_path.iterdir()} == before


def test_a_run_that_goes_on_has_the_lines_that_are_given_and_the_config_that_was(tmp_path):
    first = RunFolder(tmp_path)
    first.write_config({"seed": 1}, {})
    first.begin_log([])
    for step in (0, 5, 10):
        first.log({"step": step, "loss": 1 / (step + 1)})
    with open(tmp_path / "metrics.jsonl", "a") as file:
        file.write('{"step": 15, "lo')  # killed while it was writing
    config = (tmp_path / "config.json").read_bytes()
    history = [{"step": 0, "loss": 1.0}, {"step": 5, "loss": 1 / 6}]
    del first

    second = RunFolder(tmp_path, resume=True)
    second.begin_log(history)
    second.log({"step": 10, "loss": 0.5})
    lines = (tmp_path / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == [*history, {"step": 10, "loss": 0.5}]
    assert (tmp_path / "config.json").read_bytes() == config


def test_one_process_at_a_time(tmp_path):
    first = RunFolder(tmp_path)
    first.write_config({}, {})
    lock = filelock.FileLock(tmp_path / ".lock")
    with pytest.raises(filelock.Timeout):
        lock.acquire(timeout=0)
    with pytest.raises(UsageError, match="another process is writing"):
        RunFolder(tmp_path, resume=True)
    del first
    RunFolder(tmp_path, resume=True)


def test_a_folder_whose_first_writes_were_interrupted_is_taken(tmp_path):
    (tmp_path / ".lock").touch()
    (tmp_path / ".config.json.part").write_text('{"fla')
    RunFolder(tmp_path).write_config({"seed": 1}, {"name": "digits"})
    assert read_config(tmp_path)["flags"] == {"seed": 1}


def test_a_file_that_cannot_be_written_is_told_and_what_was_there_stays(tmp_path):
    folder = RunFolder(tmp_path)
    folder.write_result({"test_accuracy": 0.5})
    (tmp_path / ".result.json.part").mkdir()
    with pytest.raises(StorageError, match=r"result.json could not be written \(Is a directory\)"):
        folder.write_result({"test_accuracy": 0.6})
    assert read_result(tmp_path) == {"test_accuracy": 0.5}


def test_a_folder_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(UsageError, match=r"can't be written|not an empty folder"):
        RunFolder(tmp_path / "file" / "run")
    with pytest.raises(UsageError, match="not an empty folder"):
        RunFolder(tmp_path / "file")
    (tmp_path / "metrics.jsonl").write_text("of something else")
    with pytest.raises(UsageError, match="not an empty folder"):
        RunFolder(tmp_path)
    assert (tmp_path / "file").read_text() == "not a folder"


def test_loading_where_there_is_nothing(tmp_path):
    with pytest.raises(UsageError, match="holds no run"):
        read_config(tmp_path)
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(UsageError, match=r"config.json: it is no JSON \(line 1: "):
        read_config(tmp_path)
