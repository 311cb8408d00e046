"""WAV files of every kind, and what is none."""

from __future__ import annotations

import io
import warnings

import numpy as np
import pytest
from scipy.io import wavfile

from rnnjax.data.wav_file import read_wav, samples_of
from rnnjax.errors import DataError

TONE = 0.5 * np.sin(2 * np.pi * 440 * np.arange(1600) / 8000)


def packed(samples, rate=8000):
    file = io.BytesIO()
    wavfile.write(file, rate, samples)
    return file.getvalue()


def in_24_bits(samples):
    """A WAV file of 24 bits, which SciPy does not write."""
    whole = np.round(samples * 2**23).astype("<i4").view(np.uint8).reshape(-1, 4)[:, :3]
    head = packed(np.zeros(len(samples), np.int16))[:36]
    data = whole.tobytes()
    fields = np.array([1 | 1 << 16, 8000, 24000, 3 | 24 << 16], "<u4").tobytes()
    body = head[8:20] + fields + b"data" + np.array(len(data), "<u4").tobytes() + data
    return b"RIFF" + np.array(len(body), "<u4").tobytes() + body


def write(folder, contents):
    path = folder / "own.wav"
    path.write_bytes(contents)
    return path


@pytest.mark.parametrize(
    ("contents", "close"),
    [
        (packed(np.round(TONE * 128 + 128).astype(np.uint8)), 0.005),
        (packed(np.round(TONE * 2**15).astype(np.int16)), 2e-5),
        (in_24_bits(TONE), 1e-7),
        (packed(np.round(TONE * 2**31).astype(np.int32)), 1e-9),
        (packed(TONE.astype(np.float32)), 1e-7),
        (packed(np.stack((TONE * 1.5, TONE * 0.5), axis=1)), 1e-9),
    ],
    ids=["8 bits", "16", "24", "32", "float", "stereo"],
)
def test_every_kind_is_the_same_sound(tmp_path, contents, close):
    np.testing.assert_allclose(read_wav(write(tmp_path, contents), 8000), TONE, atol=close)


@pytest.mark.parametrize("rate", [16_000, 44_100])
def test_another_rate_is_converted(tmp_path, rate):
    own = 0.5 * np.sin(2 * np.pi * 440 * np.arange(rate // 5) / rate)
    found = read_wav(write(tmp_path, packed(own, rate)), 8000)
    assert len(found) == 1600
    np.testing.assert_allclose(found[100:-100], TONE[100:-100], atol=0.01)


@pytest.mark.parametrize(
    ("contents", "said"),
    [
        (b"", "can't be read"),
        (b"some text that is no sound", "can't be read"),
        (packed(np.zeros(100, np.int16))[:-50], "is cut off"),
        (packed(np.zeros(100, np.int16))[:30], "can't be read"),
        (packed(np.zeros(0, np.int16)), "holds no sound"),
        (packed(np.array([0.0, np.nan])), "not finite"),
        (packed(np.zeros(7000, np.int16), 10), "700 seconds long"),
        (packed(np.zeros(100, np.int16), 10**6), "samples a second"),
    ],
)  # fmt: skip
def test_what_is_no_sound_is_told_in_one_sentence(tmp_path, contents, said):
    path = write(tmp_path, contents)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(DataError, match=said) as error:
            read_wav(path, 8000)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(DataError, match=r"can't be read \(No such file"):
        read_wav(tmp_path / "none.wav", 8000)


def test_channels_stay_apart_until_they_are_asked_to_be_one():
    both = np.stack((TONE, -TONE), axis=1)
    samples, rate = samples_of(packed(both), "own")
    assert rate == 8000
    np.testing.assert_array_equal(samples, both)
