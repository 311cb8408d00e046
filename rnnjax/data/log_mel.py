r"""Speech as a recogniser hears it: the logarithm of the power in mel bands, 50 steps a second.

From samples x at 8 kHz, of which the mean has been taken off, with N = 200, hop 80 and a transform
of K = 256:

.. math:: y_n = x_n - 0.97\, x_{n-1}, \qquad
          P_{fk} = \Bigl| \sum_{n < N} w_n\, y_{80 f + n}\, e^{-2 \pi i k n / K} \Bigr|^2, \qquad
          m_{fb} = \log\Bigl( \sum_k M_{kb} P_{fk} + 10^{-8} \Bigr)

with the periodic Hann window w and 40 triangles M whose corners lie evenly from 0 to 4,000 Hz on
the mel scale 2595 log10(1 + f / 700). Each band is then standardised over the string, and two
frames make one step. All functions compute with NumPy or, inside a program, with JAX.

Source: S. Davis, P. Mermelstein, "Comparison of parametric representations for monosyllabic word
recognition in continuously spoken sentences", IEEE TASSP 28 (1980), 357-366.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from rnnjax.data.recordings import RATE

WINDOW, HOP, TRANSFORM, BANDS, STACKED = 200, 80, 256, 40, 2
FEATURES = BANDS * STACKED
STEP_SAMPLES = STACKED * HOP
SHORTEST = WINDOW + (STACKED - 1) * HOP
"""Samples of one step, the fewest that have any."""
STEP_SECONDS = STEP_SAMPLES / RATE
CENTRE_SECONDS = SHORTEST / 2 / RATE
"""When the middle of the first step is heard."""


def num_steps(num_samples: Any) -> Any:
    """The whole steps of so many samples, a number or integers of any shape.

    >>> num_steps(np.array([279, 280, 439, 440]))
    array([0, 1, 1, 2])
    """
    return (num_samples - SHORTEST) // STEP_SAMPLES + 1


@functools.cache
def mel_filters() -> np.ndarray:
    """M, the weight of each frequency in each band, float64 ``[129, 40]``; peaks are 1."""
    mels = np.linspace(0, 2595 * np.log10(1 + RATE / 2 / 700), BANDS + 2)
    low, peak, high = (700 * (10 ** (mels[i : i + BANDS] / 2595) - 1) for i in range(3))
    at = (np.arange(TRANSFORM // 2 + 1) * RATE / TRANSFORM)[:, None]
    return np.maximum(0, np.minimum((at - low) / (peak - low), (high - at) / (high - peak)))


def log_mel(samples: Any, lengths: Any, xp: Any = np) -> Any:
    """The logarithm of the power in each band, ``[B, F, 40]``, for each whole frame of S samples.

    Args:
        samples: ``[B, S]``, full scale 1; behind its length each row is 0.
        lengths: samples of each row, ``[B]``.
        xp: ``numpy`` or ``jax.numpy``.
    """
    there = xp.arange(samples.shape[1])[None] < lengths[:, None]
    mean = samples.sum(axis=1) / lengths
    centred = xp.where(there, samples - mean[:, None], 0)
    before = xp.pad(centred[:, :-1], ((0, 0), (1, 0)))
    emphasised = xp.where(there, centred - 0.97 * before, 0)
    frames = max(0, (samples.shape[1] - WINDOW) // HOP + 1)
    places = np.arange(frames)[:, None] * HOP + np.arange(WINDOW)
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW) / WINDOW)
    dtype = samples.dtype
    windowed = emphasised[:, places] * hann.astype(dtype)[None, None]
    spectrum = xp.fft.rfft(windowed, TRANSFORM)
    power = xp.square(spectrum.real) + xp.square(spectrum.imag)
    return xp.log(power @ mel_filters().astype(dtype) + 1e-8)


def steps_of(bands: Any, lengths: Any, xp: Any = np) -> tuple[Any, Any]:
    """Standardised bands, two frames to a step.

    Mean and deviation are those of each row's own frames, as many as its whole steps have.

    Args:
        bands: from `log_mel`, ``[B, F, 40]``.
        lengths: samples of each row, ``[B]``.
        xp: ``numpy`` or ``jax.numpy``.

    Returns:
        Features ``[B, T, 80]``, 0 where a row has ended; and where not, bool ``[B, T]``.
    """
    count = STACKED * num_steps(lengths)[:, None]
    there = (xp.arange(bands.shape[1])[None] < count)[..., None]
    divisor = xp.maximum(count, 1).astype(bands.dtype)
    mean = xp.where(there, bands, 0).sum(axis=1) / divisor
    apart = xp.where(there, bands - mean[:, None], 0)
    deviation = xp.sqrt(xp.square(apart).sum(axis=1) / divisor)
    standard = apart / (deviation[:, None] + 1e-5)
    whole = bands.shape[1] // STACKED
    joined = standard[:, : whole * STACKED].reshape(len(bands), whole, FEATURES)
    return joined, there[:, : whole * STACKED : STACKED, 0]


def features(samples: Any, lengths: Any, xp: Any = np) -> tuple[Any, Any]:
    """`steps_of` the `log_mel` of samples ``[B, S]``: ``[B, T, 80]`` and bool ``[B, T]``."""
    return steps_of(log_mel(samples, lengths, xp), lengths, xp)
