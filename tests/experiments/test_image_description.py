"""The script on scenes that a program draws."""

from __future__ import annotations

import dataclasses
import json

import jax
import numpy as np
import pytest

from experiments import image_description
from rnnjax.data import scenes
from rnnjax.data.png import grey_png
from rnnjax.experiment import describing as ds
from rnnjax.experiment import order
from rnnjax.experiment.command_line import merge
from tests.experiments.starting import assert_refused, start

TINY = {
    "dataset": "seven_segments", "hidden_size": 24, "embedding_size": 16, "channels": "4,8,8,8",
    "max_length": 16,
}  # fmt: skip


def of(**given):
    return merge(image_description.Config, image_description.PRESETS, given)


@pytest.mark.parametrize(
    ("preset", "attention"), [("show_and_tell", False), ("show_attend_and_tell", True)]
)
def test_presets_have_the_sizes_of_the_task(preset, attention):
    config = of(preset=preset)
    model = image_description.build_model(config, 1_451)
    init = image_description.initial(model, ds.Kind(32, 32, 3, "english"))
    params = jax.eval_shape(init, jax.random.key(0))
    assert ("first_state_0" in params) == attention
    assert [params[f"convolution_{i}"]["kernel"].shape[-1] for i in range(3)] == [32, 64, 128]
    assert (config.dropout, config.learning_rate, config.hidden_size) == (0.5, 1e-3, 256)


def test_a_data_set_brings_its_defaults():
    assert of(dataset="mnist_scenes").epochs == 25
    assert of(dataset="seven_segments", epochs=2).epochs == 2
    assert of(dataset="emoji").epochs == of().epochs == 60


@pytest.mark.parametrize("channels", ["", "3,0", "a", ",".join(["2"] * 17)])
def test_channels_that_are_none(channels):
    with pytest.raises(image_description.xp.UsageError, match="--channels"):
        of(channels=channels)


def test_a_sheet_needs_a_picture():
    with pytest.raises(image_description.xp.UsageError, match="--sheet belongs to --describe"):
        of(sheet=True)


FEW = dict(zip(scenes.SIZES, (1_000, 60, 60, 60), strict=True))
"""Scenes of each part, so that what is searched and compared takes seconds."""


def ran(folder, **given):
    """Runs the experiment here, on few scenes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scenes, "SIZES", FEW)
        order.run(image_description.EXPERIMENT, of(workdir=str(folder), **TINY, **given))
    return folder


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("description") / "run"
    return ran(folder, steps=100, batch_size=16, learning_rate=0.01, dropout=0.0, eval_every=100)


@pytest.mark.slow
def test_sentences_are_learnt(run):
    result = json.loads((run / "result.json").read_text())
    assert result["test_perplexity"] < 2.5, "there are 27 symbols"
    assert result["test_f1"] > 0.5
    assert result["baselines"]["nearest picture"].keys() == {"test_exact", "test_f1"}
    (name, told), = result["tests"].items()  # fmt: skip
    assert name == scenes.UNSEEN_PAIRS
    assert told.keys() >= {"exact", "f1", "sentence", "digits", "relation", "nearest_f1"}
    assert 0 <= result["beams_5"]["exact"] <= 1
    pictures = {path.name for path in run.glob("*.png")}
    assert pictures == {
        "curves.png", "test.png", "unseen_pairs.png", *(f"attention_{i}.png" for i in range(4))
    }  # fmt: skip


@pytest.mark.slow
def test_a_run_describes_a_file(run, tmp_path):
    data = scenes.stand_in(sizes=dict.fromkeys(scenes.SIZES, 3))
    path = tmp_path / "scene.png"
    path.write_bytes(grey_png(data.test.pictures[0, ..., 0]).getvalue())
    done = start("image_description", f"--workdir={run}", f"--describe={path}", "--sheet")
    assert done.returncode == 0, done.stderr
    text = done.stdout.splitlines()[0]
    assert text.startswith("the digit ")
    assert (tmp_path / "scene-attention.png").exists()
    config = dataclasses.replace(of(), workdir=str(run), describe=str(path))
    saved = image_description.xp.saved_config(config)
    model, params, words, kind = image_description.trained(saved)
    assert kind.shape == (56, 56, 1)
    batch = np.concatenate([data.validation.pictures, data.test.pictures[:1]])
    assert ds.describing(saved, model, words)(params, batch)[-1] == text
    path.write_bytes(grey_png(np.zeros((9, 8), np.uint8)).getvalue())
    assert_refused(
        start("image_description", f"--workdir={run}", f"--describe={path}"),
        "has 8 x 9 pixels, and the pictures that were learnt from 56 x 56",
    )


@pytest.mark.slow
def test_a_run_without_attention_has_no_sheet(tmp_path):
    ran(tmp_path / "run", attention=False, steps=1, batch_size=4)
    assert not list((tmp_path / "run").glob("attention*"))
    assert_refused(
        start(
            "image_description", f"--workdir={tmp_path / 'run'}", "--sheet",
            f"--describe={tmp_path / 'run/curves.png'}",
        ),
        "the run in --workdir has none",
    )  # fmt: skip
