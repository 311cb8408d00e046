"""Forecasts series of numbers: a transformer's load, a table of one's own, sine waves.

    python experiments/time_series.py --data_dir=DIR                    # ETTh1, 96 hours from 96
    python experiments/time_series.py --csv=MINE.csv --columns=a,b --horizon=24 --workdir=RUN
    python experiments/time_series.py --workdir=RUN --forecast=MINE.csv  # the rows that come next
    python experiments/time_series.py --preset=sine                     # PyTorch's example

Three models. "segments" reads each column in segments of a day and writes all of the future at
once; "steps" reads row after row and writes the future from its last state; "recursive" says the
next row only, and reads what it says. Beside the expected value there are quantiles, so that a
forecast has a band. Without the data, two sines with noise stand in, whose best error is known.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rnnjax.outset import begin

if __name__ == "__main__":
    begin()  # before the imports, which take seconds

import jax
import jax.numpy as jnp
import numpy as np

import rnnjax
import rnnjax.experiment as xp
from rnnjax.data import series, series_baselines
from rnnjax.data.time_series import TimeSeries
from rnnjax.data.waves import phase_errors
from rnnjax.experiment import forecasting as fc
from rnnjax.experiment.forecaster import MODELS, Forecaster, check
from rnnjax.export import Array, Model
from rnnjax.reports import plots
from rnnjax.reports.forecasts import plot_forecasts, plot_horizons
from rnnjax.training.forecast_losses import row_errors

PRESETS = {
    "sine": {"dataset": "sine"},
    "segrnn512": {"hidden_size": 512},  # of the paper
    "lstm": {"model": "steps", "cell": "lstm", "dropout": 0.1},
}
SUITED_TO_DATA = {
    "sine": {
        "model": "recursive", "cell": "lstm", "hidden_size": 51, "num_layers": 2,
        "optimizer": "lbfgs", "learning_rate": 0.8, "schedule": "constant", "batch_size": 97,
        "epochs": 300, "eval_every": 5, "input_length": 1000, "horizon": 1000, "average": None,
    },
    "two_sines": {
        "input_length": 120, "dropout": 0.0, "batch_size": 64, "learning_rate": 3e-3, "epochs": 10,
        "average": None,
    },
}  # fmt: skip
SUITED_TO_MODEL = {"recursive": {"dropout": 0.0, "quantiles": None}}
KIND = "series.json"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config(xp.Config):
    dataset: str = xp.setting("auto", "which series", choices=series.DATASETS)
    csv: str | None = xp.setting(None, "a table of your own to forecast instead", is_path=True)
    columns: str | None = xp.setting(
        None, "names of its columns to read, commas between; all of numbers by default"
    )
    input_length: int = xp.setting(96, "rows that are seen", at_least=2)
    horizon: int = xp.setting(96, "rows that are forecast", at_least=1)
    period: int | None = xp.setting(
        None, "rows after which a table of your own repeats itself, such as 24 hours", at_least=1
    )
    stride: int = xp.setting(1, "rows from one window to learn from to the next", at_least=1)
    model: str = xp.setting("segments", "how it forecasts", choices=MODELS)
    cell: str = xp.setting("gru", "recurrent cell", choices=rnnjax.CELLS)
    segment: int = xp.setting(24, "with --model=segments, rows of each", at_least=1)
    dropout: float = xp.setting(0.5, "rate, before the last layer", at_least=0, below=1)
    quantiles: str | None = xp.setting(
        "0.1,0.5,0.9", "that are forecast beside the expected value, commas between"
    )
    batch_size: int = xp.setting(256, "windows per step", at_least=1)
    schedule: str = xp.setting("cosine", "how the rate falls", choices=xp.SCHEDULES)
    epochs: int | None = xp.setting(30, "passes over the windows", at_least=1)
    average: float | None = xp.setting(
        0.99, "decay of an average of the parameters, which is what counts", at_least=0, below=1
    )
    keep_best: bool = xp.setting(True, "end with the parameters that validated best")
    forecast: str | None = xp.command(
        "a table, whose next rows the run in --workdir forecasts, as a CSV"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        check(self)

    @classmethod
    def suited_to(cls, given: Mapping[str, Any]) -> Mapping[str, Any]:
        of_data = SUITED_TO_DATA.get(given.get("dataset", ""), {})
        model = given.get("model", of_data.get("model", ""))
        return of_data | SUITED_TO_MODEL.get(model, {})


def load(dataset: str, data_dir: str | None, *, columns: str | None, **more: Any) -> TimeSeries:
    """The series that the settings name."""
    names = None if columns is None else [name.strip() for name in columns.split(",")]
    return series.load(dataset, data_dir, columns=names, **more)


def problem(config: Config, layout: xp.Layout, data: TimeSeries) -> xp.Problem:
    """What is to be learnt: the rows that come, or the next one."""
    forecaster = Forecaster.of(config, len(data.columns), data.has_gaps)
    windows = {"validation": data.windows(data.validation), "test": data.windows(data.test)}
    predict, metrics = {}, {}
    for part, own in windows.items():
        inputs = own.inputs, own.inputs_known
        predict[part] = xp.remembered(xp.Predictor(forecaster.forecast, inputs, 500, layout))
        metrics[part] = fc.scoring(predict[part], own, forecaster.quantiles, part)
    arrays = data.training_windows()
    return xp.Problem(
        title=xp.run_title(config, config.cell, data, f"by {config.model}"), dataset=data,
        model=forecaster.model, init=forecaster.init, keys=layout.keys(config.seed, 2),
        loss=forecaster.loss, data=arrays,
        batches=xp.ExampleBatches(len(data.train), config.batch_size, shuffle=True),
        evaluate=metrics["validation"], test=metrics["test"], watched="validation",
        best_by=xp.LOSS, keep_best=config.keep_best, predict=predict["test"],
        files={KIND: forecaster.to_json(data)},
        needs=xp.needs_of(
            config, layout, forecaster.init, layer=forecaster.layer,
            time_steps=forecaster.num_steps, data=xp.num_bytes((arrays, windows)),
            data_flags="--input_length or --horizon, or a larger --stride",
        ),
    )  # fmt: skip


def report(run: xp.Outcome) -> dict[str, Any]:
    """The error of the first rows of the forecasts, and of sines by how much they are late."""
    _, forecasts = run.of_seed(0)
    windows = run.data.windows(run.data.test)
    found: dict[str, Any] = {"by_horizon": fc.first_rows(windows, forecasts)}
    for rows, error in found["by_horizon"].items():
        run.console.print(f"first {rows:>5} rows  mean squared error {error:.3g}")
    if run.data.best_mse is not None:
        run.console.print(f"best possible mean squared error {run.data.best_mse:.4f}")
        found["best_mse"] = run.data.best_mse
    if run.data.name == "sine":
        found["phase_errors"] = phase_errors(forecasts[..., 0, 0], windows.targets[..., 0])
        run.console.print(f"late at the end by {found['phase_errors']} radians")
    return found


@functools.lru_cache(maxsize=1)
def by_simple_methods(run: xp.Outcome) -> dict[str, np.ndarray]:
    """What simple methods forecast for the test; fitted once, for the figures and the picture."""
    return series_baselines.forecasts(run.data, run.data.windows(run.data.test))


def baselines(run: xp.Outcome) -> xp.Baselines:
    """The errors of simple methods."""
    return series_baselines.metrics(run.data.windows(run.data.test), by_simple_methods(run))


def draw(folder: Path, run: xp.Outcome) -> None:
    """The curves, forecasts beside what came, and the errors of each row of the horizon."""
    plots.plot_losses(folder / "curves.png", run.problem.title, run.history, {})
    _, forecasts = run.of_seed(0)
    windows = run.data.windows(run.data.test)
    shown = fc.panels(run.data, windows, forecasts)
    plot_forecasts(folder / "forecast.png", run.problem.title, shown)
    compared = {run.config.model: np.asarray(forecasts)[..., 0]} | by_simple_methods(run)
    errors = {name: row_errors(own, windows) for name, own in compared.items()}
    plot_horizons(folder / "horizons.png", run.problem.title, errors)


def forecast(console: xp.Console, config: Config) -> None:
    """Forecasts what comes after the table --forecast, by the run in --workdir."""
    saved = xp.saved_config(config)
    forecaster, scale, columns = Forecaster.of_run(saved, xp.read_file(saved, KIND))
    params = xp.load_model(saved, forecaster.init)
    text = fc.next_rows(saved, forecaster, params, scale, columns, str(config.forecast))
    console.out(text, end="", highlight=False)


def trained_model(config: Config) -> Model:
    """What a run has learnt: a function from rows that were seen to those that come."""
    forecaster, scale, columns = Forecaster.of_run(config, xp.read_file(config, KIND))
    mean, deviation = (jnp.asarray(a, jnp.float32)[None, None] for a in scale)

    def apply(params: Any, values: jax.Array) -> dict[str, jax.Array]:
        known = jnp.ones(values.shape, bool)
        found = forecaster.forecast(params, ((values - mean) / deviation, known))
        return {"forecasts": found * deviation[..., None] + mean[..., None]}

    which = ", ".join(("the expected value", *map(str, forecaster.quantiles)))
    return Model(
        title=f"{config.cell} {config.hidden_size} by {config.model}", apply=apply,
        params=xp.load_model(config, forecaster.init),
        inputs={
            "values": Array(
                ("batch", config.input_length, len(columns)), "float32",
                f"{', '.join(columns)}, in their units, without gaps",
            )
        },
        outputs={"forecasts": f"[batch, {config.horizon}, {len(columns)}, …]: {which}"},
    )  # fmt: skip


EXPERIMENT = xp.Experiment(
    name="time_series", config=Config, presets=PRESETS, load=load,
    load_by=("csv", "columns", "input_length", "horizon", "period", "stride"),
    problem=problem, describe=lambda config, data: [data.described()], report=report, draw=draw,
    metrics=(xp.Metric("mae", False),), trained_model=trained_model,
    baselines=baselines, commands={"forecast": forecast},
)  # fmt: skip

if __name__ == "__main__":
    xp.launch(EXPERIMENT)
