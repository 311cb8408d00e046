"""The products of language models, which `benchmarks.floor` takes the time of.

A training step multiplies with each of the `LanguageWork.num_matrices` weights ``[H, 4H]`` at every
step, with the input weights of embedded words, and with the output layer's; of one-hot symbols
nothing has to be multiplied. Of an adaptive softmax the head is computed everywhere, a tail where
one of its words came. The backward pass does twice as much again. A character that is written
takes the same products, forwards: at batch 1, as long as their weights take to be read.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.language.work import make_batch


def operations(row: Any) -> int:
    """Floating-point operations of a row's matrix products."""
    work, h = row.work, row.work.hidden_size
    places = work.batch * work.steps
    total = 2 * places * 4 * h * (work.num_matrices * h + work.embedding_size)
    total += _of_softmax(row) if work.cutoffs else 2 * places * h * work.num_symbols
    return 3 * total if row.kind == "train" else total


def _of_softmax(row: Any) -> int:
    work, h = row.work, row.work.hidden_size
    targets = make_batch(row)[1]
    (head, _), *tails = work.bands
    total = 2 * targets.size * h * (head + len(tails))
    counts = np.bincount(np.searchsorted(work.cutoffs, targets.ravel(), side="right"))
    for count, (words, size) in zip(counts[1:], tails, strict=False):
        total += 2 * int(count) * size * (h + words)
    return total
