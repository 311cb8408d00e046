"""Recordings of single digits, one after the other in one array."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

RATE = 8000
"""Samples per second of everything that is heard here."""

QUIET = RATE // 50
"""Samples of the quietest 20 ms of a recording, whose level is that of its silence."""


class Recordings(NamedTuple):
    """N recordings. Every field but the samples is an array ``[N]``, and all may be JAX's."""

    samples: Any
    """int16 ``[S]``, at `RATE`; 32,768 is full scale. The recordings one after the other."""
    starts: Any
    """int32, where each begins in `samples`."""
    lengths: Any
    """int32, of how many samples it consists, at least 1."""
    digits: Any
    """int32, what is said, 0 to 9."""
    voices: Any
    """int32, who says it, from 1 on."""
    takes: Any
    """int32, which recording of that digit by that voice it is, from 0 on."""
    quiet: Any
    """float32, the level of its silence: a root of a mean square, full scale 1."""

    def wave(self, number: int) -> np.ndarray:
        """The samples of one recording, float64 ``[length]``, full scale 1."""
        start = self.starts[number]
        return self.samples[start : start + self.lengths[number]] / 32768

    @classmethod
    def of(
        cls,
        waves: list[np.ndarray],
        digits: list[int],
        voices: list[int],
        takes: list[int],
        quiet: list[float] | None = None,
    ) -> Recordings:
        """From arrays of int16.

        Args:
            waves: Of each recording its samples.
            digits: What is said.
            voices: Who says it.
            takes: Of one digit by one voice, from 0 on.
            quiet: The levels of silence; by default of each recording's quietest 20 ms.
        """
        lengths = np.array([*map(len, waves)], np.int32)
        levels = [quietest(wave / 32768) for wave in waves] if quiet is None else quiet
        return cls(
            np.concatenate(waves), np.cumsum(lengths) - lengths, lengths,
            np.array(digits, np.int32), np.array(voices, np.int32), np.array(takes, np.int32),
            np.array(levels, np.float32),
        )  # fmt: skip


def quietest(wave: np.ndarray) -> float:
    """The root mean square of the quietest 20 ms of samples ``[S]``, of all where there are fewer.

    >>> float(quietest(np.repeat([1.0, 0.5, 2.0], QUIET)))
    0.5
    """
    power = np.concatenate(([0.0], np.cumsum(np.square(wave, dtype=np.float64))))
    width = min(QUIET, len(wave))
    return float(np.sqrt(max((power[width:] - power[:-width]).min(), 0) / width))
