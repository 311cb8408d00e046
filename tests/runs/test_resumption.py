"""What may be continued, and what is refused."""

import json

import pytest

from rnnjax.errors import UsageError
from rnnjax.runs.resumption import finished_result, open_run
from rnnjax.training.settings import Config

DATA = {"name": "digits", "origin": "a file", "warning": None}


def config(folder, **settings):
    return Config(**({"workdir": str(folder), "steps": 10} | settings))


@pytest.fixture
def run(tmp_path):
    open_run("task", config(tmp_path), DATA, pytest.fail)
    return tmp_path


def test_the_same_run_is_continued(run):
    before = (run / "config.json").read_bytes()
    free = {"keep": 7, "checkpoint_every": "9", "max_skipped": 2, "debug_nans": True}
    for more in ({}, free, {"resume": "must"}, {"data_dir": "elsewhere"}):
        folder = open_run("task", config(run, **more), DATA | {"origin": "moved"}, pytest.fail)
        assert folder.path == run
        assert (run / "config.json").read_bytes() == before
        assert finished_result("task", config(run, **more)) is None
        del folder
    open_run("task", config(run), DATA, pytest.fail).write_result({"steps": 10})
    assert finished_result("task", config(run)) == {"steps": 10}


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"seed": 3}, "seed is 0 there and 3 here. Give the same flags"),
        ({"clip_norm": 0.5}, "clip_norm is None there and 0.5 here"),
        ({"steps": 20}, "steps is 10 there and 20 here."),
        ({"steps": 20}, "A run of another length is another run"),
        ({"steps": 20, "seed": 4}, "seed is 0 there and 4 here; steps is 10 there and 20 here"),
        ({"resume": "never"}, "already holds a run"),
    ],
)
def test_other_settings_are_refused_and_shown(run, more, message):
    before = {p: p.read_bytes() for p in run.iterdir()}
    with pytest.raises(UsageError) as refused:
        open_run("task", config(run, **more), DATA, pytest.fail)
    assert message in str(refused.value)
    if "resume" not in more:
        with pytest.raises(UsageError) as refused:
            finished_result("task", config(run, **more))
        assert message in str(refused.value)
    assert {p: p.read_bytes() for p in run.iterdir()} == before


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("preset", "a"), ("seed", 1), ("hidden_size", 7), ("num_layers", 2), ("optimizer", "sgd"),
        ("learning_rate", 0.5), ("schedule", "cosine"), ("clip_norm", 2.0), ("average", 0.5),
        ("batch_size", 9), ("steps", 11), ("epochs", 4), ("eval_every", 3),
    ],
)  # fmt: skip
def test_every_setting_that_changes_the_result_counts(run, name, other):
    with pytest.raises(UsageError, match=f"{name} is .* there and {other} here"):
        finished_result("task", config(run, **{name: other}))


def test_of_many_differences_the_first_are_named(run):
    saved = json.loads((run / "config.json").read_text())
    saved["flags"] = {"hidden_size": 7} | {f"other_{i}": "x" * 1000 for i in range(100)}
    (run / "config.json").write_text(json.dumps(saved))
    with pytest.raises(
        UsageError, match=r"task is absent there and task here; .* and \d+ more\."
    ) as refused:
        open_run("task", config(run), DATA, pytest.fail)
    assert len(str(refused.value)) < 1500


def test_another_task_or_other_data_are_refused(run):
    with pytest.raises(UsageError, match="task is task there and other here"):
        finished_result("other", config(run))
    with pytest.raises(UsageError, match="other data: name is digits there and mnist here"):
        open_run("task", config(run), DATA | {"name": "mnist"}, pytest.fail)


def test_where_there_must_be_a_run(tmp_path):
    with pytest.raises(UsageError, match="holds no run to continue"):
        open_run("task", config(tmp_path, resume="must"), DATA, pytest.fail)
    with pytest.raises(UsageError, match="--resume needs --workdir"):
        Config(resume="must")


def test_other_versions_are_told(run):
    saved = json.loads((run / "config.json").read_text())
    saved["versions"]["jax"] = "0.1"
    (run / "config.json").write_text(json.dumps(saved))
    told = []
    open_run("task", config(run), DATA, told.append)
    (sentence,) = told
    assert "jax is 0.1 there and " in sentence


@pytest.mark.parametrize("text", ["", "0", "0m", "5 m", "1.5h", "-3", "5d", "m"])
def test_intervals_that_are_none(text):
    with pytest.raises(UsageError, match=r"--checkpoint_every: .* is no interval"):
        Config(checkpoint_every=text)
