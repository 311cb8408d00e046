import io

import jax.numpy as jnp
import numpy as np
import pytest
from matplotlib.image import imread
from rich.console import Console

from rnnjax.reports import plots
from rnnjax.reports import tables as reports
from rnnjax.reports.statistics import summarise

LABELS = np.array([0, 0, 0, 1, 1, 2])
PREDICTED = np.array([0, 0, 1, 1, 0, 0])


def render(table):
    console = Console(width=100, record=True, file=io.StringIO())
    console.print(table)
    return console.export_text()


def test_params_table_counts_every_number():
    params = {"rnn": {"w": jnp.zeros((28, 50))}, "out": {"b": jnp.zeros(10), "none": None}}
    text = render(reports.params_table(params, "a model"))
    assert "28 × 50" in text
    assert "rnn/w" in text
    assert "1,410" in text
    assert reports.count_params(params) == 1410


def test_class_scores_by_hand():
    scores = reports.class_scores(LABELS, PREDICTED, ["a", "b", "c"])
    assert scores["a"] == pytest.approx(
        {"precision": 1 / 2, "recall": 2 / 3, "f1": 4 / 7, "support": 3}
    )
    assert scores["b"] == pytest.approx(
        {"precision": 1 / 2, "recall": 1 / 2, "f1": 1 / 2, "support": 2}
    )
    assert scores["c"] == {"precision": 0, "recall": 0, "f1": 0, "support": 1}
    assert scores["mean"]["recall"] == pytest.approx((2 / 3 + 1 / 2) / 3)
    assert scores["mean"]["support"] == 6
    text = render(reports.class_table(scores, "test set"))
    assert "0.5714" in text


def test_pictures_are_drawn(tmp_path):
    history = [
        {"step": 0, "test_loss": 2.3, "test_accuracy": 0.1},
        {"step": 500, "test_loss": 0.5, "test_accuracy": 0.9},
    ]
    plots.plot_curves(tmp_path / "curves.png", "title", history)
    plots.plot_confusion(tmp_path / "confusion.png", "title", LABELS, PREDICTED, ["a", "b", "c"])
    probabilities = np.eye(3)[PREDICTED] * 0.8 + 0.1
    images = np.random.default_rng(0).integers(0, 255, (6, 8, 8))
    plots.plot_mistakes(
        tmp_path / "mistakes.png", "title", images, LABELS, probabilities, ["a", "b", "c"]
    )
    for name in ("curves", "confusion", "mistakes"):
        picture = imread(tmp_path / f"{name}.png")
        assert min(picture.shape[:2]) > 400
        assert picture[..., :3].std() > 0.05, "not a blank page"


def test_several_seeds_have_a_band_of_their_deviation(tmp_path, monkeypatch):
    figures = []
    draw = plots.titled_axes
    monkeypatch.setattr(plots, "titled_axes", lambda *a: figures.append(draw(*a)) or figures[-1])
    history = [
        {"step": step, **summarise({"test_loss": losses, "test_accuracy": accuracies})}
        for step, losses, accuracies in (
            (0, np.array([2.0, 3.0]), np.array([0.1, 0.3])),
            (9, np.array([1.0, 1.5]), np.array([0.7, 0.8])),
        )
    ]
    plots.plot_curves(tmp_path / "curves.png", "title", history)
    left, right = figures[0][0].axes
    for axes, name in ((left, "test_loss"), (right, "test_accuracy")):
        (band,) = axes.collections
        corners = band.get_paths()[0].vertices
        for metrics in history:
            edges = corners[corners[:, 0] == metrics["step"], 1]
            assert edges.min() == pytest.approx(metrics[name] - metrics["sd"][name])
            assert edges.max() == pytest.approx(metrics[name] + metrics["sd"][name])
    without = [{k: v for k, v in metrics.items() if k != "sd"} for metrics in history]
    plots.plot_curves(tmp_path / "one.png", "title", without)
    assert not any(axes.collections for axes in figures[1][0].axes)


def test_the_predictions_of_several_seeds_count_together():
    scores = reports.class_scores(LABELS, np.stack([PREDICTED, LABELS]), ["a", "b", "c"])
    assert scores["a"]["recall"] == pytest.approx((2 + 3) / 6)
    assert scores["mean"]["support"] == 12
