"""The products of a network that draws, which `benchmarks.floor` takes the time of.

At every point those of an LSTM with five features and with its state, and those of the last layer;
backwards twice as much again. The mixture's own arithmetic is left out.
"""

from __future__ import annotations

from typing import Any

from benchmarks.drawing.work import NUM_FEATURES


def operations(row: Any) -> int:
    """Floating-point operations of a row's matrix products."""
    work, h = row.work, row.work.hidden_size
    each = 4 * h * (NUM_FEATURES + h) + h * work.outputs
    return 3 * 2 * work.batch * work.steps * each
