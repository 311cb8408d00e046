"""Drawings as a pen makes them: from point to point, on the paper or above it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

DRAWS, LIFTED, END, PADDING = 0, 1, 2, -1
"""What the pen does after a point: it draws on to the next one, it is lifted on the way there, or
there is none; and what stands behind the end."""

FLOOR = 0.01
"""The least deviation, along any direction, of a Gaussian that says where a point is; of offsets
that are divided by theirs."""


class Drawings(NamedTuple):
    """Drawings of unequal lengths, padded behind."""

    offsets: np.ndarray
    """From the point before to each point, float32 ``[N, T, 2]``: to the right, and down."""
    pens: np.ndarray
    """int32 ``[N, T]``: `DRAWS`, `LIFTED`, `END` at the last point, `PADDING` behind it."""

    @classmethod
    def of(cls, drawings: Sequence[tuple[np.ndarray, np.ndarray]], longest: int) -> Drawings:
        """From offsets ``[length, 2]`` and pens ``[length]`` of each.

        Args:
            drawings: none of them longer.
            longest: T.
        """
        offsets = np.zeros((len(drawings), longest, 2), np.float32)
        pens = np.full((len(drawings), longest), PADDING, np.int32)
        for row, (own_offsets, own_pens) in enumerate(drawings):
            offsets[row, : len(own_pens)] = own_offsets
            pens[row, : len(own_pens)] = own_pens
        return cls(offsets, pens)

    @property
    def mask(self) -> np.ndarray:
        """Where there is no padding, bool ``[N, T]``."""
        return self.pens != PADDING

    @property
    def lengths(self) -> np.ndarray:
        """Points of each, ``[N]``."""
        return self.mask.sum(axis=1)

    def chosen(self, which: np.ndarray) -> Drawings:
        """Some of them, by their numbers or by a mask bool ``[N]``."""
        return Drawings(*(array[which] for array in self))

    def points(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """All points one after the other: offsets ``[P, 2]``, pens ``[P]``, and the pens before.

        Before the first point of a drawing, another one has ended.
        """
        before = np.pad(self.pens[:, :-1], ((0, 0), (1, 0)), constant_values=END)
        return self.offsets[self.mask], self.pens[self.mask], before[self.mask]


class DrawingsDataset(NamedTuple):
    """A task of drawing point by point.

    Attributes:
        name: The data really used.
        origin: One phrase that says where they came from.
        licence: One phrase that says who may do what with them.
        scale: What offsets were divided by.
        train: What is learnt from.
        validation: What chooses.
        test: What is asked in the end.
        warning: Where other data than was asked for stand in, the sentence that says so.
        best_loss: Nats per test point of the law that the drawings have, where it is known.
    """

    name: str
    origin: str
    licence: str
    scale: float
    train: Drawings
    validation: Drawings
    test: Drawings
    warning: str | None = None
    best_loss: float | None = None

    def described(self) -> str:
        """How many there are, how long, the unit, and the licence."""
        sizes = [len(part.pens) for part in (self.train, self.validation, self.test)]
        lengths = self.train.lengths
        return (
            f"drawings {sizes[0]:,} to train, {sizes[1]:,} to validate, {sizes[2]:,} to test\n"
            f"lengths  {lengths.min()} to {lengths.max()} points, {lengths.mean():.0f} on average; "
            f"offsets in units of {self.scale:.6g}\n"
            f"licence  {self.licence}"
        )
