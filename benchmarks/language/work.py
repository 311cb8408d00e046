"""The language models that are measured, and the texts that they read.

Knows NumPy only, like `benchmarks.work`.
"""

from __future__ import annotations

import dataclasses
import itertools
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.chained import Chained
from benchmarks.symbols import drawn

if TYPE_CHECKING:
    from benchmarks.work import Row


@dataclasses.dataclass(frozen=True)
class LanguageWork:
    """LSTM layers between symbols, and the batch of texts that they read or write.

    Attributes:
        name: as ``--work`` takes it.
        batch: B, texts side by side.
        steps: T, symbols of a training step in each text, or symbols that a run writes.
        num_symbols: V.
        hidden_size: H, of every layer.
        embedding_size: features of an embedded symbol; 0 where the lowest layer reads one-hot ones.
        cutoffs: of an adaptive softmax; none for a dense layer.
        div_value: of the adaptive softmax.
        num_layers: L.
        cell: of every layer.
    """

    name: str
    batch: int
    steps: int
    num_symbols: int
    hidden_size: int
    embedding_size: int = 0
    cutoffs: tuple[int, ...] = ()
    div_value: float = 4.0
    num_layers: int = 2
    cell: str = "lstm"

    @property
    def input_size(self) -> int:
        """Inputs of the lowest layer."""
        return self.embedding_size or self.num_symbols

    @property
    def num_matrices(self) -> int:
        """Matrices ``[H, 4H]`` that every step needs: one in the lowest layer, two in others."""
        return 2 * self.num_layers - 1

    @property
    def chained(self) -> Chained:
        """The products that the floor's rate is measured by."""
        return Chained(self.batch, self.hidden_size, 4, self.num_matrices)

    @property
    def bands(self) -> list[tuple[int, int]]:
        """Words and features of each band of an adaptive softmax, the head first."""
        ends = (0, *self.cutoffs, self.num_symbols)
        return [
            (end - begin, int(self.hidden_size // self.div_value**i))
            for i, (begin, end) in enumerate(itertools.pairwise(ends))
        ]


CHARACTERS = LanguageWork("charlm", 100, 100, 87, 256)
"""The larger model of Karpathy, Johnson and Fei-Fei (2015) on War and Peace."""

WORDS = LanguageWork("wordlm", 20, 35, 33_278, 200, 200, (2_000, 10_000))
"""The small model of Zaremba, Sutskever and Vinyals (2014), with the words of WikiText-2."""

ROWS = {
    "charlm": (
        ("train", "train", CHARACTERS),
        ("sample1", "sample", dataclasses.replace(CHARACTERS, batch=1, steps=2000)),
        ("sample64", "sample", dataclasses.replace(CHARACTERS, batch=64, steps=250)),
    ),
    "wordlm": (("train", "train", WORDS),),
}
"""The rows of each work: the end of its name, what is done, and with what."""


def num_params(work: LanguageWork) -> int:
    """How many numbers the model has to learn."""
    h = work.hidden_size
    inputs = (work.input_size, *(h,) * (work.num_layers - 1))
    total = work.num_symbols * work.embedding_size + sum(4 * h * (i + h + 1) for i in inputs)
    if not work.cutoffs:
        return total + (h + 1) * work.num_symbols
    (head, _), *tails = work.bands
    head += len(tails)
    return total + (h + 1) * head + sum(size * (words + h) for words, size in tails)


def make_batch(row: Row) -> tuple[np.ndarray, np.ndarray]:
    """Symbols ``[B, T]`` and the ones after them.

    The same ones in every process. Who writes reads as many as `PROMPT` first, to be checked.
    """
    work = row.work
    steps = work.steps if row.kind == "train" else PROMPT
    text = drawn(np.random.default_rng(7), work.num_symbols, (work.batch, steps + 1))
    return np.ascontiguousarray(text[:, :-1]), np.ascontiguousarray(text[:, 1:])


PROMPT = 50
"""Symbols after each of which all sides must say the same of the next."""
