"""Pictures and what they show in words, in parts for training, validation and tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np


class Part(NamedTuple):
    """Pictures of one size with their descriptions.

    Attributes:
        pictures: uint8 ``[N, height, width, channels]``: red, green and blue, or one channel of
            ink in which 255 is full.
        descriptions: Of each picture all that are right, one or more, each of words with blanks
            between them.
    """

    pictures: np.ndarray
    descriptions: tuple[tuple[str, ...], ...]

    def chosen(self, which: np.ndarray) -> Part:
        """Some of them, by their numbers or by a mask bool ``[N]``."""
        numbers = np.arange(len(self.descriptions))[which]
        return Part(self.pictures[numbers], tuple(self.descriptions[i] for i in numbers))


class DescribedPictures(NamedTuple):
    """A task of describing pictures.

    Attributes:
        name: The data really used.
        train: What is learnt from.
        validation: What all choices are made by.
        test: What is asked once.
        tests: Further parts that ask for something special, by what that is.
        origin: One phrase that says where the pictures came from.
        licence: One phrase that says who may do what with them.
        warning: Where other data than was asked for stand in, the sentence that says so.
    """

    name: str
    train: Part
    validation: Part
    test: Part
    tests: Mapping[str, Part]
    origin: str
    licence: str
    warning: str | None = None

    @property
    def words(self) -> tuple[str, ...]:
        """Those that training descriptions have, in the order of the alphabet."""
        texts = (text for texts in self.train.descriptions for text in texts)
        return tuple(sorted({word for text in texts for word in text.split()}))

    def described(self) -> str:
        """How many pictures and words there are, and the licence."""
        named = {"to train": self.train, "to validate": self.validation, "to test": self.test}
        named |= {f"of {name}": part for name, part in self.tests.items()}
        told = ", ".join(f"{len(part.descriptions):,} {name}" for name, part in named.items())
        height, width, channels = self.train.pictures.shape[1:]
        colours = "in colours" if channels > 1 else "grey"
        return (
            f"pictures {told}; {height} x {width}, {colours}\n"
            f"words    {len(self.words):,} different ones in training\n"
            f"licence  {self.licence}"
        )


def joined(parts: Sequence[Part]) -> Part:
    """The pictures of several parts, one part after the other."""
    descriptions = tuple(texts for part in parts for texts in part.descriptions)
    return Part(np.concatenate([part.pictures for part in parts]), descriptions)
