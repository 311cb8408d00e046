"""The products of layers that tag every step, which `benchmarks.floor` takes the time of.

Those of each LSTM with its inputs and its state, in each direction, and those of the last layer;
backwards twice as much again. The sums of CTC over all paths are left out.
"""

from __future__ import annotations

from typing import Any


def operations(row: Any) -> int:
    """Floating-point operations of a row's matrix products."""
    work, h = row.work, row.work.hidden_size
    layers = sum(4 * h * (size + h) for size in work.layer_sizes) * work.num_directions
    each = layers + h * work.num_directions * work.outputs
    return 3 * 2 * work.batch * work.steps * each
