"""The script on two sines with noise, and on a table of one's own."""

from __future__ import annotations

import json

import jax
import numpy as np
import pytest

from rnnjax.data import waves
from tests.experiments.starting import start


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("series") / "run"
    done = start(
        "time_series", "--dataset=two_sines", "--hidden_size=32", "--epochs=8", "--horizon=24",
        f"--workdir={folder}",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder, done.stdout


@pytest.mark.slow
def test_two_sines_are_forecast_nearly_as_well_as_can_be(run):
    folder, said = run
    result = json.loads((folder / "result.json").read_text())
    best = waves.two_sines(120, 24).best_mse or 0.0
    assert result["best_mse"] == best
    assert result["test_loss"] < 3 * best
    assert 0.6 < result["last"]["test_coverage"] < 0.95
    assert set(result["baselines"]) == {"last value", "last 120 rows", "ridge"}
    assert "best possible mean squared error" in said
    for name in ("curves", "forecast", "horizons"):
        assert (folder / f"{name}.png").stat().st_size > 10_000


@pytest.mark.slow
def test_an_exported_run_forecasts_as_its_command_does(run, tmp_path):
    folder, _ = run
    signal = waves.sum_of_sines(np.arange(200))
    table = tmp_path / "mine.csv"
    table.write_text("t,signal\n" + "".join(f"{i},{x}\n" for i, x in enumerate(signal)))
    done = start("time_series", f"--workdir={folder}", f"--forecast={table}")
    assert done.returncode == 0, done.stderr
    header, *rows = done.stdout.splitlines()
    assert header == "row,signal,signal 0.1,signal 0.5,signal 0.9"
    told = np.array([row.split(",")[1:] for row in rows], float)
    out = tmp_path / "out"
    done = start("time_series", f"--workdir={folder}", f"--export={out}")
    assert done.returncode == 0, done.stderr
    model = jax.export.deserialize(bytearray((out / "model.stablehlo").read_bytes()))
    forecasts = model.call(signal[None, -120:, None].astype(np.float32))["forecasts"]
    np.testing.assert_allclose(np.asarray(forecasts)[0, :, 0], told, rtol=1e-3, atol=1e-3)
    came = waves.sum_of_sines(np.arange(200, 224))
    assert np.square(told[:, 0] - came).mean() < 0.1
