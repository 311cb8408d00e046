"""Words as vectors that were learnt elsewhere, in GloVe's text form."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from rnnjax.errors import DataError


class WordVectors(NamedTuple):
    """Words and their vectors."""

    words: tuple[str, ...]
    """The first is no word: it stands for all that are not known."""
    matrix: np.ndarray
    """float32 ``[V, D]``; zeros for what is not known."""

    def numbers(self) -> dict[str, int]:
        """The place of each word."""
        return {word: number for number, word in enumerate(self.words)}


UNKNOWN = "<unknown>"


def gather(wanted: Iterable[str], found: dict[str, np.ndarray]) -> WordVectors:
    """The vectors of those words that have one, in the order of the alphabet.

    Args:
        wanted: words.
        found: vectors ``[D]`` by word; at least one.
    """
    words = sorted(set(wanted) & found.keys())
    size = len(next(iter(found.values())))
    rows = [np.zeros(size), *(found[word] for word in words)]
    return WordVectors((UNKNOWN, *words), np.array(rows, np.float32))


def parse(lines: Iterable[bytes], wanted: Iterable[str], name: str) -> WordVectors:
    """Reads vectors from lines ``word number number …``, as GloVe and fastText have them.

    A first line with two numbers alone, as word2vec's text form has it, is left out.

    Args:
        lines: of the file; it is gone through once, so it may be as large as it likes.
        wanted: words; no others are kept.
        name: to call the file by in a complaint.

    Raises:
        DataError: a line is none of that form, or none of the words is there.
    """
    wanted, found, size = set(wanted), {}, None
    for number, line in enumerate(lines, 1):
        word, *numbers = line.decode("utf-8", "replace").rstrip().split(" ")
        if number == 1 and len(numbers) == 1:
            continue
        if size is None:
            size = len(numbers)
        if word not in wanted and len(numbers) == size > 0:
            continue
        try:
            vector = np.array(numbers, np.float32)
        except ValueError:
            vector = np.zeros(0)
        if len(vector) != size or not size or not np.isfinite(vector).all():
            raise DataError(
                f"{name}, line {number}: a word and {size or 'some'} numbers with blanks between "
                "were expected, as GloVe has them; give such a file with --vectors."
            )
        found[word] = vector
    if not found:
        raise DataError(f"{name} has none of the words of the sentences; give another file.")
    return gather(wanted, found)


def read(path: str, wanted: Iterable[str]) -> WordVectors:
    """Reads a user's file of vectors; raises as `parse`, or if it can't be read."""
    try:
        with Path(path).expanduser().open("rb") as file:
            return parse(file, wanted, path)
    except OSError as error:
        raise DataError(
            f"{path} can't be read ({error.strerror}); give vectors in GloVe's text form."
        ) from None
