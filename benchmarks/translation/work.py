"""The translation that is measured, and the sentences that it reads.

Knows NumPy only, like `benchmarks.work`.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.chained import Chained
from benchmarks.symbols import drawn

if TYPE_CHECKING:
    from benchmarks.work import Row

START, END, FIRST_WORD = 1, 2, 4
"""Numbers of what is no word: what targets begin behind, what ends them; 0 is padding."""

CLIP_NORM = 1.0
"""The largest norm of the gradient."""


@dataclasses.dataclass(frozen=True)
class TranslationWork:
    """A GRU that reads both ways, and one with additive attention that writes.

    The state before the first symbol is tanh of a dense layer of the encoder's last states; the
    last layer reads state, context and the last symbol's embedding side by side.

    Attributes:
        name: as ``--work`` takes it.
        batch: B, sentences side by side.
        steps: T, symbols of a target, or that are written.
        source_steps: S, symbols of a source; no source is shorter.
        num_words: V, of each language.
        embedding_size: E.
        hidden_size: H, of each direction of the encoder, of the decoder and of the attention.
        beam_size: K, hypotheses that are kept; 1 for the likeliest symbol at each step; 0 where
            nothing is searched.
    """

    name: str
    batch: int
    steps: int
    source_steps: int
    num_words: int
    embedding_size: int
    hidden_size: int
    beam_size: int = 0

    @property
    def memory_size(self) -> int:
        """Features of a place of the source."""
        return 2 * self.hidden_size

    @property
    def features(self) -> int:
        """What the last layer reads: state, context, embedding."""
        return self.hidden_size + self.memory_size + self.embedding_size

    @property
    def chained(self) -> Chained:
        """Products as large as the last layer's, by which the floor's rate is measured."""
        copies = max(self.num_words // self.features, 1)
        if not self.beam_size:  # all symbols of the targets are known, and scored at once
            return Chained(self.batch * self.steps, self.features, copies, 1, steps=4)
        return Chained(self.batch * self.beam_size, self.features, copies, 1, self.steps)


_WORK = TranslationWork("translate_train", 64, 16, 16, 5_900, 128, 256)
_GREEDY = dataclasses.replace(_WORK, name="translate_greedy", steps=20, beam_size=1)
_BEAMS = dataclasses.replace(_GREEDY, name="translate_beam5", beam_size=5)

ROWS = {
    work.name: (kind, work)
    for kind, work in (("train", _WORK), ("answer", _GREEDY), ("answer", _BEAMS))
}
"""What is done in each row, and with what."""


def num_params(work: TranslationWork) -> int:
    """How many numbers the model has to learn."""
    e, h, m, v = work.embedding_size, work.hidden_size, work.memory_size, work.num_words
    gru = 3 * h * (e + h + 2)
    bridge, attention = (m + 1) * h, (h + m + 2) * h
    return 2 * v * e + 3 * gru + 3 * h * m + bridge + attention + (work.features + 1) * v


def make_batch(row: Row) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sources ``[B, S]``, what stands before each symbol of the targets, and these, ``[B, T]``.

    The same ones in every process.
    """
    work, rng = row.work, np.random.default_rng(7)
    num_words = work.num_words - FIRST_WORD
    sources = FIRST_WORD + drawn(rng, num_words, (work.batch, work.source_steps))
    targets = FIRST_WORD + drawn(rng, num_words, (work.batch, work.steps))
    before = np.concatenate((np.full_like(targets[:, :1], START), targets[:, :-1]), axis=1)
    return sources, before, targets
