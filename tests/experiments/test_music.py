"""The script on the made-up canon, and on voices of a few bars."""

from __future__ import annotations

import json

import jax
import numpy as np
import pytest

from experiments import music
from rnnjax.data import canon
from rnnjax.data.music_pieces import Music, Pieces
from tests.data import midi_bytes
from tests.experiments.starting import assert_refused, start


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("music") / "run"
    done = start(
        "music", "--dataset=canon", "--epochs=20", "--eval_every=500",
        "--length_groups=1", f"--workdir={folder}",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder, done.stdout


@pytest.mark.slow
def test_a_canon_is_foretold_better_than_without_memory(run):
    folder, said = run
    result = json.loads((folder / "result.json").read_text())
    assert result["best_loss"] == canon.BEST_LOSS
    assert canon.BEST_LOSS < result["test_loss"] < 2 * canon.BEST_LOSS
    assert result["baselines"]["independent keys"]["test_loss"] > 5
    assert "best possible test loss 1.9095" in said
    for name in ("curves", "probabilities", "composed-roll", "composed-score"):
        assert (folder / f"{name}.png").stat().st_size > 10_000
    assert (folder / "composed.wav").stat().st_size > 100_000


@pytest.mark.slow
def test_a_sample_follows_from_its_seed_and_opens_elsewhere(run):
    folder, _ = run
    for seed in (3, 3, 4):
        asked = "--sample", "--length=20", f"--seed={seed}", f"--workdir={folder}"
        done = start("music", *asked)
        assert done.returncode == 0, done.stderr
        (folder / f"sample-{seed}.mid").rename(folder / f"{len(list(folder.glob('*.mid')))}.mid")
    first, again, other = (
        (folder / f"{n}.mid").read_bytes() for n in sorted(
            int(p.stem) for p in folder.glob("*.mid") if p.stem.isdecimal())
    )  # fmt: skip
    assert first == again != other
    ticks, notes = midi_bytes.parse(first)
    assert max(note.end for note in notes) <= 20 * ticks // 2
    refused = start("music", "--sample", "--voices=bass", f"--workdir={folder}")
    assert_refused(refused, "a roll has none")


@pytest.mark.slow
def test_an_exported_run_says_the_same(run, tmp_path):
    folder, _ = run
    out = tmp_path / "out"
    done = start("music", f"--workdir={folder}", f"--export={out}")
    assert done.returncode == 0, done.stderr
    model = jax.export.deserialize(bytearray((out / "model.stablehlo").read_bytes()))
    test = canon.stand_in().test.frames.astype(np.int32)
    likely = 1 / (1 + np.exp(-np.asarray(model.call(test[:, :-1])["logits"], np.float64)))
    nats = -np.log(np.where(test[:, 1:] > 0, likely, 1 - likely)).sum(axis=-1).mean()
    result = json.loads((folder / "result.json").read_text())
    assert nats == pytest.approx(result["test_loss"], abs=1e-3)


def test_settings_that_do_not_go_together_are_told():
    with pytest.raises(music.xp.UsageError, match="--roll and --midi_dir name two sets"):
        music.Config(roll="x.mat", midi_dir="y")
    part = Pieces.of([np.ones((3, 4), np.uint8)])
    data = Music(name="x", origin="", licence="", train=part, validation=part, test=part,
                 per_quarter=4, pitches=(-1, 60))  # fmt: skip
    layout = music.xp.Layout.single()
    with pytest.raises(music.xp.UsageError, match="take a multiple of 16, such as 192"):
        music.problem(music.Config(window=200), layout, data)


def test_the_loss_of_voices_is_that_of_a_note():
    rng = np.random.default_rng(0)
    part = Pieces.of([rng.integers(0, 5, (n, 4)) for n in (4, 7)])
    data = Music(name="x", origin="", licence="", train=part, validation=part, test=part,
                 per_quarter=1, pitches=(-1, 60, 61, 62, 63))  # fmt: skip
    config = music.Config(hidden_size=2, num_layers=1, batch_size=2, embedding_size=1)
    made = music.problem(config, music.xp.Layout.single(), data)
    shapes = jax.eval_shape(made.init, jax.random.key(0))
    params = jax.tree.map(lambda a: np.zeros(a.shape, a.dtype), shapes)
    assert made.test(params) == {"test_loss": pytest.approx(np.log(5), rel=1e-6)}
