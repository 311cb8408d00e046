"""Digits of seven segments, as on a pocket calculator, drawn by a program in many sizes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

SIDE = 28
SEGMENTS = ("abcdef", "bc", "abged", "abgcd", "fgbc", "afgcd", "afgedc", "abc", "abcdefg", "abcdfg")
"""Which are lit, by digit: a on top, clockwise to f at the upper left, g in the middle."""


def seven_segment_digits(number: int, seed: int | Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    r"""Draws digits of random size, stroke, place and ink.

    They are 14 to 22 pixels high and 8 to 14 wide, with strokes of 1 to 3 pixels and ink of 128 to
    255; equal seeds draw the same.

    Returns:
        Images uint8 ``[number, 28, 28]``, with 255 for full ink, and labels int32 ``[number]``, of
        which each digit has as many as the others, up to one.

    >>> images, labels = seven_segment_digits(10, seed=0)
    >>> (four,) = images[labels == 4]
    >>> print("\n".join("".join(".#"[int(ink > 0)] for ink in row) for row in four[10::3, 6:22]))
    ..#..........#..
    ..#..........#..
    ..#..........#..
    .............#..
    .............#..
    .............#..
    """
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(number, dtype=np.int32) % 10)
    images = np.zeros((number, SIDE, SIDE), np.uint8)
    heights = rng.integers(14, 23, size=number)
    widths = rng.integers(8, 15, size=number)
    strokes = rng.integers(1, 4, size=number)
    inks = rng.integers(128, 256, size=number)
    tops = np.floor(rng.random(number) * (SIDE + 1 - heights)).astype(int)
    lefts = np.floor(rng.random(number) * (SIDE + 1 - widths)).astype(int)
    for i, label in enumerate(labels.tolist()):
        box = images[i, tops[i] : tops[i] + heights[i], lefts[i] : lefts[i] + widths[i]]
        for segment in SEGMENTS[label]:
            box[_where(segment, int(heights[i]), int(strokes[i]))] = inks[i]
    return images, labels


def _where(segment: str, height: int, stroke: int) -> tuple[slice, slice]:
    """The rows and columns of a segment in the box of its digit."""
    middle, all_ = (height - stroke) // 2, slice(None)
    top, bottom = slice(0, stroke), slice(height - stroke, height)
    upper, lower = slice(0, middle + stroke), slice(middle, height)
    left, right = slice(0, stroke), slice(-stroke, None)
    return {
        "a": (top, all_), "b": (upper, right), "c": (lower, right), "d": (bottom, all_),
        "e": (lower, left), "f": (upper, left), "g": (slice(middle, middle + stroke), all_),
    }[segment]  # fmt: skip
