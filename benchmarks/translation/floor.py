"""The products of translation, which `benchmarks.floor` takes the time of.

The encoder's are taken once for each sentence and direction; those of the decoder's step, of its
attention and of the last layer at every symbol, in a search for each of its K hypotheses. The last
layer's are by far the most, so the rate is measured on a product of its size. Backwards all take
twice as much again.
"""

from __future__ import annotations

from typing import Any


def operations(row: Any) -> int:
    """Floating-point operations of a row's matrix products."""
    work = row.work
    e, h, m, s = work.embedding_size, work.hidden_size, work.memory_size, work.source_steps
    of_places = s * (2 * 3 * h * (e + h) + m * h)
    of_bridge = m * h
    of_attention = h * h + s * h + s * m
    of_step = of_attention + 3 * h * (e + m + h) + work.features * work.num_words
    num_steps = work.steps * max(work.beam_size, 1)
    total = 2 * work.batch * (of_places + of_bridge + num_steps * of_step)
    return 3 * total if row.kind == "train" else total
