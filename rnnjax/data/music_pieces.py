"""Pieces of music as frames, one after each equal share of time."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

NUM_KEYS, LOWEST_KEY = 88, 21
"""Of a piano, and the MIDI number of its lowest key."""
VOICES = ("soprano", "alto", "tenor", "bass")


class Pieces(NamedTuple):
    """Pieces padded behind with zeros."""

    frames: np.ndarray
    """uint8 ``[N, T, D]``: of a piano roll which keys sound, of voices the symbol of each."""
    mask: np.ndarray
    """Where there is no padding, bool ``[N, T]``."""

    @classmethod
    def of(cls, pieces: Sequence[np.ndarray]) -> Pieces:
        """From at least one array ``[length, D]``."""
        longest = max(map(len, pieces))
        frames = np.zeros((len(pieces), longest, pieces[0].shape[1]), np.uint8)
        for row, piece in enumerate(pieces):
            frames[row, : len(piece)] = piece
        lengths = np.array([*map(len, pieces)])
        return cls(frames, np.arange(longest) < lengths[:, None])

    @property
    def lengths(self) -> np.ndarray:
        """Frames of each piece, ``[N]``."""
        return self.mask.sum(axis=1)

    def each(self) -> Iterator[np.ndarray]:
        """The pieces without padding, ``[length, D]``."""
        return (own[: int(n)] for own, n in zip(self.frames, self.lengths, strict=True))

    def cut(self, longest: int) -> Pieces:
        """The same in parts of at most so many predicted frames.

        A part begins with the last frame of the one before, so that each frame but the first of a
        piece is predicted in one part.

        >>> whole = Pieces.of([np.arange(6)[:, None]])
        >>> [part[:, 0].tolist() for part in whole.cut(3).each()]
        [[0, 1, 2, 3], [3, 4, 5]]
        """
        if self.frames.shape[1] <= longest + 1:
            return self
        pieces = list(self.each())
        starts = [range(0, max(len(piece) - 1, 1), longest) for piece in pieces]
        return Pieces.of(
            [p[i : i + longest + 1] for p, own in zip(pieces, starts, strict=True) for i in own]
        )


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Music:
    """Pieces to learn from, to choose by and to test with.

    Args:
        name: the data really used.
        origin: one phrase that says where they came from.
        licence: one phrase that says who may do what with them.
        train: what is learnt from.
        validation: what chooses.
        test: what is asked.
        per_quarter: frames of a quarter note.
        pitches: of voices the MIDI number of each symbol, -1 for silence; of piano rolls none.
        warning: where other data than was asked for stand in, the sentence that says so.
        best_loss: the lowest loss for keys that are independent given the past, where the law of
            the pieces is known, nats per frame.
    """

    name: str
    origin: str
    licence: str
    train: Pieces
    validation: Pieces
    test: Pieces
    per_quarter: int
    pitches: tuple[int, ...] = ()
    warning: str | None = None
    best_loss: float | None = None

    def described(self) -> str:
        """One line for the user."""
        parts = (self.train, self.validation, self.test)
        counts = " / ".join(f"{len(part.frames):,}" for part in parts)
        steps = " / ".join(f"{int(part.mask.sum()):,}" for part in parts)
        return f"pieces   {counts} to train, validate and test, {steps} frames; {self.licence}"

    def roll(self, piece: np.ndarray) -> np.ndarray:
        """Which keys sound in frames ``[T, D]``, bool ``[T, 88]``."""
        return as_roll(piece, self.pitches)


def as_roll(frames: np.ndarray, pitches: Sequence[int]) -> np.ndarray:
    """Which keys sound, bool ``[T, 88]``.

    Args:
        frames: ``[T, D]``, as of `Pieces`.
        pitches: as of `Music`.

    >>> np.flatnonzero(as_roll(np.array([[1, 0, 2, 2]]), (-1, 60, 62))[0]).tolist()
    [39, 41]
    """
    if not pitches:
        return frames > 0
    numbers = np.array(pitches)[frames]
    return (numbers[..., None] == np.arange(LOWEST_KEY, LOWEST_KEY + NUM_KEYS)).any(axis=1)
