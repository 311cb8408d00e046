"""Mel bands beside a transcription by loops, alone and in a batch."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.fft import fft
from scipy.signal import get_window, lfilter

from rnnjax.data import log_mel
from tests.running import quick_jit


def transcribed(samples):
    """The steps ``[T, 80]`` of one row of samples, band by band."""
    emphasised = np.asarray(lfilter([1, -0.97], [1], samples - samples.mean()))
    window, frames = np.asarray(get_window("hann", 200)), []
    mels = [2595 * np.log10(1 + 4000 / 700) * i / 41 for i in range(42)]
    hertz = [700 * (10 ** (mel / 2595) - 1) for mel in mels]
    for first in range(0, len(samples) - 199, 80):
        power = np.abs(np.asarray(fft(window * emphasised[first : first + 200], 256))) ** 2
        bands = []
        for low, peak, high in zip(hertz[:-2], hertz[1:-1], hertz[2:], strict=True):
            total = 0.0
            for k in range(129):
                f = 31.25 * k
                if low < f <= peak:
                    total += power[k] * (f - low) / (peak - low)
                elif peak < f < high:
                    total += power[k] * (high - f) / (high - peak)
            bands.append(np.log(total + 1e-8))
        frames.append(bands)
    whole = np.array(frames[: len(frames) // 2 * 2])
    standard = (whole - whole.mean(axis=0)) / (whole.std(axis=0) + 1e-5)
    return standard.reshape(-1, 80)


@pytest.fixture(scope="module")
def waves():
    rng = np.random.default_rng(0)
    lengths = np.array([1000, 640, 280])
    samples = 0.1 * rng.normal(size=(3, 1000)) + 0.01
    return np.where(np.arange(1000) < lengths[:, None], samples, 0), lengths


def test_features_are_those_of_the_equations_whatever_stands_behind(waves):
    samples, lengths = waves
    found, mask = log_mel.features(samples, lengths)
    assert found.shape == (3, 5, 80)
    assert mask.sum(axis=1).tolist() == log_mel.num_steps(lengths).tolist() == [5, 3, 1]
    for row, length in enumerate(lengths):
        exact = transcribed(samples[row, :length])
        np.testing.assert_allclose(found[row, : len(exact)], exact, atol=1e-10)
        np.testing.assert_array_equal(found[row, len(exact) :], 0)


@pytest.mark.usefixtures("x64")
def test_jax_computes_the_same(waves):
    samples, lengths = waves
    found = quick_jit(lambda x, n: log_mel.features(x, n, jnp))(samples, lengths)
    for own, same in zip(found, log_mel.features(samples, lengths), strict=True):
        np.testing.assert_allclose(own, same, atol=1e-10)


def test_a_tone_is_loudest_in_its_band():
    tone = np.sin(2 * np.pi * 1000 * np.arange(400) / 8000)
    bands = log_mel.log_mel(tone[None], np.array([400]))[0]
    middles = 700 * (10 ** (np.linspace(0, 2146.06, 42)[1:-1] / 2595) - 1)
    assert np.abs(middles - 1000).argmin() == bands[1].argmax()
