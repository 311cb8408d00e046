"""Quantiles and the losses of forecasts, against scikit-learn's and figures by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sklearn.metrics import mean_pinball_loss

from rnnjax.data.time_series import Windows
from rnnjax.errors import UsageError
from rnnjax.training.forecast_losses import forecast_losses, forecast_metrics, row_errors
from rnnjax.training.quantiles import pinball, quantiles_of


def some(shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


@pytest.mark.usefixtures("x64")
def test_the_pinball_loss_is_scikit_learns():
    targets, forecasts, quantiles = some(50), some((50, 3), 1), (0.1, 0.5, 0.8)
    found = pinball(targets, forecasts, quantiles).mean(axis=0)
    for own, column, quantile in zip(found, forecasts.T, quantiles, strict=True):
        assert own == pytest.approx(mean_pinball_loss(targets, column, alpha=quantile), abs=1e-12)


@pytest.mark.parametrize("text", ["", "0.1,x", "0.5,0.1", "0,0.5", "0.5,1", "0.5,0.5"])
def test_quantiles_that_are_none_are_told(text):
    with pytest.raises(UsageError, match="rising numbers between 0 and 1"):
        quantiles_of("--quantiles", text)
    assert quantiles_of("--quantiles", None) == ()


@pytest.mark.usefixtures("x64")
def test_the_loss_of_a_window_is_that_of_its_known_numbers():
    forecasts, targets, known = some((2, 3, 2, 3)), some((2, 3, 2), 1), some((2, 3, 2), 2) > 0
    known[1] = False
    found = forecast_losses(forecasts, targets, known, (0.2, 0.9))
    total = 0.0
    for h, c in zip(*np.nonzero(known[0]), strict=True):
        apart = targets[0, h, c] - forecasts[0, h, c]
        total += apart[0] ** 2 + max(0.2 * apart[1], -0.8 * apart[1])
        total += max(0.9 * apart[2], -0.1 * apart[2])
    np.testing.assert_allclose(found, [total / known[0].sum(), 0], atol=1e-12)


def test_figures_are_of_what_is_known_for_each_seed():
    forecasts, targets = some((2, 4, 3, 2, 4)), some((4, 3, 2), 1)
    known = some((4, 3, 2), 2) > 0
    inputs = np.zeros((4, 1, 2))
    windows = Windows(inputs, inputs > 0, targets, known)
    found = forecast_metrics(forecasts, windows, (0.1, 0.5, 0.9), "validation")
    for seed in range(2):
        own = forecasts[seed][known]
        error, inside = own[:, 0] - targets[known], own[:, 1] <= targets[known]
        inside &= targets[known] <= own[:, 3]
        alone = forecast_metrics(forecasts[seed], windows, (0.1, 0.5, 0.9), "validation")
        expected = {
            "loss": (error**2).mean(), "mae": abs(error).mean(), "coverage": inside.mean(),
            "band_width": (own[:, 3] - own[:, 1]).mean(),
        }  # fmt: skip
        for name, value in expected.items():
            assert found[f"validation_{name}"][seed] == pytest.approx(value, abs=1e-12)
            assert alone[f"validation_{name}"] == pytest.approx(value, abs=1e-12)
    assert set(forecast_metrics(forecasts[0], windows)) == {"test_loss", "test_mae"}
    rows = row_errors(forecasts[0, ..., 0], windows)
    own = (forecasts[0, :, 1, :, 0] - targets[:, 1])[known[:, 1]]
    assert rows[1] == pytest.approx((own**2).mean())
    none = row_errors(forecasts[0, ..., 0], windows._replace(known=known & False))
    assert np.isnan(none).all()


def test_what_is_not_known_has_no_gradient():
    known, targets = jnp.array([[[True, False]]]), jnp.zeros((1, 1, 2))
    gradient = jax.grad(lambda own: forecast_losses(own, targets, known, (0.5,)).sum())
    found = np.asarray(gradient(np.ones((1, 1, 2, 2), np.float32)))
    assert (found[0, 0, 0] != 0).all()
    assert (found[0, 0, 1] == 0).all()
