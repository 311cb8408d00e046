"""A user's WAV file as one channel of numbers at the rate that a model knows."""

from __future__ import annotations

import io
import math
import os
import warnings

import numpy as np

from rnnjax.data.reading import own_file
from rnnjax.errors import DataError

MOST_RATE, MOST_SECONDS = 768_000, 600
"""What is accepted at most; every common rate is below the first."""


def samples_of(contents: bytes, name: str) -> tuple[np.ndarray, int]:
    """The samples of a WAV file, float64 ``[S]`` or ``[S, channels]``, and how many a second has.

    Whole numbers of 8, 16, 24, 32 and 64 bits are scaled to ±1, others are taken as they are.

    Args:
        contents: Of the file.
        name: Of it, for messages.

    Raises:
        DataError: It is no WAV file, or a damaged one.
    """
    from scipy.io import wavfile  # as what follows, it takes half a second

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", wavfile.WavFileWarning)
            warnings.filterwarnings(
                "error", "Reached EOF prematurely", category=wavfile.WavFileWarning
            )
            rate, samples = wavfile.read(io.BytesIO(contents))
    except wavfile.WavFileWarning:
        raise DataError(
            f"{name} is cut off: it ends before its header says; give a whole WAV file."
        ) from None
    # SciPy's parser raises half a dozen types on damaged bytes.
    except Exception as error:
        why = str(error).split(". ")[0].rstrip(".") or type(error).__name__
        raise DataError(f"{name} can't be read ({why}); give a WAV file.") from None
    if samples.dtype == np.uint8:
        return (samples.astype(np.float64) - 128) / 128, rate
    if samples.dtype.kind == "i":
        return samples / -float(np.iinfo(samples.dtype).min), rate
    return samples.astype(np.float64), rate


def read_wav(path: str | os.PathLike[str], rate: int) -> np.ndarray:
    """One channel of a WAV file, float64 ``[S]`` at the given rate, full scale 1.

    Of several channels the mean is taken; another rate is converted by a polyphase filter.

    Args:
        path: Of the file.
        rate: Samples per second of what is returned.

    Raises:
        DataError: It can't be read, is no WAV file or a damaged one, is empty, holds numbers that
            are not finite, or is longer than ten minutes.
    """
    samples, own = samples_of(own_file(path, "a WAV file"), str(path))
    if not 1 <= own <= MOST_RATE:
        raise DataError(f"{path} has {own:,} samples a second; give one of 1 to {MOST_RATE:,}.")
    if not samples.size:
        raise DataError(f"{path} holds no sound; give a WAV file with some.")
    if len(samples) > MOST_SECONDS * own:
        raise DataError(
            f"{path} is {len(samples) / own:,.0f} seconds long; give one of {MOST_SECONDS} at most."
        )
    if not np.isfinite(samples).all():
        raise DataError(f"{path} holds numbers that are not finite; give another WAV file.")
    mono = samples if samples.ndim == 1 else samples.mean(axis=1)
    if own == rate:
        return mono
    from scipy.signal import resample_poly

    divisor = math.gcd(rate, own)
    return resample_poly(mono, rate // divisor, own // divisor)
