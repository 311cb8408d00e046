"""What a simple method makes of strings of digits: cut at the silence, and look for the nearest.

A string is cut where its energy, the mean of its standardised bands, is low; a piece that is longer
than digits are is cut again at its quietest frame. Each piece is stretched to `FRAMES` frames and
standardised band by band, and is what the nearest of all training recordings is, by the Euclidean
distance. Threshold and lengths are those with the fewest errors on validation strings. Digits
without any silence between them are where this fails: the method can't know where one ends.
"""

from __future__ import annotations

import functools
import itertools
from typing import Any

import numpy as np

from rnnjax.data import digit_strings, log_mel, string_scores
from rnnjax.data.digit_strings import DigitStrings
from rnnjax.data.spoken_digits import Heard, SpokenDigits, hear

FRAMES = 20
THRESHOLDS = (-0.8, -0.6, -0.4, -0.2)
SHORTEST_FRAMES = (6, 10, 14)
LONGEST_FRAMES = (45, 60, 80)


def pieces(
    frames: np.ndarray, threshold: float, shortest: int, longest: int
) -> list[tuple[int, int]]:
    """Where digits seem to be: the first frame of each, and the one behind its last.

    Args:
        frames: Standardised bands, ``[F, bands]``.
        threshold: Of the mean of the bands, smoothed over five frames.
        shortest: Frames; what is shorter is left out.
        longest: What is longer is cut at its quietest frame, as long as both parts stay digits.
    """
    energy = np.convolve(np.pad(frames.mean(axis=1), 2, mode="edge"), np.ones(5) / 5, "valid")
    is_loud = np.concatenate(([False], energy > threshold, [False]))
    changes = np.flatnonzero(is_loud[1:] != is_loud[:-1])
    waiting = [(int(a), int(b)) for a, b in changes.reshape(-1, 2)][::-1]
    found = []
    while waiting:
        begin, end = waiting.pop()
        if end - begin > max(longest, 2 * shortest):
            cut = begin + shortest + int(energy[begin + shortest : end - shortest].argmin())
            waiting += [(cut, end), (begin, cut)]
        elif end - begin >= shortest:
            found.append((begin, end))
    return found


def stretched(frames: np.ndarray) -> np.ndarray:
    """Frames ``[F, bands]``, at least one, as `FRAMES` of them, standardised: one flat array."""
    places = np.linspace(0, len(frames) - 1, FRAMES)
    low = np.floor(places).astype(int)
    high = np.minimum(low + 1, len(frames) - 1)
    between = frames[low] + (frames[high] - frames[low]) * (places - low)[:, None]
    return ((between - between.mean(axis=0)) / (between.std(axis=0) + 1e-5)).ravel()


def frames_of(heard: Heard, row: int) -> np.ndarray:
    """The frames of one string, ``[F, bands]``."""
    return heard.features[row][heard.mask[row]].reshape(-1, log_mel.BANDS)


def fitted(data: SpokenDigits) -> Any:
    """A nearest neighbour that knows the training recordings, from scikit-learn."""
    from sklearn.neighbors import KNeighborsClassifier  # it takes a second

    numbers = np.flatnonzero(data.part("train"))
    most = digit_strings.MOST_DIGITS
    alone = DigitStrings(
        np.pad(numbers[:, None], ((0, 0), (0, most - 1))), np.ones(len(numbers), np.int32),
        np.zeros((len(numbers), most + 1), np.int32), np.ones(len(numbers), np.float32),
    )  # fmt: skip
    heard = hear(alone, data.recordings, np.random.default_rng(0))
    known = [stretched(frames_of(heard, row)) for row in range(len(numbers))]
    return KNeighborsClassifier(1).fit(np.stack(known), data.recordings.digits[numbers])


def answers(method: Any, heard: Heard, threshold: float, shortest: int, longest: int) -> list[str]:
    """The digits of strings between blanks.

    Args:
        method: From `fitted`.
        heard: The strings.
        threshold: As for `pieces`.
        shortest: Likewise.
        longest: Likewise.
    """
    cuts, every = [], []
    for row in range(len(heard.mask)):
        frames = frames_of(heard, row)
        found = pieces(frames, threshold, shortest, longest)
        cuts.append(len(found))
        every += [stretched(frames[begin:end]) for begin, end in found]
    said = iter(map(str, method.predict(np.stack(every)).tolist() if every else []))
    return [" ".join(itertools.islice(said, count)) for count in cuts]


def metrics(data: SpokenDigits, validation: Heard, tests: dict[str, Heard]) -> dict[str, float]:
    """The figures of strings to test, with what the validation strings chose.

    Args:
        data: Whose training recordings are known.
        validation: Strings.
        tests: Strings, by what stands in front of their figures.
    """
    answer = functools.partial(answers, fitted(data))
    texts = validation.texts()
    best = min(
        itertools.product(THRESHOLDS, SHORTEST_FRAMES, LONGEST_FRAMES),
        key=lambda how: string_scores.rates(answer(validation, *how), texts)["digit_error"],
    )
    figures = {}
    for name, heard in tests.items():
        for kind, value in string_scores.rates(answer(heard, *best), heard.texts()).items():
            figures[f"{name}_{kind}"] = value
    return figures
