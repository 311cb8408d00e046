import json

import jax
import pytest

from rnnjax.training.errors import UsageError
from rnnjax.training.run_folder import RunFolder, read_config


def test_what_is_written_is_read_back(tmp_path):
    folder = RunFolder(tmp_path / "new" / "run")
    folder.write_config({"seed": 3}, {"name": "digits"})
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


def test_a_folder_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(UsageError, match=r"can't be written|not an empty folder"):
        RunFolder(tmp_path / "file" / "run")
    with pytest.raises(UsageError, match="not an empty folder"):
        RunFolder(tmp_path / "file")
    assert (tmp_path / "file").read_text() == "not a folder"


def test_loading_where_there_is_nothing(tmp_path):
    with pytest.raises(UsageError, match="holds no run"):
        read_config(tmp_path)
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(UsageError, match="damaged"):
        read_config(tmp_path)
