"""What `experiments/time_series.py` tells of forecasts, and those of a table's next rows."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import numpy as np

from rnnjax.data.reading import own_file
from rnnjax.data.series import A_TABLE
from rnnjax.data.table_file import read_table
from rnnjax.data.time_series import Scale, TimeSeries, Windows, filled
from rnnjax.errors import UsageError
from rnnjax.experiment.forecaster import Forecaster
from rnnjax.reports.forecasts import Panel
from rnnjax.training.forecast_losses import forecast_metrics, row_errors

MOST_PANELS = 4


def scoring(
    predict: Callable[[Any], jax.Array], windows: Windows, quantiles: Sequence[float], prefix: str
) -> Callable[[Any], Mapping[str, np.ndarray]]:
    """The figures of `forecast_metrics`, as a function of parameters."""
    return lambda params: forecast_metrics(predict(params), windows, quantiles, prefix)


def first_rows(windows: Windows, forecasts: Any) -> dict[int, float]:
    """The mean squared error of a tenth, of half and of all of the rows forecast.

    Args:
        windows: with the targets.
        forecasts: ``[N, H, C, 1 + Q]``.
    """
    errors = row_errors(np.asarray(forecasts)[..., 0], windows)
    horizon = len(errors)
    counts = sorted({max(horizon // 10, 1), max(horizon // 2, 1), horizon})
    return {count: float(np.nanmean(errors[:count])) for count in counts}


def panels(data: TimeSeries, windows: Windows, forecasts: Any) -> list[Panel]:
    """Some test forecasts to draw, in the units of the data.

    Of one series two, the second of which begins where the first ends; of many waves one of each.

    Args:
        data: the series.
        windows: of its test.
        forecasts: ``[N, H, C, 1 + Q]``.
    """
    count, horizon = windows.targets.shape[:2]
    forecasts, is_one = np.asarray(forecasts), bool(np.all(np.diff(data.test) == 1))
    if is_one:
        middle = max(0, (count - horizon) // 2)
        rows = [place for place in (middle, middle + horizon) if place < count]
        columns = np.linspace(0, len(data.columns) - 1, min(len(data.columns), MOST_PANELS))
        shown = [(data.columns[int(c)], rows, int(c)) for c in columns]
    else:
        shown = [(f"test {i + 1}", [i], 0) for i in range(min(count, MOST_PANELS))]
    found = []
    for name, rows, c in shown:
        mean, deviation = data.scale.mean[c], data.scale.deviation[c]
        before, came = (
            np.where(known, values, np.nan)[..., c] * deviation + mean
            for values, known in (
                (windows.inputs[rows[0]], windows.inputs_known[rows[0]]),
                (windows.targets[rows], windows.known[rows]),
            )
        )
        own = forecasts[rows, :, c].reshape(-1, forecasts.shape[-1]) * deviation + mean
        starts = [i * horizon for i in range(len(rows))]
        found.append(Panel(name, before[-horizon:], came.reshape(-1), own, starts))
    return found


def next_rows(
    config: Any,
    forecaster: Forecaster,
    params: Any,
    scale: Scale,
    columns: Sequence[str],
    path: str,
) -> str:
    """The rows that come after a user's table, as a CSV in its units.

    Args:
        config: the settings of the run.
        forecaster: its model.
        params: of one seed.
        scale: of its numbers.
        columns: that it knows.
        path: of the table.

    Raises:
        UsageError: the table is shorter than what the model sees.
    """
    table = read_table(own_file(path, A_TABLE), path, columns)
    length = config.input_length
    if len(table.values) < length:
        raise UsageError(
            f"--forecast: {path} has {len(table.values):,} rows, but the model sees {length}; give "
            "a table with at least as many."
        )
    values = filled(scale.standardised(table.values))[-length:].astype(np.float32)
    known = ~np.isnan(table.values[-length:])
    found = np.asarray(jax.jit(forecaster.forecast)(params, (values[None], known[None])))[0]
    restored = scale.restored(found.swapaxes(1, 2)).swapaxes(1, 2)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    kinds = ("", *(f" {quantile:g}" for quantile in forecaster.quantiles))
    writer.writerow(("row", *(f"{column}{kind}" for column in columns for kind in kinds)))
    for number, row in enumerate(restored.reshape(len(restored), -1), 1):
        writer.writerow((number, *(f"{value:.6g}" for value in row)))
    return text.getvalue()
