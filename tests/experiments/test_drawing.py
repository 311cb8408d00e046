"""The script on noisy polygons, and the figures of drawings."""

from __future__ import annotations

import json

import jax
import numpy as np
import pytest

from experiments import drawing
from rnnjax.data import polygons
from rnnjax.experiment import sketches as sk
from tests.experiments.starting import assert_refused, start

SMALL = ("--dataset=polygons", "--hidden_size=24", "--components=3", "--length_groups=1")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("drawing") / "run"
    done = start(
        "drawing", *SMALL, "--epochs=12", "--encoder_size=8", "--latent_size=4",
        "--eval_every=200", f"--workdir={folder}",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder, done.stdout


@pytest.mark.slow
def test_a_run_with_an_encoder_leaves_its_figures_and_pictures(run):
    folder, said = run
    result = json.loads((folder / "result.json").read_text())
    assert result["best_loss"] == polygons.stand_in().best_loss
    assert result["test_loss"] == pytest.approx(sum(result["nats_per_point"].values()), abs=1e-5)
    assert result["least_deviation"] == 0.01
    assert set(result["baselines"]) == {"20 Gaussians", "20 Gaussians given the pen before"}
    assert "licence of polygons" in said
    for name in ("curves", "drawings", "completed", "interpolated", "density"):
        assert (folder / f"{name}.png").stat().st_size > 5_000
    assert (folder / "drawings.svg").read_text().startswith("<svg")


@pytest.mark.slow
def test_a_run_draws_by_command(run, tmp_path):
    folder, _ = run
    for number, command in enumerate(("--sample", "--complete=3", "--interpolate=1,2")):
        out = tmp_path / f"{number}.svg"
        done = start("drawing", f"--workdir={folder}", command, f"--out={out}", "--num_samples=3")
        assert done.returncode == 0, done.stderr
        assert "<path" in out.read_text()
    done = start("drawing", f"--workdir={folder}", "--complete=501")
    assert_refused(done, "--complete: there is no test drawing 501; they go from 1 to 500")


@pytest.mark.slow
def test_an_exported_run_says_of_each_point_what_comes_next(run, tmp_path):
    folder, _ = run
    out = tmp_path / "out"
    done = start("drawing", f"--workdir={folder}", f"--export={out}")
    assert done.returncode == 0, done.stderr
    model = jax.export.deserialize(bytearray((out / "model.stablehlo").read_bytes()))
    assert model.out_avals[-1].shape[-1] == 6 * 3 + 3


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"out": "drawn.pdf"}, r"--out=drawn.pdf must end in .svg or .png"),
        ({"interpolate": "3", "workdir": "x"}, "numbers of two test drawings"),
        ({"interpolate": "0,3", "workdir": "x"}, "count from 1"),
    ],
)
def test_what_can_not_be_drawn_is_told(settings, message):
    with pytest.raises(drawing.xp.UsageError, match=message):
        drawing.Config(**settings)


def test_cells_without_an_update_have_no_dropout_of_it():
    with pytest.raises(drawing.xp.UsageError, match=r"dropout=0\.1: Dropout: SimpleRNN"):
        drawing.build_model(drawing.Config(cell="simple_rnn"))


def test_z_costs_its_nats_in_full_and_training_weighs_them():
    rows = np.array([[10.0, 2.0, 4.0, 3.0], [20.0, 1.0, 6.0, 5.0]])
    assert sk.figures(rows, "test", 0, 0.5, 0.2) == {"test_loss": pytest.approx(41 / 10)}
    found = sk.figures(np.stack((rows, 2 * rows)), "test", 4, 0.5, 0.2)
    np.testing.assert_allclose(found["test_loss"], 41 / 10)
    np.testing.assert_allclose(found["test_cost"], [33 / 10 + 0.5 * 1, 33 / 10 + 0.5 * 2])
    floor = sk.figures(rows, "test", 4, 0.5, 3.0)["test_cost"]
    np.testing.assert_allclose(floor, 33 / 10 + 0.5 * 3)
    assert sk.parts(rows) == {"offsets": 3.0, "pen": 0.3, "z": 0.8}


def test_a_data_set_brings_its_own_settings():
    suited = drawing.Config.suited_to({"dataset": "polygons"})
    assert suited["stretch"] == 0
    assert not drawing.Config.suited_to({"dataset": "kanji"})
