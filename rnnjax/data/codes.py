"""Texts as numbers and back, for models that read one text and write another."""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Iterable
from typing import Protocol

import numpy as np

from rnnjax.data.symbols import UNKNOWN as UNKNOWN_NAME
from rnnjax.data.symbols import Symbols

PAD, START, END, UNKNOWN = range(4)
SPECIAL = ("<pad>", "<start>", "<end>", UNKNOWN_NAME)
"""What the first four numbers of all codes are called."""


class Codes(Protocol):
    """Numbers for texts whose tokens stand between blanks: whole words, or their pieces.

    The numbers 0 to 3 are padding, start, end and unknown in all of them. A text has neither a
    start nor an end: who trains a model puts them there.
    """

    @property
    def symbols(self) -> tuple[str, ...]:
        """What each number stands for, to be shown; the first are `SPECIAL`."""
        ...

    def __len__(self) -> int:
        """How many numbers there are: the size of an embedding."""
        ...

    def encode(self, text: str) -> np.ndarray:
        """A text as numbers, int32 ``[N]``; what is not known becomes `UNKNOWN`."""
        ...

    def decode(self, numbers: Iterable[int]) -> str:
        """Numbers up to the first `END` as a text, without padding and start."""
        ...

    def to_json(self) -> str:
        """As JSON text, for ``from_json`` of the same class."""
        ...


@dataclasses.dataclass(frozen=True)
class WordVocabulary:
    """`Codes` of whole words; rare ones are unknown.

    Args:
        words: Of unit "word": `SPECIAL`, then the words.

    >>> vocabulary = WordVocabulary.of(["a man and a dog", "a man"])
    >>> vocabulary.encode("a dog and a man").tolist()
    [4, 3, 3, 4, 5]
    >>> vocabulary.decode([START, 4, 5, END, 4])
    'a man'
    """

    words: Symbols

    def __post_init__(self) -> None:
        if self.words.unit != "word" or self.words.symbols[: len(SPECIAL)] != SPECIAL:
            raise ValueError(
                f"A vocabulary has words of which the first are {', '.join(SPECIAL)}, not "
                f"{self.words!r}."
            )

    @classmethod
    def of(cls, texts: Iterable[str], min_count: int = 2) -> WordVocabulary:
        """The words of training texts, the most frequent first, of equal ones the one met first.

        Args:
            texts: The training texts alone: held-out texts must not shape the vocabulary.
            min_count: How often a word has to occur.

        Raises:
            ValueError: No word occurs so often, or texts is a single string.
        """
        counts = collections.Counter(word for text in several(texts) for word in text.split())
        kept = [word for word, n in counts.most_common() if n >= min_count and word not in SPECIAL]
        if not kept:
            raise ValueError(f"No word occurs {min_count} times, so there is no vocabulary.")
        return cls(Symbols("word", (*SPECIAL, *kept)))

    @property
    def symbols(self) -> tuple[str, ...]:
        """`SPECIAL` and the words, by number."""
        return self.words.symbols

    def __len__(self) -> int:
        return len(self.words)

    def encode(self, text: str) -> np.ndarray:
        """A text as numbers, int32 ``[N]``; a rare or new word becomes `UNKNOWN`."""
        # A word of a text that is called as padding, start or end are is none of them.
        return np.maximum(self.words.encode(" ".join(text.split())), np.int32(UNKNOWN))

    def decode(self, numbers: Iterable[int]) -> str:
        """Numbers up to the first `END` as words between blanks, without padding and start.

        Raises:
            ValueError: There is no such number.
        """
        return " ".join(self.symbols[number] for number in spoken(numbers, len(self)))

    def to_json(self) -> str:
        """This vocabulary as JSON text, for `from_json`."""
        return self.words.to_json()

    @classmethod
    def from_json(cls, text: str) -> WordVocabulary:
        """Reads what `to_json` wrote.

        Raises:
            ValueError: It is something else.
        """
        return cls(Symbols.from_json(text))


def several(texts: Iterable[str]) -> Iterable[str]:
    """Refuses one string where several are expected: its characters would be taken for texts.

    Raises:
        ValueError: It is a single string.
    """
    if isinstance(texts, str):
        raise ValueError("texts is a single string: pass a list of texts.")
    return texts


def spoken(numbers: Iterable[int], size: int) -> list[int]:
    """The numbers up to the first `END` that stand for something in a text.

    Raises:
        ValueError: A number is outside the `size` that there are.
    """
    kept = []
    for number in map(int, numbers):
        if not 0 <= number < size:
            raise ValueError(f"There is no number {number} among {size:,}; they are others' codes.")
        if number == END:
            break
        if number not in (PAD, START):
            kept.append(number)
    return kept
