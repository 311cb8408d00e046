"""Pairs of sentences, and how alike people find them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from rnnjax.data.word_vectors import WordVectors

LOWEST, HIGHEST = 1.0, 5.0
"""Of the scores."""

_WORDS = re.compile(r"'s\b|\w+")


def words_of(sentence: str) -> list[str]:
    """The words of a sentence in lower case, without punctuation.

    >>> words_of("The dog's ball isn't red.")
    ['the', 'dog', "'s", 'ball', 'isn', 't', 'red']
    """
    return _WORDS.findall(sentence.lower())


class Scored(NamedTuple):
    """Pairs of sentences with their scores."""

    first: tuple[str, ...]
    second: tuple[str, ...]
    scores: np.ndarray
    """float32 ``[N]``, from 1 (nothing in common) to 5 (the same)."""

    def chosen(self, which: Iterable[int]) -> Scored:
        """Some of them, by their places."""
        places = list(which)
        one, other = (tuple(side[i] for i in places) for side in (self.first, self.second))
        return Scored(one, other, self.scores[places])


class SentencePairs(NamedTuple):
    """A task of telling how alike two sentences are.

    Attributes:
        name: The data really used.
        origin: One phrase that says where they came from.
        licence: One phrase that says who may do what with them.
        train: What is learnt from.
        validation: What chooses.
        test: What is asked.
        vectors: Of the words.
        warning: Where other data than was asked for stand in, the sentence that says so.
        best_pearson: The correlation that a perfect method has, where the law is known.
    """

    name: str
    origin: str
    licence: str
    train: Scored
    validation: Scored
    test: Scored
    vectors: WordVectors
    warning: str | None = None
    best_pearson: float | None = None

    def described(self) -> str:
        """How many there are, of how many words, and the licence."""
        sizes = [len(part.scores) for part in (self.train, self.validation, self.test)]
        words = len(self.vectors.words) - 1
        return (
            f"pairs    {sizes[0]:,} to train, {sizes[1]:,} to validate, {sizes[2]:,} to test\n"
            f"words    {words:,} with vectors of {self.vectors.matrix.shape[1]} numbers\n"
            f"licence  {self.licence}"
        )


class Tokens(NamedTuple):
    """Sentences as numbers of words."""

    numbers: np.ndarray
    """int32 ``[N, T]``; 0 for words that are not known, and behind the end."""
    mask: np.ndarray
    """bool ``[N, T]``, where there are words."""


def encoded(sentences: Iterable[str], words: tuple[str, ...], longest: int) -> Tokens:
    """Sentences as numbers; what is longer is cut, and one without a word has one that is unknown.

    Args:
        sentences: N of them.
        words: as of `WordVectors`.
        longest: T.
    """
    places = {word: number for number, word in enumerate(words)}
    rows = [[places.get(word, 0) for word in words_of(s)][:longest] or [0] for s in sentences]
    numbers = np.zeros((len(rows), longest), np.int32)
    for row, own in enumerate(rows):
        numbers[row, : len(own)] = own
    lengths = np.array([*map(len, rows)])
    return Tokens(numbers, np.arange(longest) < lengths[:, None])
