"""How right descriptions are, and what the nearest known picture says."""

from __future__ import annotations

import collections
from collections.abc import Sequence

import numpy as np

from rnnjax.data.described_pictures import Part

BLOCK = 1024
"""Known pictures whose distances are found at a time."""


def exact_share(written: Sequence[str], references: Sequence[Sequence[str]]) -> float:
    """The share of descriptions that are one of the right ones, word for word.

    Args:
        written: of N pictures.
        references: of each all that are right.

    Raises:
        ValueError: There are none, or not as many as references.
    """
    pairs = _paired(written, references)
    return sum(text.split() in [r.split() for r in right] for text, right in pairs) / len(pairs)


def word_f1(written: Sequence[str], references: Sequence[Sequence[str]]) -> float:
    r"""How many words are right, in whatever order: a mean over pictures.

    .. math:: F_1 = \max_r \frac{2 \sum_w \min(n_w, m_w)}{\sum_w n_w + \sum_w m_w}

    with the number of times n that a word was written, and m that reference r has it.

    Args:
        written: of N pictures; one may be empty, and has 0.
        references: of each all that are right, none of them empty.

    Raises:
        ValueError: As for `exact_share`.

    >>> word_f1(["red red ball"], [["red ball", "a ball"]])
    0.8
    """
    pairs = _paired(written, references)
    return sum(max(_f1(text, right) for right in rights) for text, rights in pairs) / len(pairs)


def scores(written: Sequence[str], references: Sequence[Sequence[str]]) -> dict[str, float]:
    """`exact_share` as ``exact`` and `word_f1` as ``f1``."""
    return {"exact": exact_share(written, references), "f1": word_f1(written, references)}


def nearest(pictures: np.ndarray, known: np.ndarray, block: int = BLOCK) -> np.ndarray:
    r"""Of each picture the known one with the least squared distance, int ``[N]``.

    .. math:: \arg\min_j \sum_p (x_p - y_{jp})^2

    The sums are of whole numbers below 2^53, so they are exact; of equally near pictures the first
    is taken.

    Args:
        pictures: uint8 ``[N, height, width, channels]``.
        known: uint8 ``[M, height, width, channels]``.
        block: how many of the known ones are compared at a time, which saves memory.

    Raises:
        ValueError: None is known, or they are of another size.
    """
    if not len(known) or pictures.shape[1:] != known.shape[1:]:
        raise ValueError(
            f"Pictures of {pictures.shape[1:]} can't be looked for among {len(known):,} of "
            f"{known.shape[1:]}: give at least one, of the same size."
        )
    asked = pictures.reshape(len(pictures), -1).astype(np.float64)
    best, found = np.full(len(asked), np.inf), np.zeros(len(asked), np.int64)
    for start in range(0, len(known), block):
        some = known[start : start + block].reshape(-1, asked.shape[1]).astype(np.float64)
        # Without the square of what is asked, which is the same for all.
        distances = np.square(some).sum(axis=1) - 2 * asked @ some.T
        at = distances.argmin(axis=1)
        least = distances[np.arange(len(asked)), at]
        found = np.where(least < best, start + at, found)
        best = np.minimum(best, least)
    return found


def nearest_picture(asked: Part, known: Part, block: int = BLOCK) -> dict[str, float]:
    """The scores of who says what was said of the nearest known picture, the first where several.

    It is what a description has to beat that was composed.
    """
    found = nearest(asked.pictures, known.pictures, block)
    return scores([known.descriptions[i][0] for i in found], asked.descriptions)


def _paired(
    written: Sequence[str], references: Sequence[Sequence[str]]
) -> list[tuple[str, Sequence[str]]]:
    if not len(written) or len(written) != len(references):
        raise ValueError(
            f"{len(written):,} descriptions of {len(references):,} pictures: give one of each, and "
            "at least one."
        )
    return list(zip(written, references, strict=True))


def _f1(text: str, right: str) -> float:
    said, true = collections.Counter(text.split()), collections.Counter(right.split())
    return 2 * (said & true).total() / (said.total() + true.total())
