"""Series in windows, waves that a program makes, and what simple methods forecast."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from rnnjax.data import series, series_baselines, waves
from rnnjax.data.time_series import Scale, Windows, cut, filled
from rnnjax.errors import DataError, DataUnavailableError

ABOUT = {"name": "x", "origin": "", "licence": "", "columns": ("a", "b")}


def walk(rows=60, seed=0):
    return np.random.default_rng(seed).normal(size=(rows, 2)).cumsum(axis=0)


def simple(data):
    windows = data.windows(data.test)
    return series_baselines.metrics(windows, series_baselines.forecasts(data, windows))


def test_windows_to_test_reach_back_with_what_they_see_and_never_with_what_they_forecast():
    values = walk()
    data = cut(values, (30, 12, 10), 5, 3, **ABOUT)
    assert data.train.tolist() == [*range(23)]
    assert data.validation.tolist() == [*range(25, 35)]
    assert data.test.tolist() == [*range(37, 45)]
    windows = data.windows(data.test)
    assert windows.inputs.shape == (8, 5, 2)
    assert windows.targets.shape == (8, 3, 2)
    restored = data.scale.restored(windows.targets)
    np.testing.assert_allclose(restored[-1], values[49:52], atol=1e-5)
    np.testing.assert_allclose(data.scale.mean, values[:30].mean(axis=0))
    np.testing.assert_allclose(data.scale.deviation, values[:30].std(axis=0))
    rows, known = data.training_windows()
    np.testing.assert_array_equal(rows[3], data.values[3:11])
    assert known.all()
    assert len(cut(values, (30, 12, 10), 5, 3, stride=4, **ABOUT).train) == 6
    assert "23 to train, 10 to validate, 8 to test" in data.described()


def test_gaps_hold_the_value_before_and_are_known_as_gaps():
    values = walk()
    values[7, 1] = values[8, 1] = values[0, 0] = np.nan
    data = cut(values, (30, 12, 10), 5, 3, **ABOUT)
    assert data.has_gaps
    assert not data.known[7, 1]
    assert data.values[8, 1] == data.values[6, 1]
    assert data.values[0, 0] == 0
    np.testing.assert_allclose(data.scale.mean[0], np.nanmean(values[:30, 0]))
    assert (
        "1.9 % of the numbers missing" not in cut(walk(), (30, 12, 10), 5, 3, **ABOUT).described()
    )
    np.testing.assert_array_equal(filled(np.array([[np.nan], [3.0]])), [[0.0], [3.0]])


def test_a_constant_column_is_no_division_by_zero():
    scale = Scale.of(np.full((4, 1), 7.0))
    assert scale.standardised(np.full((1, 1), 7.0)).tolist() == [[0.0]]


def test_series_that_are_too_short_or_empty_are_told():
    with pytest.raises(DataError, match="has 30 rows to train, of 60; windows of 30 and 3 rows"):
        cut(walk(), (30, 12, 10), 30, 3, **ABOUT)
    with pytest.raises(DataError, match="10 rows to test"):
        cut(walk(), (30, 12, 10), 5, 11, **ABOUT)
    values = walk()
    values[:30, 1] = np.nan
    with pytest.raises(DataError, match="the column 'b' has no number"):
        cut(values, (30, 12, 10), 5, 3, **ABOUT)


def test_a_table_of_ones_own_is_cut_in_three(tmp_path, monkeypatch):
    path = tmp_path / "mine.csv"
    rows = "\n".join(f"{i},{i % 7}" for i in range(50))
    path.write_text(f"t,x\n{rows}\n")
    data = series.load(csv=str(path), columns=["x"], input_length=4, horizon=2, period=7)
    assert (data.name, data.columns, data.period) == ("mine", ("x",), 7)
    assert len(data.train) == 30 - 5
    assert len(data.test) == len(data.validation) == 9
    with pytest.raises(DataError, match="can't be read"):
        series.load(csv=str(tmp_path / "none.csv"))
    with pytest.raises(DataError, match="no data set 'songs'"):
        series.load("songs")

    def none(*args, **options):
        raise DataUnavailableError("It is not here.")

    monkeypatch.setattr(series, "read_originals", none)
    assert "NOT ETTh1" in str(series.load().warning)
    for dataset, data_dir in (("etth1", None), ("auto", "anywhere")):
        with pytest.raises(DataUnavailableError):
            series.load(dataset, data_dir)
    assert series.load("two_sines").warning is None


def test_waves_go_on_as_they_began_and_noise_is_what_remains():
    data = waves.sine_waves(100, 1200, seed=1)
    assert data.values.shape == (103 * 1300, 1)
    windows = data.windows(data.test)
    together = np.concatenate((windows.inputs, windows.targets), axis=1)[..., 0]
    again = 2 * np.cos(0.05) * together[:, 1:-1] - together[:, :-2]
    np.testing.assert_allclose(together[:, 2:], again, atol=1e-6)
    assert data.training_windows()[0].shape == (97, 1000, 1)
    noisy = waves.two_sines(120, 10)
    clean = sum(np.sin(2 * np.pi * np.arange(8000) / p) for p in (24, 60))
    apart = noisy.scale.restored(noisy.values.astype(float))[:, 0] - clean
    in_deviations = apart / noisy.scale.deviation[0]
    assert np.square(in_deviations).mean() == pytest.approx(noisy.best_mse, rel=0.1)


def test_how_late_a_wave_is():
    t = np.arange(300) * waves.RATE
    late = waves.phase_errors(
        np.stack((np.sin(t - 0.1), np.sin(t + 0.2))), np.sin(t)[None] + 0 * t[:2, None]
    )
    assert late == [0.1, -0.2]


def test_simple_methods_forecast_what_their_names_say():
    data = cut(walk(200), (120, 40, 40), 6, 4, **ABOUT, period=3)
    windows = data.windows(data.test)
    found = series_baselines.forecasts(data, windows)
    np.testing.assert_array_equal(found["last value"][5, :, 1], [windows.inputs[5, -1, 1]] * 4)
    last = windows.inputs[5, -3:, 0]
    np.testing.assert_array_equal(found["last 3 rows"][5, :, 0], [*last, last[0]])
    train, validation = data.windows(data.train), data.windows(data.validation)
    scores = {}
    for strength in series_baselines.STRENGTHS:
        model = Ridge(strength).fit(train.inputs[..., 1], train.targets[..., 1])
        error = model.predict(validation.inputs[..., 1]) - validation.targets[..., 1]
        scores[np.square(error).mean()] = model.predict(windows.inputs[..., 1])
    np.testing.assert_allclose(found["ridge"][..., 1], scores[min(scores)], rtol=1e-5)
    figures = simple(data)
    errors = found["last value"] - windows.targets
    assert figures["last value"]["test_loss"] == pytest.approx(np.square(errors).mean())
    assert figures["last value"]["test_mae"] == pytest.approx(np.abs(errors).mean())


def test_what_is_not_known_counts_in_no_figure():
    values = walk(200)
    values[50, 0] = values[190, 1] = np.nan
    data = cut(values, (120, 40, 40), 6, 4, **ABOUT)
    whole = data._replace(known=np.ones_like(data.known))
    windows = data.windows(data.test)
    errors = (windows.inputs[:, -1:] - windows.targets)[windows.known]
    figures = simple(data)
    assert figures["last value"]["test_loss"] == pytest.approx(np.square(errors).mean())
    assert figures["ridge"] != simple(whole)["ridge"]


def test_two_steps_say_all_of_a_sine():
    data = waves.sine_waves(100, 1000)
    windows = data.windows(data.test)
    found = series_baselines.forecasts(data, windows)
    assert set(found) == {"last value", "linear recurrence of order 2"}
    error = found["linear recurrence of order 2"] - windows.targets
    assert np.square(error).mean() < 1e-4
    nothing = Windows(*(array[:0] for array in windows))
    assert series_baselines.last_value(nothing).shape == (0, 1000, 1)
