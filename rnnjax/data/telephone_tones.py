r"""Telephone tones, which a program makes: recordings of digits that can be told without an error.

The tone of a digit is the sum of two sines, one of the row of its key and one of the column:

.. math:: x_t = a\, (\sin 2 \pi f_r t + \sin 2 \pi f_c t) + \sigma \epsilon_t, \qquad
          \epsilon_t \sim N(0, 1), \quad a^2 = 10\, \sigma^2

so that the power of the tone is ten times that of the noise (10 dB). Each lasts 60 to 140 ms. A
voice is a telephone, whose pitch is wrong by up to 1.5 %.

Source: ITU-T recommendation Q.23, "Technical features of push-button telephone sets", 1988.
"""

from __future__ import annotations

import numpy as np

from rnnjax.data.recordings import RATE, Recordings

NUM_VOICES, NUM_TAKES = 6, 50
SHORTEST, LONGEST = 60 * RATE // 1000, 140 * RATE // 1000
LOW, HIGH = (697, 770, 852, 941), (1209, 1336, 1477)
KEYS = ("123", "456", "789", " 0")
AMPLITUDE = 0.1
NOISE = AMPLITUDE / 10**0.5


def frequencies(digit: int) -> tuple[int, int]:
    """The two frequencies of a digit in hertz, of its row and of its column.

    >>> frequencies(0)
    (941, 1336)
    """
    (row,) = [i for i, keys in enumerate(KEYS) if str(digit) in keys]
    return LOW[row], HIGH[KEYS[row].index(str(digit))]


def recorded(seed: int = 0) -> Recordings:
    """As many voices and takes as of the spoken digits.

    Args:
        seed: Other seeds have other telephones.
    """
    rng = np.random.default_rng(seed)
    waves, digits, voices, takes = [], [], [], []
    for voice, pitch in enumerate(rng.uniform(0.985, 1.015, NUM_VOICES).tolist(), start=1):
        for digit in range(10):
            for take in range(NUM_TAKES):
                time = np.arange(rng.integers(SHORTEST, LONGEST + 1)) / RATE
                phases = rng.uniform(0, 2 * np.pi, 2)
                sines = [
                    np.sin(2 * np.pi * pitch * frequency * time + phase)
                    for frequency, phase in zip(frequencies(digit), phases, strict=True)
                ]
                wave = AMPLITUDE * sum(sines) + NOISE * rng.normal(size=len(time))
                waves.append(np.round(32768 * wave).astype(np.int16))
                digits.append(digit)
                voices.append(voice)
                takes.append(take)
    return Recordings.of(waves, digits, voices, takes, [NOISE] * len(waves))
