"""What is drawn is what was handed in."""

from __future__ import annotations

import io
import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from rnnjax.analysis import pictures
from rnnjax.analysis.bootstrap import mean_over_seeds
from rnnjax.reports.plots import draw_confusion

RNG = np.random.default_rng(0)


def saved(figure: Any) -> Any:
    """The picture as bytes, so that nothing that is drawn late goes wrong unseen."""
    file = io.BytesIO()
    figure.savefig(file, dpi=60)
    assert len(np.unique(np.asarray(Image.open(file)))) > 20
    return figure


def test_states_are_drawn_in_the_order_of_their_excitement():
    state = np.zeros((5, 3))
    state[4, 0], state[1, 1], state[2, 2] = -0.5, 0.4, 0.3
    image = RNG.random((5, 4))
    figure = saved(pictures.draw_states("title", image, {"gru": state}))
    given, drawn = (axes.images[0].get_array() for axes in figure.axes[:2])
    np.testing.assert_array_equal(given, image)
    np.testing.assert_array_equal(drawn, state[:, [1, 2, 0]])


def test_gradients_have_their_median_and_one_that_vanished_no_place():
    norms = {"gru": RNG.random((6, 9)) + 0.1}
    norms["gru"][0] = 0.0
    figure = saved(pictures.draw_gradients("title", norms, {"gru": 10 * norms["gru"]}))
    trained, before, _ = figure.axes[0].lines
    np.testing.assert_allclose(trained.get_ydata()[1:], np.median(norms["gru"], axis=1)[1:])
    np.testing.assert_allclose(before.get_ydata()[1:], 10 * trained.get_ydata()[1:])
    assert np.isnan(trained.get_ydata()[0])
    assert figure.axes[0].get_yscale() == "log"


def test_an_interval_without_an_end_leaves_the_picture():
    scales = [
        SimpleNamespace(value=100.0, low=50.0, high=300.0),
        SimpleNamespace(value=math.inf, low=80.0, high=math.inf),
    ]
    curves = {
        "as is": (np.arange(3), np.exp(-RNG.random((2, 3)))),
        "calm": (np.arange(3), np.ones((2, 3))),
    }
    figure = saved(pictures.draw_noise("title", np.array([5.0, 15.0]), scales, 64, curves))
    left, right = figure.axes
    bars = left.collections[0].get_segments()
    assert bars[0][:, 1] == pytest.approx([50, 300])
    assert bars[1][0, 1] == pytest.approx(80)
    assert bars[1][1, 1] > left.get_ylim()[1]
    assert len(right.lines) == 2 * (2 + 1)
    np.testing.assert_allclose(right.lines[2].get_ydata(), curves["as is"][1].mean(axis=0))


def test_scores_have_their_intervals():
    estimates = [mean_over_seeds(RNG.random(4)) for _ in range(3)]
    alone = [mean_over_seeds([0.5])] * 3
    figure = saved(
        pictures.draw_class_scores("title", ["a", "b", "c"], {"recall": estimates, "F1": alone})
    )
    bars = figure.axes[0].collections[0].get_segments()
    for bar, estimate in zip(bars, estimates, strict=True):
        assert bar[:, 1] == pytest.approx([estimate.low, estimate.high])


def test_a_confusion_matrix_shows_its_counts():
    counts = np.array([[90.5, 9.5], [0.0, 50.0]])
    figure = saved(draw_confusion("title", counts, ["no", "yes"]))
    assert sorted(text.get_text() for text in figure.axes[0].texts) == ["50", "9.5", "90.5"]


def test_a_comparison_shows_every_seed():
    estimates = {"a": mean_over_seeds([0.1, 0.3, 0.2]), "b": mean_over_seeds([0.5])}
    figure = saved(
        pictures.draw_comparison("title", "accuracy", {"rows": estimates}, {"guessing": 0.1})
    )
    axes = figure.axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["a", "b"]
    strokes = [line for line in axes.lines if line.get_marker() == "|" and line.get_alpha() == 0.6]
    assert [tuple(line.get_xdata()) for line in strokes] == [(0.1, 0.3, 0.2), (0.5,)]
    assert {text.get_text().strip() for text in axes.texts} == {"rows", "guessing"}
