"""Runs that differ in numbers, trained at once, are what the task's own script makes of each."""

import dataclasses
import json
from typing import Any

import jax
import numpy as np
import pytest
from rich.console import Console

from experiments import binary_sequence, imdb_sentiment, mnist_rnn
from experiments.comparison.group import Plan
from experiments.comparison.study import Study
from experiments.comparison.tasks import TASKS
from rnnjax.devices.layout import SEEDS, Layout
from rnnjax.errors import UsageError
from rnnjax.experiment.command_line import merge
from rnnjax.experiment.order import run

SCRIPTS = {"mnist_rnn": mnist_rnn, "imdb_sentiment": imdb_sentiment}
SCRIPTS |= {"binary_sequence": binary_sequence}

SMALL: dict[str, dict[str, Any]] = {
    "mnist_rnn": {
        "dataset": "digits", "hidden_size": 6, "steps": 24, "eval_every": 12, "average": 0.9,
    },
    "binary_sequence": {
        "batch_size": 16, "row_length": 200, "steps": 24, "eval_every": 12, "optimizer": "adamw",
    },
    "imdb_sentiment": {
        "dataset": "grammar", "max_length": 16, "hidden_size": 4, "embedding_size": 8,
        "num_validation": 1000, "steps": 12, "eval_every": 6, "eval_length": None, "cell": "gru",
    },
}  # fmt: skip

SETTINGS = {
    "mnist_rnn": [
        {"learning_rate": 0.01, "initial_scale": 1.0},
        {"learning_rate": 0.03, "initial_scale": 0.5},
    ],
    "binary_sequence": [{"learning_rate": 0.01}, {"learning_rate": 0.05}],
    "imdb_sentiment": [
        {"learning_rate": 0.01, "dropout": 0.0, "word_dropout": 0.2, "embedding_dropout": 0.1},
        {"learning_rate": 0.02, "dropout": 0.4, "word_dropout": 0.0, "embedding_dropout": 0.3},
    ],
}


def study_of(task, folder, **flags):
    given = SMALL[task] | {"workdir": str(folder)} | flags
    config = merge(TASKS[task].config, {}, given)
    return Study(TASKS[task], config, Console(quiet=True))


def run_alone(task, folder, **flags):
    """The evaluations, and the result, of the task's own script."""
    given = SMALL[task] | {"workdir": str(folder), "precision": "f64"} | flags
    result = run(TASKS[task], merge(TASKS[task].config, {}, given))
    lines = (folder / "metrics.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines], result


def all_at_once(layout, function, in_axes):
    """What `Layout.over_seeds` does on an accelerator."""
    if layout.num_seeds == 1:
        return function
    return jax.vmap(function, tuple(in_axes), axis_name=SEEDS, spmd_axis_name=SEEDS)


@pytest.mark.slow
@pytest.mark.parametrize("task", SMALL)
@pytest.mark.usefixtures("x64")
def test_every_run_of_a_sweep_equals_the_script_with_its_flags(task, tmp_path, monkeypatch):
    if task == "imdb_sentiment":
        monkeypatch.setattr(Layout, "over_seeds", all_at_once)
    plan = Plan("sweep", settings=SETTINGS[task])
    (group,) = study_of(task, tmp_path / "study", num_seeds=2, precision="f64").run([plan])
    watched = group.problem.watched
    alone, result = run_alone(task, tmp_path / "alone", seed=1, **SETTINGS[task][1])
    for name in ("train_loss", f"{watched}_loss", f"{watched}_accuracy"):
        expected = [metrics[name] for metrics in alone]
        assert group.curve(name)[1, 1] == pytest.approx(expected, rel=1e-10), name
    for name in ("test_loss", "test_accuracy"):
        assert group.final(name)[1, 1] == pytest.approx(result[name], rel=1e-10)
    assert group.num_params == result["num_params"]
    assert len(np.unique(group.final("test_loss"))) == 4


@pytest.fixture(scope="module")
def diverged(tmp_path_factory):
    """One run whose numbers overflow, between two that learn."""
    folder = tmp_path_factory.mktemp("diverged")
    study = study_of("mnist_rnn", folder, optimizer="sgd", average=None, activation="relu",
                     cell="simple_rnn")  # fmt: skip
    rates = [{"learning_rate": rate} for rate in (0.05, 1e38, 0.1)]
    (group,) = study.run([Plan("rates", settings=rates)])
    return study, group


def test_a_run_that_diverges_does_not_stop_the_others(diverged):
    study, group = diverged
    assert group.diverged.tolist() == [[False], [True], [False]]
    (alone,) = study_of(
        "mnist_rnn", study.folder.parent / "alone", optimizer="sgd", average=None,
        activation="relu", cell="simple_rnn",
    ).run([Plan("rates", settings=[{"learning_rate": 0.1}])])  # fmt: skip
    assert not alone.diverged.any()
    assert group.final("test_loss")[2, 0] == pytest.approx(alone.final("test_loss")[0, 0], rel=1e-3)
    assert alone.logits.shape == (1, 1, 297, 10)


def times_of_files(folder):
    """When each was written, but for those that say who has the folder."""
    files = [p for p in folder.rglob("*") if p.is_file() and p.name not in (".lock", ".owner")]
    return {path: path.stat().st_mtime_ns for path in files}


def test_a_finished_group_is_read_and_not_trained(diverged):
    study, group = diverged
    again = Study(study.task, study.config, study.console)
    before = times_of_files(study.folder)
    del study._opened  # another process would have let it go
    (read,) = again.run([group.plan])
    assert times_of_files(study.folder) == before
    np.testing.assert_array_equal(read.logits, group.logits)
    np.testing.assert_array_equal(read.curve("train_loss"), group.curve("train_loss"))
    assert read.result == group.result
    params = read.params_of(2)
    assert params["rnn"]["w_h"].shape == (6, 6)
    accuracy = (group.logits[2, 0].argmax(-1) == group.problem.test_labels).mean()
    assert group.final("test_accuracy")[2, 0] == pytest.approx(accuracy)


def test_a_group_of_other_numbers_is_refused(diverged):
    study, group = diverged
    other = dataclasses.replace(group.plan, settings=[{"learning_rate": 0.2}] * 3)
    again = Study(study.task, study.config, study.console)
    again.__dict__["folder"] = study.folder
    with pytest.raises(UsageError, match=r"settings is .* there and .* here"):
        again.run([other])


def test_two_groups_of_one_name_are_refused(tmp_path):
    study = study_of("mnist_rnn", tmp_path)
    with pytest.raises(UsageError, match="two groups of this study have the same name"):
        study.run([Plan("a"), Plan("a", {"cell": "lstm"})])
    assert not list(tmp_path.iterdir())
