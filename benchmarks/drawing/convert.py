"""The same weights of a network that draws for both sides.

The common names and layouts are those of `rnnjax.models.Sketcher`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

import rnnjax
from benchmarks.drawing.work import NUM_FEATURES, DrawingWork
from benchmarks.work import Row
from rnnjax.cells.lstm import LSTMParams
from rnnjax.interop import torch as torch_interop
from rnnjax.models import Sketcher

Arrays = dict[str, np.ndarray]
NAMES = ("w_x", "w_h", "b")


def cell_of(work: DrawingWork) -> rnnjax.LSTM:
    """The recurrent layer of rnnjax."""
    return rnnjax.LSTM(NUM_FEATURES, work.hidden_size)


def model_of(work: DrawingWork) -> Sketcher:
    """The whole of it."""
    return Sketcher(cell_of(work), work.components)


def initial_weights(row: Row) -> Arrays:
    """Weights whose outputs are about as large as the inputs, and biases that tell their places."""
    work, rng = row.work, np.random.default_rng(3)
    h = work.hidden_size

    def drawn(*shape: int, inputs: int) -> np.ndarray:
        return rng.standard_normal(shape, np.float32) * np.float32(inputs**-0.5)

    return {
        "write.w_x": drawn(NUM_FEATURES, 4 * h, inputs=NUM_FEATURES),
        "write.w_h": drawn(h, 4 * h, inputs=h),
        "write.b": drawn(4 * h, inputs=100),
        "to_mixture.kernel": drawn(h, work.outputs, inputs=h),
        "to_mixture.bias": drawn(work.outputs, inputs=4),
    }


def to_side(side: str, row: Row, arrays: Arrays) -> Arrays:
    """The common arrays under the names and in the layout of one side."""
    if side != "torch":
        return arrays
    named: dict[str, Any] = {name: arrays[f"write.{name}"] for name in NAMES}
    params = LSTMParams(**named, b_h=None)
    found = torch_interop.to_state_dict(cell_of(row.work), params, prefix="rnn.")
    return found | {
        "out.weight": np.ascontiguousarray(arrays["to_mixture.kernel"].T),
        "out.bias": arrays["to_mixture.bias"],
    }


def from_side(side: str, row: Row, arrays: Arrays) -> Arrays:
    """The inverse of `to_side`, for weights or their gradients."""
    del row
    if side != "torch":
        return arrays
    lstm = {name: array for name, array in arrays.items() if name.startswith("rnn.")}
    params: Any = torch_interop.from_state_dict(lstm, prefix="rnn.")[1]
    found = {f"write.{name}": np.asarray(getattr(params, name)) for name in NAMES}
    return found | {
        "to_mixture.kernel": arrays["out.weight"].T,
        "to_mixture.bias": arrays["out.bias"],
    }
