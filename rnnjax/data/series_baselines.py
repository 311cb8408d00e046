"""What simple methods forecast: the last value, the last period, ridge regression."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from rnnjax.data.time_series import TimeSeries, Windows

STRENGTHS = (1.0, 10.0, 100.0, 1000.0)
"""Of the ridge's penalty; validation chooses."""


def last_value(windows: Windows) -> np.ndarray:
    """The last row seen, again and again: ``[N, H, C]``."""
    return np.repeat(windows.inputs[:, -1:], windows.targets.shape[1], axis=1)


def last_period(windows: Windows, period: int) -> np.ndarray:
    """The last so many rows, again and again: ``[N, H, C]``."""
    horizon = windows.targets.shape[1]
    return windows.inputs[:, -period:][:, np.arange(horizon) % period]


def ridge(data: TimeSeries, windows: Windows) -> np.ndarray:
    """Of each column a linear function of all that was seen of it: ``[N, H, C]``.

    Args:
        data: it learns from its training rows, and its validation rows choose the penalty.
        windows: what is forecast.
    """
    from sklearn.linear_model import Ridge  # now that it is needed: it takes a second

    train, validation = data.windows(data.train), data.windows(data.validation)
    columns = []
    for c in range(train.inputs.shape[-1]):
        complete = train.known[..., c].all(axis=1)
        if not complete.any():
            columns.append(last_value(windows)[..., c])
            continue
        fitted = [
            Ridge(strength).fit(train.inputs[complete, :, c], train.targets[complete, :, c])
            for strength in STRENGTHS
        ]
        scores = [
            _mean_squared(model.predict(validation.inputs[..., c]), validation, c)
            for model in fitted
        ]
        columns.append(fitted[int(np.argmin(scores))].predict(windows.inputs[..., c]))
    return np.stack(columns, axis=-1).reshape(windows.targets.shape)


def linear_recurrence(data: TimeSeries, windows: Windows, order: int = 2) -> np.ndarray:
    r"""A linear function of the last few rows, fed back: ``[N, H, C]``.

    .. math:: x_{t+1} = \sum_{k=0}^{K-1} a_k x_{t-k} + b

    One for each column, by least squares on all training windows. Of a sine two steps say all:
    a_0 is 2 cos ω, and a_1 is -1.

    Args:
        data: its training windows are learnt from.
        windows: what is forecast.
        order: K.
    """
    rows = data.training_windows()[0].astype(np.float64)
    columns = []
    for c in range(rows.shape[-1]):
        pieces = np.lib.stride_tricks.sliding_window_view(rows[..., c], order + 1, axis=1)
        seen, then = pieces[..., :-1].reshape(-1, order), pieces[..., -1].reshape(-1)
        design = np.column_stack((seen, np.ones(len(seen))))
        weights = np.linalg.lstsq(design, then, rcond=None)[0]
        state = windows.inputs[:, -order:, c].astype(np.float64)
        found = []
        for _ in range(windows.targets.shape[1]):
            found.append(state @ weights[:-1] + weights[-1])
            state = np.column_stack((state[:, 1:], found[-1]))
        columns.append(np.stack(found, axis=1))
    return np.stack(columns, axis=-1)


def forecasts(data: TimeSeries, windows: Windows) -> dict[str, np.ndarray]:
    """What each method that suits the series forecasts, by its name."""
    found = {"last value": last_value(windows)}
    if data.period is not None and data.period <= data.input_length:
        found[f"last {data.period} rows"] = last_period(windows, data.period)
    if data.train_length < data.input_length + data.horizon:
        return found | {"linear recurrence of order 2": linear_recurrence(data, windows)}
    return found | {"ridge": ridge(data, windows)}


def metrics(
    windows: Windows, found_by: Mapping[str, np.ndarray]
) -> Mapping[str, Mapping[str, float]]:
    """The test errors of what each method has found for some windows."""
    found = {}
    for name, forecast in found_by.items():
        errors = (forecast - windows.targets)[windows.known]
        found[name] = {
            "test_loss": float(np.square(errors).mean()),
            "test_mae": float(np.abs(errors).mean()),
        }
    return found


def _mean_squared(forecast: np.ndarray, windows: Windows, column: int) -> float:
    known = windows.known[..., column]
    forecast = forecast.reshape(known.shape)
    return float(np.square(forecast - windows.targets[..., column])[known].mean())
