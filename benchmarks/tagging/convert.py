"""The same weights of layers and a dense one for both sides.

The common names and layouts are those of `rnnjax.models.SequenceTagger`.
"""

from __future__ import annotations

import jax
import numpy as np

import rnnjax
from benchmarks.peers.jax_program import fill, name_leaves
from benchmarks.tagging.work import TaggingWork
from benchmarks.work import Row
from rnnjax.interop import torch as torch_interop
from rnnjax.models import SequenceTagger

Arrays = dict[str, np.ndarray]
RNN = "rnn."


def layer_of(work: TaggingWork) -> rnnjax.Stack:
    """The recurrent layers of rnnjax, with PyTorch's two biases."""
    cells = [
        rnnjax.LSTM(size, work.hidden_size, initialization="torch") for size in work.layer_sizes
    ]
    if work.bidirectional:
        return rnnjax.Stack(tuple(rnnjax.Bidirectional(cell) for cell in cells))
    return rnnjax.Stack(tuple(cells))


def model_of(work: TaggingWork) -> SequenceTagger:
    """The whole of it."""
    return SequenceTagger(layer_of(work), work.outputs, "torch")


def initial_weights(row: Row) -> Arrays:
    """Weights whose outputs are about as large as the inputs, and biases that tell their places."""
    rng = np.random.default_rng(3)
    one = jax.ShapeDtypeStruct((1, 1, row.work.input_size), np.float32)
    shapes = jax.eval_shape(model_of(row.work).init, jax.random.key(0), one)["params"]
    return {
        name: rng.standard_normal(shape, np.float32)
        * np.float32((shape[0] if len(shape) > 1 else 100) ** -0.5)
        for name, shape in sorted(
            (jax.tree_util.keystr(path, simple=True, separator="."), leaf.shape)
            for path, leaf in jax.tree.leaves_with_path(shapes)
        )
    }


def to_side(side: str, row: Row, arrays: Arrays) -> Arrays:
    """The common arrays under the names and in the layout of one side."""
    if side != "torch":
        return arrays
    layer = layer_of(row.work)
    own = {name.removeprefix(RNN): a for name, a in arrays.items() if name.startswith(RNN)}
    params = fill(rnnjax.cell.param_shapes(layer), own)
    return torch_interop.to_state_dict(layer, params, prefix=RNN) | {
        "out.weight": np.ascontiguousarray(arrays["to_logits.kernel"].T),
        "out.bias": arrays["to_logits.bias"],
    }


def from_side(side: str, row: Row, arrays: Arrays) -> Arrays:
    """The inverse of `to_side`, for weights or their gradients."""
    del row
    if side != "torch":
        return arrays
    own = {name: array for name, array in arrays.items() if name.startswith(RNN)}
    params = torch_interop.from_state_dict(own, prefix=RNN)[1]
    found = {f"{RNN}{name}": array for name, array in name_leaves(params).items()}
    return found | {
        "to_logits.kernel": arrays["out.weight"].T,
        "to_logits.bias": arrays["out.bias"],
    }
