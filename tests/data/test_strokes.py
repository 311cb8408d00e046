"""Drawings: files of strokes, noisy polygons, and mixtures without a network."""

from typing import Any

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from rnnjax.data import polygons, stroke_baselines, strokes
from rnnjax.data.drawings import Drawings, DrawingsDataset
from rnnjax.data.reading import UnusableError
from rnnjax.errors import DataError, DataUnavailableError

ARRAYS: dict[str, Any] = {
    "train_strokes": np.array([[3, 0, 0], [0, 4, 1], [0, -4, 0], [-3, 0, 1], [6, 8, 1]], np.int16),
    "train_starts": np.array([0, 4, 5]),
    "valid_strokes": np.array([[2, 2, 1]], np.int16),
    "valid_starts": np.array([0, 1]),
    "test_strokes": np.array([[1, 1, 0], [5, 0, 1]], np.int16),
    "test_starts": np.array([0, 2]),
}


def test_the_last_point_ends_and_offsets_are_divided_by_their_deviation():
    scale, parts = strokes.read_parts(ARRAYS)
    numbers = [3, 0, 0, 4, 0, -4, -3, 0, 6, 8]
    assert scale == pytest.approx(np.std(numbers), abs=1e-12)
    assert parts["train"].pens.tolist() == [[0, 1, 0, 2], [2, -1, -1, -1]]
    np.testing.assert_allclose(
        parts["train"].offsets[0] * scale, ARRAYS["train_strokes"][:4, :2], atol=1e-6
    )
    np.testing.assert_array_equal(parts["train"].offsets[1, 1:], 0)
    assert parts["train"].lengths.tolist() == [4, 1]
    assert parts["test"].pens.tolist() == [[0, 2, -1, -1]]


def test_points_come_with_the_pen_before_them():
    _, parts = strokes.read_parts(ARRAYS)
    offsets, pens, before = parts["train"].points()
    assert offsets.shape == (5, 2)
    assert pens.tolist() == [0, 1, 0, 2, 2]
    assert before.tolist() == [2, 0, 1, 0, 2]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"valid_starts": np.array([0, 2])}, "valid_starts does not rise from 0 to the 1 points"),
        ({"train_starts": np.array([0, 4, 4, 5])}, "does not rise"),
        ({"test_strokes": np.array([[1, 1, 0], [5, 0, 2]])}, "neither 0 nor 1"),
        ({"test_strokes": np.zeros((2, 2))}, "rows of three numbers"),
    ],
)
def test_arrays_of_another_form_are_told(change, message):
    with pytest.raises(UnusableError, match=message):
        strokes.read_parts(ARRAYS | change)


def test_a_file_is_read_with_its_licence_and_no_other_one_is(tmp_path, monkeypatch):
    path = tmp_path / "strokes" / "kanji.npz"
    path.parent.mkdir()
    np.savez_compressed(path, **ARRAYS)
    source = strokes.Source(strokes.digest(ARRAYS), "as it is")
    monkeypatch.setitem(strokes.SOURCES, "kanji", source)
    data = strokes.load("auto", tmp_path)
    assert (data.name, data.origin) == ("kanji", str(path))
    assert "licence  as it is" in data.described()
    assert "2 to train, 1 to validate, 1 to test" in data.described()
    other: Any = ARRAYS | {"valid_strokes": np.array([[2, 3, 1]])}
    np.savez(path, **other)
    with pytest.raises(DataError, match="other drawings than were published; replace it"):
        strokes.load("kanji", tmp_path)
    fewer: Any = {k: v for k, v in ARRAYS.items() if k != "test_starts"}
    np.savez(path, **fewer)
    with pytest.raises(DataError, match=r"kanji.npz cannot be read .*test_starts"):
        strokes.load("kanji", path.parent)
    path.write_bytes(b"PK")
    with pytest.raises(DataError, match="cannot be read"):
        strokes.load("kanji", tmp_path)


def test_a_stand_in_says_that_it_is_one(tmp_path, monkeypatch):
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    assert "NOT KANJI" in str(strokes.load().warning)
    for dataset, data_dir in (("kanji", None), ("auto", tmp_path), ("omniglot", tmp_path)):
        with pytest.raises(DataUnavailableError, match=r"\.npz is not there"):
            strokes.load(dataset, data_dir)
    assert strokes.load("polygons").warning is None
    with pytest.raises(DataError, match="no data set 'cats'"):
        strokes.load("cats")


def test_polygons_close_and_their_score_is_that_of_their_law():
    np.testing.assert_allclose(polygons.sides().sum(axis=1), 0, atol=1e-12)
    data = polygons.stand_in()
    test = data.test.offsets.astype(np.float64)
    spread: Any = polygons.DEVIATION**2
    laws = [multivariate_normal(own.ravel(), spread) for own in polygons.sides()]
    flat = test.reshape(len(test), -1)
    densities = np.stack([law.logpdf(flat) for law in laws])
    highest = densities.max(axis=0)
    expected = highest + np.log(np.exp(densities - highest).mean(axis=0))
    assert data.best_loss == pytest.approx(-expected.mean() / polygons.POINTS, abs=1e-10)
    entropy = np.log(2 * np.pi * np.e * 0.01) + np.log(3) / polygons.POINTS
    assert data.best_loss == pytest.approx(entropy, abs=0.05)


def test_mixtures_without_a_network_reach_the_entropy_of_what_they_are_given(monkeypatch):
    monkeypatch.setattr(stroke_baselines, "COMPONENTS", 2)
    rng = np.random.default_rng(0)
    pens = np.tile(np.array([0, 1, 2], np.int32), (400, 1))
    middles = np.array([[5.0, 0.0], [0.0, 5.0], [-5.0, 0.0]])
    drawn = Drawings((middles + 0.5 * rng.normal(size=(400, 3, 2))).astype(np.float32), pens)
    data = DrawingsDataset("x", "", "", 1.0, drawn, drawn, drawn)
    found = stroke_baselines.metrics(data)
    entropy = np.log(2 * np.pi * np.e * 0.25)
    without, given = (figures["test_loss"] for figures in found.values())
    assert given == pytest.approx(entropy, abs=0.1)  # offset and pen follow on the pen before
    assert without > given + np.log(3)


def test_no_deviation_of_a_mixture_is_less_than_the_bound(monkeypatch):
    monkeypatch.setattr(stroke_baselines, "COMPONENTS", 2)
    points = np.repeat(np.array([[0.0, 0.0], [1.0, 1.0]]), 50, axis=0)
    covariances: Any = stroke_baselines.fitted(points).covariances_
    np.testing.assert_allclose(np.linalg.eigvalsh(covariances), 1e-4, rtol=1e-6)
