"""Strings of digits: what is heard when, in NumPy and in a program."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest

from rnnjax.data import digit_strings
from rnnjax.data.digit_strings import LONGEST, LONGEST_GAP, DigitStrings, draw
from rnnjax.data.recordings import Recordings, quietest
from tests.running import quick_jit


@pytest.fixture(scope="module")
def recordings():
    rng = np.random.default_rng(0)
    waves = [rng.integers(-9000, 9000, size=n).astype(np.int16) for n in (300, 450, 200, 260)]
    return Recordings.of(waves, [7, 3, 0, 9], [1, 1, 2, 2], [0, 0, 0, 0])


def strings_of(rows, gaps, speeds):
    counts = np.array([*map(len, rows)], np.int32)
    pad = [np.pad(np.array(row, np.int32), (0, n - len(row))) for rows, n in ((rows, 7), (gaps, 8))
           for row in rows]  # fmt: skip
    half = len(rows)
    return DigitStrings(
        np.stack(pad[:half]), counts, np.stack(pad[half:]), np.array(speeds, np.float32)
    )


def test_recordings_and_silence_stand_one_after_the_other(recordings):
    strings = strings_of([[1, 0], [2]], [[5, 0, 7], [3, 0]], [1, 1])
    noise = np.random.default_rng(1).normal(size=(2, 800))
    heard, lengths = strings.samples(recordings, noise)
    assert lengths.tolist() == [5 + 450 + 0 + 300 + 7, 3 + 200]
    own = np.concatenate(
        (noise[0, :5] * recordings.quiet[1], recordings.wave(1), recordings.wave(0),
         noise[0, 755:762] * recordings.quiet[0], np.zeros(38))
    )  # fmt: skip
    np.testing.assert_allclose(heard[0], own, atol=1e-12)
    np.testing.assert_allclose(heard[1, 3:203], recordings.wave(2), atol=1e-12)
    ends = strings.ends(recordings.lengths)
    assert ends[0, :5].tolist() == [5, 455, 455, 755, 762]
    assert ends[0, -1] == 762
    labels, padding = strings.labels(recordings.digits)
    assert labels[:, :3].tolist() == [[3, 7, 0], [0, 0, 0]]
    assert padding[:, :3].tolist() == [[False, False, True], [False, True, True]]


def test_a_faster_string_is_the_same_one_interpolated(recordings):
    strings = strings_of([[1]], [[4, 2]], [1.25])
    noise = np.random.default_rng(1).normal(size=(1, 400))
    heard, lengths = strings.samples(recordings, noise)
    count = int(449 / 1.25) + 1
    assert lengths.tolist() == [4 + count + 2]
    at = np.interp(1.25 * np.arange(count), np.arange(450), recordings.wave(1))
    np.testing.assert_allclose(heard[0, 4 : 4 + count], at, atol=1e-6)


@pytest.mark.usefixtures("x64")
def test_a_program_hears_the_same(recordings):
    strings = strings_of([[1, 0], [2]], [[5, 0, 7], [3, 0]], [0.9, 1.1])
    strings = strings._replace(speeds=strings.speeds.astype(np.float64))
    noise = np.random.default_rng(1).normal(size=(2, 900))

    def heard(strings, recordings, noise, xp=jnp):
        return *strings.samples(recordings, noise, xp), *strings.labels(recordings.digits, xp)

    found = quick_jit(heard)(strings, recordings, noise)
    for own, same in zip(found, heard(strings, recordings, noise, np), strict=True):
        np.testing.assert_allclose(own, same, atol=1e-10)


def test_drawn_strings_are_of_one_voice_and_not_too_long(recordings, monkeypatch):
    rng = np.random.default_rng(2)
    chosen = np.array([True, True, False, True])
    strings = draw(rng, recordings, chosen, 400, (2, 5), (0.9, 1.1))
    assert set(strings.counts.tolist()) == {2, 3, 4, 5}
    assert strings.gaps.max() == LONGEST_GAP
    seen = set()
    for row, count in zip(strings.recordings, strings.counts, strict=True):
        voices = recordings.voices[row[:count]]
        assert len(set(voices.tolist())) == 1
        seen |= set(row[:count].tolist())
        assert not row[count:].any()
    assert seen == {0, 1, 3}
    behind = np.arange(8) > strings.counts[:, None]
    assert not strings.gaps[behind].any()
    assert strings.ends(recordings.lengths)[:, -1].max() <= LONGEST
    monkeypatch.setattr(digit_strings, "LONGEST", 2000)
    short = draw(rng, recordings, chosen, 400, (7, 7))
    assert short.ends(recordings.lengths)[:, -1].max() <= 2000
    assert short.counts.min() < 7


def test_the_quietest_stretch_has_the_level_of_silence():
    rng = np.random.default_rng(0)
    wave = rng.normal(size=700)
    exact = min(np.sqrt(np.mean(wave[i : i + 160] ** 2)) for i in range(541))
    np.testing.assert_allclose(quietest(wave), exact, rtol=1e-10)
    np.testing.assert_allclose(quietest(wave[:50]), np.sqrt(np.mean(wave[:50] ** 2)), rtol=1e-10)
