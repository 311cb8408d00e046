"""What is compared of those who write: draws differ from side to side, what they come from may not.

Knows NumPy only.
"""

from __future__ import annotations

import numpy as np

from benchmarks.language.work import make_batch
from benchmarks.peers import Writer
from benchmarks.work import Row


def compared(row: Row, program: Writer, drawn: np.ndarray) -> list[np.ndarray]:
    """The logits after a prompt, and how surprised the program is at what it has drawn itself."""
    prompt = make_batch(row)[0].T
    return [program.read(prompt), surprise(program, drawn)]


def surprise(program: Writer, drawn: np.ndarray) -> np.ndarray:
    """The mean negative log-probability in nats of the symbols ``[T, B]``, written after symbol 0.

    That of true draws is their distribution's entropy, but for chance.
    """
    before = np.concatenate((np.zeros_like(drawn[:1]), drawn[:-1]))
    logits = program.read(before).astype(np.float64)
    of_drawn = np.take_along_axis(logits, drawn[..., None].astype(np.int64), axis=-1)[..., 0]
    return (np.logaddexp.reduce(logits, axis=-1) - of_drawn).mean()
