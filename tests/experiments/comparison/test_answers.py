"""What is said of settings, from groups with outcomes that are written down here."""

import math
import types
from typing import Any

import jax
import numpy as np
import pytest

from experiments.comparison import pictures
from experiments.comparison.group import Group, Plan
from experiments.comparison.questions import cells, sweep
from experiments.comparison.study import Study
from experiments.comparison.sweep import Sweep
from experiments.comparison.tasks import TASKS
from experiments.comparison.trials import best_of, trials_of
from experiments.mnist_rnn import Config
from rnnjax.devices.layout import Layout


def group_of(plan, accuracy, diverged=None, num_params=100):
    """A group with these accuracies ``[V, S]``; a loss is what an accuracy lacks."""
    accuracy = np.asarray(accuracy, float)
    diverged = np.zeros(accuracy.shape, bool) if diverged is None else np.asarray(diverged)
    loss = np.where(diverged, math.nan, 1.01 - accuracy)
    runs, seeds = accuracy.size, accuracy.shape[1]
    layout = Layout.over(jax.devices()[:1], num_seeds=runs, num_settings=len(accuracy))
    history = []
    for step, share in ((0, 0.5), (50, 0.7), (100, 0.9), (149, 1.0)):
        values = {
            "test_loss": (loss / share).ravel().tolist(),
            "test_accuracy": (accuracy * share).ravel().tolist(),
        }
        history.append({"step": step, "seeds": values} if runs > 1 else
                       {"step": step, **{k: v[0] for k, v in values.items()}})  # fmt: skip
    result = {
        "runs": {
            "test_loss": loss.ravel().tolist(),
            "test_accuracy": accuracy.ravel().tolist(),
            "diverged": diverged.ravel().tolist(),
        },
        "num_params": num_params,
        "train_seconds": 0.6,
        "steps": 150,
    }
    problem: Any = types.SimpleNamespace(
        title="gru on digits", watched="test", dataset=types.SimpleNamespace(name="digits")
    )
    return Group(plan, Config(num_seeds=seeds), problem, layout, None, history, result)


def rates_of(*rates):
    return Plan("rates", settings=[{"learning_rate": rate} for rate in rates])


def test_the_best_is_named_with_its_interval_and_those_that_are_as_good():
    wobble = np.array([0.0, 0.01, -0.01, 0.005, -0.005, 0.002])
    accuracy = [0.8 + wobble, 0.9 + wobble, 0.899 + wobble[::-1], 0.85 + wobble]
    group = group_of(rates_of(0.001, 0.01, 0.02, 0.1), accuracy)
    said = sweep.sentences(trials_of([group]))
    assert said[0].startswith(
        "Of 4 values of learning rate, 0.01 has the highest mean test accuracy after 150 steps: "
        "0.9003 [0.89"
    )
    assert "can't be told apart from it: 0.02 (-0.0010 [-0.0" in said[1]
    assert said[2].startswith(
        "2 of the others are worse by more than chance explains; the nearest of them, 0.1, "
        "differs by -0.0500 [-0.0500, -0.0500]"
    )
    assert "No run diverged." in said
    assert not any(sentence.startswith("Mind") for sentence in said)


def test_one_seed_has_no_interval_and_that_is_said():
    said = sweep.sentences(trials_of([group_of(rates_of(0.1, 0.2), [[0.5], [0.6]])]))
    assert said[0].endswith("0.6000 (one seed).")
    assert "Mind: one seed: no interval." in said
    assert not any("chance" in sentence for sentence in said)


@pytest.fixture
def with_divergence():
    diverged = [[False, False], [False, True], [True, True]]
    return group_of(rates_of(0.1, 1.0, 10.0), [[0.9, 0.91], [0.95, 0.96], [0.99, 0.1]], diverged)


def test_divergence_is_said_counted_and_never_the_best(with_divergence):
    trials = trials_of([with_divergence])
    assert best_of(trials).label == "0.1"
    said = " ".join(sweep.sentences(trials))
    assert "diverged (NaN or infinity; they stay in every mean" in said
    assert "1 of 2 at 1, 2 of 2 at 10" in said
    table = sweep.table(trials)
    assert [row[-1] for row in table.rows] == [0, 1, 2]
    assert math.isnan(table.rows[1][1].value)


def test_pictures_can_be_drawn_of_divergence_too(with_divergence, tmp_path):
    trials = trials_of([with_divergence])
    drawn = sweep.figures(trials, [Sweep("learning_rate", (0.1, 1.0, 10.0))])
    drawings = [figure.drawing for figure in drawn]
    drawings.append(pictures.by_name("cells", trials, ["a", "b", "c"]))
    drawings.append(pictures.against_cost("cost", trials, ["a", "b", "c"]))
    for drawing in drawings:
        drawing.savefig(tmp_path / "picture.png")  # warnings are errors
    texts = [text.get_text() for axes in drawings[0].axes for text in axes.texts]
    assert "×\n1/2\ndiverged" in texts
    assert "×\n2/2\ndiverged" in texts
    assert drawings[0].axes[0].get_xscale() == "log"


def test_settings_of_two_kinds_are_lines_over_the_one_that_is_a_number():
    groups = [
        group_of(Plan(cell, {"cell": cell}, rates_of(0.1, 0.2, 0.4).settings), accuracy)
        for cell, accuracy in (
            ("gru", [[0.8, 0.81], [0.9, 0.91], [0.7, 0.71]]),
            ("lstm", [[0.7, 0.71], [0.8, 0.81], [0.6, 0.61]]),
        )
    ]
    trials = trials_of(groups)
    sweeps = [Sweep("cell", ("gru", "lstm")), Sweep("learning_rate", (0.1, 0.2, 0.4))]
    figure, _ = sweep.figures(trials, sweeps)
    labels = figure.drawing.axes[1].get_legend_handles_labels()[1]
    assert labels == ["cell gru", "cell lstm"]
    means = [line for line in figure.drawing.axes[1].lines if line.get_label() in labels]
    np.testing.assert_allclose(np.asarray(means[0].get_ydata()), [0.805, 0.905, 0.705])
    assert best_of(trials).label == "gru, 0.2"


def test_cells_are_compared_at_equal_width_and_at_equal_count():
    config = Config(cell="simple_rnn", hidden_size=64, dataset="digits")
    study = Study(TASKS["mnist_rnn"], config, Any)  # pyright: ignore[reportArgumentType]
    images = np.zeros((1, 8, 8), np.uint8)
    data: Any = types.SimpleNamespace(train_images=images, class_names=tuple("0123456789"))
    study.__dict__["data"] = data
    parts = {(part.what, part.how): part for part in cells.parts_of(study)}
    assert len(parts) == 5

    def changes(what, how, name):
        return [plan.changes[name] for plan in parts[what, how].plans]

    assert changes("cell", cells.WIDTH, "cell") == ["simple_rnn", "gru", "lstm"]
    assert changes("cell", cells.WIDTH, "hidden_size") == [64] * 3
    assert changes("layers", cells.WIDTH, "num_layers") == [1, 2, 3]
    assert changes("activation", cells.WIDTH, "activation") == list(cells.ACTIVATIONS)
    wanted = 64 * (8 + 64 + 1) + 650
    for what in ("cell", "layers"):
        widths = changes(what, cells.COUNT, "hidden_size")
        assert widths[0] == 64
        for plan in parts[what, cells.COUNT].plans:
            at = Config(**plan.changes)
            assert study.task.count_params(at, data) == pytest.approx(wanted, rel=0.05)
    names = {plan.name for part in parts.values() for plan in part.plans}
    assert len(names) == 3 + 2 + 2 + 2 + 3, "what parts share is trained once"


def test_the_answer_about_cells_grows_with_the_groups():
    plans = [Plan(name, {"cell": name, "num_layers": 1, "hidden_size": 20})
             for name in ("simple_rnn", "gru")]  # fmt: skip
    part = cells.Part("cell", cells.WIDTH, plans)
    groups = [group_of(plans[0], [[0.8, 0.82]], num_params=50), group_of(plans[1], [[0.9, 0.91]])]
    done = {trial.group.name: trial for trial in trials_of(groups)}
    first = cells.answer_of([part], {"gru": done["gru"]})
    assert first.tables == []
    assert "No run diverged." not in first.sentences
    whole = cells.answer_of([part], done)
    assert whole.sentences[0].startswith(
        "Cell, at equal width: the highest mean test accuracy is that of gru, 0.9050 [0.8415, "
        "0.9685], with 100 parameters and 2.00 ms per step; compared with it, seed by seed, "
        "simple_rnn -0.0950 ["
    )
    assert [row[0] for row in whole.tables[0].rows] == ["simple_rnn", "gru"]
    assert [figure.name for figure in whole.figures] == ["cost", "cell-equal-width"]
