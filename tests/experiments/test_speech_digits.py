"""The script on telephone tones."""

from __future__ import annotations

import json

import jax
import numpy as np
import pytest
from scipy.io import wavfile

from rnnjax.data import spoken_digits, telephone_tones
from rnnjax.experiment import spoken
from tests.experiments.starting import assert_refused, start

FIGURES = {
    f"{name}_{kind}"
    for name in ("test", "test_unheard")
    for kind in (
        "loss", "digit_error", "string_accuracy", "beam_digit_error", "beam_string_accuracy",
        "spike_distance_ms", "spikes_within_20_ms",
    )
}  # fmt: skip


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("speech") / "run"
    done = start(
        "speech_digits", "--dataset=telephone_tones", "--hidden_size=16", "--num_layers=1",
        "--strings=600", "--epochs=3", "--batch_size=16", "--length_groups=1", "--beam_size=3",
        "--learning_rate=1e-2", f"--workdir={folder}",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder, done.stdout


@pytest.mark.slow
def test_tones_are_learnt_and_tested(run):
    folder, said = run
    result = json.loads((folder / "result.json").read_text())
    assert result.keys() >= FIGURES
    assert result["test_beam_digit_error"] < 1
    assert result["unheard_voice"] == 6
    assert "known voices" in said
    for name in ("curves", "spikes", "occupancy"):
        assert (folder / f"{name}.png").stat().st_size > 10_000


@pytest.mark.slow
def test_a_recording_is_transcribed_and_a_bad_one_refused(run, tmp_path):
    folder, _ = run
    own = telephone_tones.recorded()
    tone = tmp_path / "tone.wav"
    silence = telephone_tones.NOISE * np.random.default_rng(0).normal(size=400)
    wavfile.write(tone, 8000, np.concatenate((silence, own.wave(700), silence)))
    done = start("speech_digits", f"--workdir={folder}", f"--transcribe={tone}")
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()
    tone.write_bytes(b"no sound")
    done = start("speech_digits", f"--workdir={folder}", f"--transcribe={tone}")
    assert_refused(done, "give a WAV file")


@pytest.mark.slow
def test_an_exported_run_understands_the_same(run, tmp_path):
    folder, _ = run
    out = tmp_path / "out"
    done = start("speech_digits", f"--workdir={folder}", f"--export={out}")
    assert done.returncode == 0, done.stderr
    model = jax.export.deserialize(bytearray((out / "model.stablehlo").read_bytes()))
    heard = spoken_digits.load("telephone_tones").strings("test", 500)
    logits = model.call(heard.features, heard.mask)["logits"]
    found = spoken.judged(np.asarray(logits), heard, "test")
    result = json.loads((folder / "result.json").read_text())
    assert found["test_digit_error"] == pytest.approx(result["test_digit_error"], abs=1e-6)
