"""What the experiment on spoken digits is put together from."""

from __future__ import annotations

import itertools
from typing import Any

import jax
import numpy as np
import pytest
from scipy.io import wavfile

from experiments import speech_digits
from rnnjax import LSTM, Bidirectional, Stack
from rnnjax.data import log_mel
from rnnjax.data.recordings import Recordings
from rnnjax.data.spoken_digits import SpokenDigits
from rnnjax.errors import DataError
from rnnjax.experiment import spoken
from rnnjax.experiment.spoken import BLANK, CLASSES
from rnnjax.models import SequenceTagger
from tests.running import quick_jit


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    waves = [rng.integers(-99, 99, size=800).astype(np.int16) for _ in range(8)]
    takes = [0, 0, 7, 7, 20, 20, 0, 7]
    recordings = Recordings.of(waves, [3, 5, 3, 5, 3, 5, 3, 5], [1] * 6 + [6] * 2, takes)
    return SpokenDigits("x", "", "", recordings, 6)


@pytest.mark.usefixtures("x64")
def test_neither_the_side_of_the_padding_nor_batch_mates_change_anything():
    layers = Bidirectional(LSTM(4, 3)), Bidirectional(LSTM(6, 3))
    model = SequenceTagger(Stack(layers), CLASSES)
    rng = np.random.default_rng(0)
    features, lengths = rng.normal(size=(3, 7, 4)), np.array([7, 4, 3])
    mask = np.arange(7) < lengths[:, None]
    labels, padding = np.array([[1, 1], [2, 0], [0, 9]]), np.array([[False] * 2] * 3)
    padding[1, 1] = True
    shapes = jax.eval_shape(model.init, jax.random.key(0), features)["params"]
    params = jax.tree.map(lambda a: rng.normal(size=a.shape), shapes)

    def both(features, mask, labels, padding):
        logits: Any = model.apply({"params": params}, features, mask=mask)[1]
        return logits, spoken.losses(logits, mask, labels, padding)

    compute = quick_jit(both)
    logits, losses = map(np.asarray, compute(features, mask, labels, padding))
    before = np.stack(
        [np.roll(own, 7 - n, axis=0) for own, n in zip(features, lengths, strict=True)]
    )
    other, same = map(np.asarray, compute(before, mask[:, ::-1], labels, padding))
    np.testing.assert_allclose(same, losses, atol=1e-10)
    mates = np.where(np.arange(3)[:, None, None] == 1, features, rng.normal(size=features.shape))
    for row, length in enumerate(lengths):
        np.testing.assert_allclose(other[row, 7 - length :], logits[row, :length], atol=1e-10)
    crowded, _ = compute(mates, mask | (np.arange(3) != 1)[:, None], labels, padding)
    np.testing.assert_allclose(np.asarray(crowded)[1, :4], logits[1, :4], atol=1e-10)


@pytest.mark.usefixtures("x64")
def test_the_loss_is_that_of_all_paths():
    logits = np.random.default_rng(0).normal(size=(2, 4, CLASSES))
    mask = np.array([[True] * 4, [True] * 3 + [False]])
    labels, padding = np.array([[4, 4], [7, 0]]), np.array([[False, False], [False, True]])
    found = quick_jit(spoken.losses)(logits, mask, labels, padding)
    for row, wanted in enumerate(([4, 4], [7])):
        own = np.exp(logits[row][mask[row]])
        own /= own.sum(axis=-1, keepdims=True)
        total = 0.0
        classes = {*wanted, BLANK}
        for path in itertools.product(classes, repeat=len(own)):
            if [k for k, _ in itertools.groupby(path) if k != BLANK] == wanted:
                total += np.prod(own[np.arange(len(own)), list(path)])
        np.testing.assert_allclose(found[row], -np.log(total), atol=1e-10)


def test_spikes_inside_their_digits_have_no_distance(data):
    heard = data.strings("test", 3, (1, 3))
    logits = np.zeros((*heard.mask.shape, CLASSES), np.float32)
    logits[..., BLANK] = 9
    middles = (heard.begins + heard.ends) / 2
    at = np.round((middles - log_mel.CENTRE_SECONDS) / log_mel.STEP_SECONDS).astype(int)
    for row, count in enumerate(heard.strings.counts):
        logits[row, at[row, :count], heard.labels[row, :count]] = 20
    figures = spoken.judged(logits, heard, "test", beam_size=2)
    assert figures["test_digit_error"] == figures["test_beam_digit_error"] == 0
    assert figures["test_string_accuracy"] == figures["test_beam_string_accuracy"] == 1
    assert figures["test_spike_distance_ms"] == 0
    assert figures["test_spikes_within_20_ms"] == 1
    assert figures["test_loss"] < 0.05


def test_a_spike_is_in_the_middle_of_what_its_step_hears(data):
    heard = data.strings("unheard", 4, (1, 1))
    logits = np.zeros((*heard.mask.shape, CLASSES), np.float32)
    logits[..., BLANK] = 9
    lasts = heard.mask.sum(axis=1) - 1
    logits[np.arange(4), lasts, heard.labels[:, 0]] = 20
    figures = spoken.judged(logits, heard, "test")
    times = (160 * lasts + 140) / 8000
    far = np.maximum(times - heard.ends[:, 0], 0)
    assert far.max() > 0.02
    np.testing.assert_allclose(figures["test_spike_distance_ms"], 1000 * far.mean())
    assert figures["test_spikes_within_20_ms"] == np.mean(far <= 0.02)


def test_strings_to_learn_from_are_new_in_every_epoch_and_have_their_steps(data):
    (steps, strings), lengths = spoken.to_learn(data, 5, 2, (0.9, 1.1))
    assert len(lengths) == len(steps.mask) == 10
    assert len({row.tobytes() for row in strings.gaps}) == 10
    assert steps.mask.sum(axis=1).tolist() == lengths.tolist()
    hear = quick_jit(spoken.hearing(data.recordings), static_argnums=1)
    features, mask = hear(strings, int(lengths.max()), jax.random.key(0))
    np.testing.assert_array_equal(mask, steps.mask)
    assert features.shape == (*steps.mask.shape, log_mel.FEATURES)
    assert np.isfinite(features).all()


def test_a_recording_without_a_step_is_told(tmp_path):
    path = tmp_path / "own.wav"
    wavfile.write(path, 8000, np.zeros(279, np.int16))
    with pytest.raises(DataError, match="lasts 35 milliseconds; give a recording of 35 or more"):
        spoken.recording(str(path))
    wavfile.write(path, 16_000, np.zeros(1200, np.int16))
    features, mask = spoken.recording(str(path))
    assert mask.tolist() == [[True] * 3]
    np.testing.assert_allclose(features, 0, atol=1e-6)


def test_settings_that_can_not_be_are_told():
    with pytest.raises(speech_digits.xp.UsageError, match="--leave_out must be at most 5"):
        speech_digits.Config(leave_out=6)
    with pytest.raises(speech_digits.xp.UsageError, match="--transcribe needs --workdir"):
        speech_digits.Config(transcribe="own.wav")
