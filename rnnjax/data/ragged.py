"""Sequences of different lengths: stored end to end, padded to a rectangle for training."""

from __future__ import annotations

import array
import dataclasses
from collections.abc import Iterable
from typing import Literal, NamedTuple

import numpy as np

PADDING = 0

Side = Literal["pre", "post"]


@dataclasses.dataclass(frozen=True, eq=False)
class Ragged:
    """Sequences of different lengths, laid end to end.

    Two plain arrays: they are saved and loaded without pickle, and mapped from a file if need be.

    Attributes:
        values: All the indices, ``[total]``, int32.
        offsets: ``[N + 1]``, int64: sequence i is ``values[offsets[i]:offsets[i + 1]]``.

    >>> ragged = Ragged.from_sequences([[1, 5], [1, 7, 8]])
    >>> ragged.lengths.tolist(), ragged[1].tolist()
    ([2, 3], [1, 7, 8])
    """

    values: np.ndarray
    offsets: np.ndarray

    def __post_init__(self) -> None:
        bounds = self.offsets
        if bounds.ndim != 1 or bounds.size == 0 or bounds[0] != 0 or np.any(np.diff(bounds) < 0):
            raise ValueError(
                "offsets must be one row of numbers that starts at 0 and never falls: they are "
                "the positions in `values` where the sequences begin, and the end of the last."
            )
        if self.values.shape != (bounds[-1],):
            raise ValueError(
                f"values has shape {self.values.shape}, but offsets end at {bounds[-1]}: these "
                "two arrays do not belong together."
            )

    @classmethod
    def from_sequences(cls, sequences: Iterable[Iterable[int]]) -> Ragged:
        """Lays sequences of indices end to end.

        Args:
            sequences: The sequences; they are read once, so a generator will do.
        """
        values, offsets = array.array("i"), array.array("q", [0])
        for sequence in sequences:
            values.extend(sequence)
            offsets.append(len(values))
        return cls(np.array(values, np.int32), np.array(offsets, np.int64))

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, index: int) -> np.ndarray:
        row = range(len(self))[index]
        return self.values[self.offsets[row] : self.offsets[row + 1]]

    def part(self, start: int, stop: int) -> Ragged:
        """The sequences from `start` up to, not including, `stop`."""
        bounds = self.offsets[start : stop + 1]
        return Ragged(self.values[bounds[0] : bounds[-1]], bounds - bounds[0])

    @property
    def lengths(self) -> np.ndarray:
        """Length of each sequence, ``[N]``, int64."""
        return np.diff(self.offsets)


class Padded(NamedTuple):
    """Sequences as one rectangle.

    Attributes:
        tokens: Indices, ``[N, length]``, int32, `PADDING` where there is none.
        mask: ``[N, length]``, bool, true where `tokens` holds an index of the sequence.
    """

    tokens: np.ndarray
    mask: np.ndarray


def pad(
    sequences: Ragged | Iterable[Iterable[int]],
    length: int,
    padding: Side = "pre",
    truncating: Side = "pre",
) -> Padded:
    """Brings sequences to one length, as ``pad_sequences`` of Keras does, defaults included.

    Args:
        sequences: Sequences of indices; an empty one becomes padding only.
        length: The common length.
        padding: Where zeros are added to a shorter sequence: "pre" is in front, "post" behind.
        truncating: Where a longer sequence loses words: "pre" keeps its last words, "post" its
            first.

    Returns:
        The indices and the mask that tells them from padding.

    Raises:
        ValueError: For a length below 1, or a side that is neither "pre" nor "post".

    >>> pad([[7], [5, 6, 7, 8]], length=3, padding="post").tokens.tolist()
    [[7, 0, 0], [6, 7, 8]]
    """
    if length < 1:
        raise ValueError(f"length is {length}: sequences are padded to 1 step or more.")
    for name, side in (("padding", padding), ("truncating", truncating)):
        if side not in ("pre", "post"):
            raise ValueError(f'{name} is {side!r}: choose "pre" (in front) or "post" (behind).')
    if not isinstance(sequences, Ragged):
        sequences = Ragged.from_sequences(sequences)

    kept = np.minimum(sequences.lengths, length)
    first = sequences.offsets[:-1] if truncating == "post" else sequences.offsets[1:] - kept
    column = np.zeros_like(kept) if padding == "post" else length - kept
    steps = np.arange(length)
    mask = (steps >= column[:, None]) & (steps < (column + kept)[:, None])
    tokens = np.full(mask.shape, PADDING, np.int32)
    # Copying whole rows is several times as fast as one gather over all the indices.
    for row, start, size, at in zip(tokens, first, kept, column, strict=True):
        row[at : at + size] = sequences.values[start : start + size]
    return Padded(tokens, mask)
