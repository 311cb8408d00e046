"""How the models of a series learn and forecast."""

import dataclasses

import jax
import numpy as np
import pytest

from experiments.time_series import Config
from rnnjax.data.time_series import Scale, Windows, cut
from rnnjax.errors import DataError, UsageError
from rnnjax.experiment import forecasting
from rnnjax.experiment.forecaster import Forecaster, running_freely
from tests.running import quick_jit

SMALL = {"hidden_size": 2, "input_length": 4, "horizon": 2, "segment": 2, "dropout": 0.0}


def series(gaps=False):
    values = np.random.default_rng(0).normal(size=(40, 2)).cumsum(axis=0)
    if gaps:
        values[3::5, 1] = np.nan
    return cut(values, (20, 10, 10), 4, 2, name="x", origin="", licence="", columns=("a", "b"))


@pytest.mark.usefixtures("x64")
def test_free_running_reads_what_was_said():
    class Counting:
        """A layer whose carry is what it has read."""

        def initial_carry(self, shape):
            return np.zeros((*shape, 1))

    def apply(params, xs, carry):
        sums = carry[:, None] + xs.cumsum(axis=1)
        return sums[:, -1], params * sums

    values = np.array([[[1.0], [2.0]], [[0.5], [-1.0]]])
    found = running_freely(apply, Counting(), 4)(0.5, values)  # type: ignore[arg-type]
    for row, own in enumerate(values[..., 0]):
        total, expected = own.sum(), []
        for _ in range(4):
            expected.append(0.5 * total)
            total += expected[-1]
        np.testing.assert_allclose(found[row, :, 0, 0], expected)


@pytest.mark.parametrize("model", ["segments", "steps", "recursive"])
def test_a_window_is_learnt_from_what_follows_what_was_seen(model):
    quantiles = None if model == "recursive" else "0.2,0.8"
    config = Config(**SMALL, model=model, quantiles=quantiles)
    data = series(gaps=True)
    forecaster = Forecaster.of(config, 2, data.has_gaps)
    params = quick_jit(forecaster.init)(jax.random.key(0))
    values, known = (array[:3] for array in data.training_windows())
    loss = quick_jit(lambda v, k: forecaster.loss(params, (), (v, k), jax.random.key(1))[0])
    forecast = quick_jit(lambda v, k: forecaster.forecast(params, (v, k)))
    own = forecast(values[:, :4], known[:, :4])
    assert own.shape == (3, 2, 2, 1 + len(forecaster.quantiles))
    whole = loss(values, known)
    moved = loss(values + (np.arange(6)[:, None] >= 4), known)
    assert (np.asarray(moved) != np.asarray(whole)).all()
    not_known = known.copy()
    not_known[:, 4:] = False
    if model != "recursive":
        errors = np.square(own[..., 0] - values[:, 4:])
        for k, quantile in enumerate(forecaster.quantiles, 1):
            apart = values[:, 4:] - own[..., k]
            errors += np.maximum(quantile * apart, (quantile - 1) * apart)
        expected = [row[k].mean() for row, k in zip(errors, known[:, 4:], strict=True)]
        np.testing.assert_allclose(whole, expected, rtol=1e-4)
        assert loss(values, not_known).tolist() == [0, 0, 0]


def test_a_run_knows_its_columns_and_their_scale():
    config, data = Config(**SMALL), series(gaps=True)
    text = Forecaster.of(config, 2, True).to_json(data)
    again, scale, columns = Forecaster.of_run(config, text)
    assert again.has_gaps
    assert columns == ("a", "b")
    np.testing.assert_array_equal(scale.mean, data.scale.mean)
    np.testing.assert_array_equal(scale.deviation, data.scale.deviation)


def test_settings_that_do_not_go_together_are_told():
    with pytest.raises(UsageError, match="can't be cut into segments of --segment=5"):
        Config(input_length=96, segment=5)
    with pytest.raises(UsageError, match="has no --quantiles and no --dropout"):
        Config(model="recursive")


def test_the_next_rows_of_a_table_are_in_its_units(tmp_path):
    config = Config(**SMALL)
    scale = Scale(np.array([10.0, -5.0]), np.array([2.0, 0.5]))

    def last_value(params, seen):
        values, known = seen
        last = values[:, -1:, :, None] + np.zeros((1, 2, 2, 4))
        return last.at[..., 1].add(-1.0).at[..., 3].set(known[:, -1:].astype(float))

    forecaster = dataclasses.replace(Forecaster.of(config, 2, True), forecast=last_value)
    path = tmp_path / "mine.csv"
    path.write_text("a,day,b\n1,Mo,1\n2,Tu,2\n3,We,3\n4,Th,4\n12,Fr,\n")
    text = forecasting.next_rows(config, forecaster, {}, scale, ("a", "b"), str(path))
    header, first, second = text.splitlines()
    assert header == "row,a,a 0.1,a 0.5,a 0.9,b,b 0.1,b 0.5,b 0.9"
    assert first == "1,12,10,12,12,4,3.5,4,-5"
    assert second == "2" + first[1:]
    path.write_text("a,b\n1,1\n2,2\n")
    with pytest.raises(UsageError, match="has 2 rows, but the model sees 4"):
        forecasting.next_rows(config, forecaster, {}, scale, ("a", "b"), str(path))
    path.write_text("a\n1\n2\n")
    with pytest.raises(DataError, match="no column 'b'"):
        forecasting.next_rows(config, forecaster, {}, scale, ("a", "b"), str(path))


def test_errors_are_told_of_the_first_rows():
    shape = (2, 20, 1)
    windows = Windows(
        np.zeros((2, 1, 1)), np.ones((2, 1, 1), bool), np.zeros(shape), np.ones(shape, bool)
    )
    forecasts = np.broadcast_to(np.arange(20.0)[:, None, None], (2, 20, 1, 1))
    found = forecasting.first_rows(windows, forecasts)
    assert found == {
        2: pytest.approx(0.5), 10: pytest.approx(28.5), 20: pytest.approx(123.5),
    }  # fmt: skip
