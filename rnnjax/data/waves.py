"""Series that a program makes: sine waves, and two sines with noise."""

from __future__ import annotations

import math

import numpy as np

from rnnjax.data.time_series import Scale, TimeSeries, cut

NUM_WAVES, NUM_TEST, NUM_VALIDATION = 100, 3, 3
STEPS = 1000
RATE = 1 / 20
"""Radians in a step."""
NOISE = 0.1
PERIODS = 24, 60
PARTS = 6_000, 1_000, 1_000
MADE = "made by a program"


def sine_waves(input_length: int, horizon: int, *, seed: int = 0) -> TimeSeries:
    r"""PyTorch's example: a hundred waves of the same rate, each from a beginning of its own.

    .. math:: x_t = \sin((t + s) / 20), \qquad s \in \{-80, \dots, 79\}

    The first three are to test with, the others to learn from, 1,000 steps of each; three more are
    there to choose by. What comes after the steps that are seen is known, too.

    Args:
        input_length: steps seen before a forecast.
        horizon: steps that are forecast then.
        seed: of the beginnings.

    Source: pytorch/examples, ``time_sequence_prediction``.
    """
    rng = np.random.default_rng(seed)
    shifts = rng.integers(-80, 80, NUM_WAVES + NUM_VALIDATION)
    length = max(STEPS, input_length + horizon)
    waves = np.sin((np.arange(length) + shifts[:, None]) * RATE)
    values = waves.reshape(-1, 1).astype(np.float32)
    starts = np.arange(len(shifts), dtype=np.int32) * length
    return TimeSeries(
        "sine", f"{NUM_WAVES} waves, {MADE}", MADE, ("sine",), values, np.ones(values.shape, bool),
        Scale(np.zeros(1), np.ones(1)), starts[NUM_TEST:NUM_WAVES], starts[NUM_WAVES:],
        starts[:NUM_TEST], input_length, horizon, STEPS, best_mse=0.0,
    )  # fmt: skip


def two_sines(
    input_length: int, horizon: int, warning: str | None = None, *, seed: int = 0
) -> TimeSeries:
    """Two sines of different periods, and noise: its variance is the best possible error.

    Args:
        input_length: steps seen before a forecast.
        horizon: steps that are forecast then.
        warning: where it stands in for other data, the sentence that says so.
        seed: of the noise.
    """
    rng = np.random.default_rng(seed)
    clean = sum_of_sines(np.arange(sum(PARTS)))
    values = (clean + NOISE * rng.standard_normal(len(clean)))[:, None]
    found = cut(
        values, PARTS, input_length, horizon, name="two_sines", origin=f"two sines, {MADE}",
        licence=MADE, columns=("signal",), period=math.lcm(*PERIODS), warning=warning,
    )  # fmt: skip
    return found._replace(best_mse=float((NOISE / found.scale.deviation[0]) ** 2))


def sum_of_sines(t: np.ndarray) -> np.ndarray:
    """What `two_sines` is at times ``[T]`` without its noise."""
    return np.sin(2 * np.pi * t[:, None] / np.array(PERIODS)).sum(axis=1)


def phase_errors(forecasts: np.ndarray, waves: np.ndarray) -> list[float]:
    r"""By how many radians forecasts of sine waves are late in their last period.

    A sine and a cosine are fitted to both; the angles between them differ by so much.

    Args:
        forecasts: ``[N, H]``.
        waves: what they should have been, ``[N, H]``.
    """
    period = min(round(2 * np.pi / RATE), waves.shape[1])
    t = np.arange(period) * RATE
    design = np.column_stack((np.sin(t), np.cos(t)))

    def angles(values: np.ndarray) -> np.ndarray:
        along, across = np.linalg.lstsq(design, np.asarray(values)[:, -period:].T, rcond=None)[0]
        return np.arctan2(across, along)

    late = np.angle(np.exp(1j * (angles(waves) - angles(forecasts))))
    return [round(float(angle), 4) for angle in late]
