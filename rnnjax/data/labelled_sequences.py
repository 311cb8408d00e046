"""Sequences of numbers of unequal lengths, each with a class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np


class Sequences(NamedTuple):
    """Sequences, padded behind with zeros, and their classes."""

    values: np.ndarray
    """float32 ``[N, T, D]``."""
    lengths: np.ndarray
    """int32 ``[N]``, at least 1."""
    labels: np.ndarray
    """int32 ``[N]``."""

    @classmethod
    def of(cls, sequences: Sequence[np.ndarray], labels: Sequence[int], longest: int) -> Sequences:
        """From arrays ``[length, D]``.

        Args:
            sequences: at least one.
            labels: as many.
            longest: T.
        """
        values = np.zeros((len(sequences), longest, sequences[0].shape[1]), np.float32)
        for row, sequence in enumerate(sequences):
            values[row, : len(sequence)] = sequence
        return cls(values, np.array([*map(len, sequences)], np.int32), np.array(labels, np.int32))

    @property
    def mask(self) -> np.ndarray:
        """Where there is no padding, bool ``[N, T]``."""
        return np.arange(self.values.shape[1]) < self.lengths[:, None]

    def chosen(self, which: np.ndarray) -> Sequences:
        """Some of them, by their numbers or by a mask bool ``[N]``."""
        return Sequences(*(array[which] for array in self))


class LabelledSequences(NamedTuple):
    """A task of telling to which class a sequence belongs.

    Attributes:
        name: The data really used.
        origin: One phrase that says where they came from.
        licence: One phrase that says who may do what with them.
        class_names: What each label stands for.
        train: What is learnt from.
        test: What is asked.
        warning: Where other data than was asked for stand in, the sentence that says so.
        best_accuracy: The accuracy on the test that no method exceeds but by chance, where the law
            of the sequences is known.
    """

    name: str
    origin: str
    licence: str
    class_names: tuple[str, ...]
    train: Sequences
    test: Sequences
    warning: str | None = None
    best_accuracy: float | None = None

    def described(self) -> str:
        """How many there are, how long, and the licence."""
        lengths = np.concatenate((self.train.lengths, self.test.lengths))
        return (
            f"classes  {len(self.class_names)}; {len(self.train.labels):,} sequences to train, "
            f"{len(self.test.labels):,} to test\n"
            f"lengths  {lengths.min()} to {lengths.max()} steps of "
            f"{self.train.values.shape[-1]} numbers\n"
            f"licence  {self.licence}"
        )
