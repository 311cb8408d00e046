"""Strings of digits, put together from recordings of single ones, so that each end is known.

A string is of one voice: digits drawn with replacement, and silence of 0 to 100 ms before,
between and after them, filled with noise at the level of the silence in the recordings beside it.
A string is kept as what it is made of; its samples are made when they are needed, also inside of a
program, so that every epoch may have strings of its own.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from rnnjax.data import log_mel
from rnnjax.data.recordings import RATE, Recordings

MOST_DIGITS = 7
LONGEST_GAP = RATE // 10
LONGEST = log_mel.STEP_SAMPLES * 280
"""Samples of a string, 5.6 s; one that would be longer loses its last digits."""


class DigitStrings(NamedTuple):
    """N strings. All fields may be JAX's."""

    recordings: Any
    """int32 ``[N, 7]``, the numbers of the recordings; 0 behind the last."""
    counts: Any
    """int32 ``[N]``, of how many digits each consists."""
    gaps: Any
    """int32 ``[N, 8]``, samples of silence before each digit and behind the last; 0 after that."""
    speeds: Any
    """float32 ``[N]``, how many times as fast as they were recorded the digits are played."""

    def ends(self, lengths: Any, xp: Any = np) -> Any:
        """Where each gap and each digit ends, by turns, in samples: int32 ``[N, 15]``.

        Args:
            lengths: Of all recordings, as `Recordings.lengths`.
            xp: ``numpy`` or ``jax.numpy``.
        """
        there = xp.arange(MOST_DIGITS)[None] < self.counts[:, None]
        last = (xp.asarray(lengths)[self.recordings] - 1).astype(self.speeds.dtype)
        played = xp.floor(last / self.speeds[:, None]).astype(np.int32) + 1
        pairs = xp.stack((self.gaps[:, :-1], xp.where(there, played, 0)), axis=-1)
        parts = xp.concatenate((pairs.reshape(len(pairs), -1), self.gaps[:, -1:]), axis=1)
        return xp.cumsum(parts, axis=1)

    def samples(self, recordings: Recordings, noise: Any, xp: Any = np) -> tuple[Any, Any]:
        """What is heard, at full scale 1: ``[N, S]``, 0 behind the end; and the lengths ``[N]``.

        Args:
            recordings: That the strings consist of.
            noise: Standard normal, ``[N, S]``, for the silence.
            xp: ``numpy`` or ``jax.numpy``.
        """
        ends, time = self.ends(recordings.lengths, xp), xp.arange(noise.shape[1])[None]
        part = sum((time >= ends[:, i : i + 1]).astype(np.int32) for i in range(ends.shape[1]))
        # A gap has the level of the digit that it stands before, the last one of the last digit.
        digit = xp.minimum(part // 2, self.counts[:, None] - 1)
        number = xp.take_along_axis(self.recordings, digit, axis=1)
        starts = xp.take_along_axis(ends, xp.minimum(2 * digit, ends.shape[1] - 1), axis=1)
        since = (time - starts).astype(self.speeds.dtype) * self.speeds[:, None]
        last = xp.asarray(recordings.lengths)[number] - 1
        place = xp.clip(xp.floor(since).astype(np.int32), 0, last)
        first = xp.asarray(recordings.starts)[number]
        wave = xp.asarray(recordings.samples)
        low = wave[first + place].astype(noise.dtype)
        high = wave[first + xp.minimum(place + 1, last)].astype(noise.dtype)
        played = (low + (high - low) * (since - place).astype(noise.dtype)) / 32768
        silence = noise * xp.asarray(recordings.quiet)[number]
        heard = xp.where(part % 2 == 1, played, silence)
        return xp.where(time < ends[:, -1:], heard, 0), ends[:, -1]

    def labels(self, digits: Any, xp: Any = np) -> tuple[Any, Any]:
        """The digits int32 ``[N, 7]``, and where there are none, bool ``[N, 7]``."""
        padding = xp.arange(MOST_DIGITS)[None] >= self.counts[:, None]
        return xp.where(padding, 0, xp.asarray(digits)[self.recordings]), padding


def draw(
    rng: np.random.Generator,
    recordings: Recordings,
    chosen: np.ndarray,
    number: int,
    counts: tuple[int, int] = (1, MOST_DIGITS),
    speeds: tuple[float, float] = (1.0, 1.0),
) -> DigitStrings:
    """Draws strings, each of one voice.

    Args:
        rng: Where from.
        recordings: All there are.
        chosen: Which of them strings may consist of, bool ``[all]``; every voice is as likely.
        number: N.
        counts: The fewest and the most digits.
        speeds: The slowest and the fastest.
    """
    voices = np.unique(recordings.voices[chosen])
    by_voice = {v: np.flatnonzero(chosen & (recordings.voices == v)) for v in voices.tolist()}
    own = [by_voice[v] for v in rng.choice(voices, number).tolist()]
    drawn = np.stack([each[rng.integers(0, len(each), MOST_DIGITS)] for each in own])
    length = rng.integers(counts[0], counts[1] + 1, number)
    gaps = rng.integers(0, LONGEST_GAP + 1, (number, MOST_DIGITS + 1))
    fast = rng.uniform(*speeds, number).astype(np.float32)
    strings = DigitStrings(drawn, length, gaps, fast)
    ends = strings.ends(recordings.lengths)[:, 1::2] + LONGEST_GAP
    fitting = np.maximum((ends <= LONGEST).sum(axis=1), 1)
    length = np.minimum(length, fitting)[:, None]
    places = np.arange(MOST_DIGITS + 1)
    recorded = np.where(places[:-1] < length, drawn, 0)
    return DigitStrings(
        recorded.astype(np.int32), length[:, 0].astype(np.int32),
        np.where(places <= length, gaps, 0).astype(np.int32), fast,
    )  # fmt: skip
