"""The same weights of a language model for every side, as `benchmarks.convert` has them of a layer.

The common names and layouts are those of `rnnjax.models.LanguageModel`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

import rnnjax
from benchmarks.language.work import LanguageWork
from benchmarks.work import Row
from rnnjax.cells.lstm import LSTMParams
from rnnjax.interop import keras as keras_interop
from rnnjax.interop import torch as torch_interop

Arrays = dict[str, np.ndarray]


def stack_of(work: LanguageWork) -> rnnjax.Stack:
    """The recurrent layers of rnnjax."""
    lowest = rnnjax.LSTM(work.input_size, work.hidden_size)
    layer = lowest if work.embedding_size else rnnjax.OneHot(lowest)
    others = (rnnjax.LSTM(work.hidden_size, work.hidden_size),) * (work.num_layers - 1)
    return rnnjax.Stack((layer, *others))


def initial_weights(row: Row) -> Arrays:
    """Weights whose outputs are about as large as the inputs, and biases that tell their places."""
    work, rng = row.work, np.random.default_rng(3)

    def drawn(*shape: int, inputs: int | None = None) -> np.ndarray:
        scale = (inputs or shape[0]) ** -0.5
        return rng.standard_normal(shape, np.float32) * np.float32(scale)

    h, arrays = work.hidden_size, {}
    for i in range(work.num_layers):
        size = h if i else work.input_size
        arrays |= {
            f"rnn.{i}.w_x": drawn(size, 4 * h, inputs=size if i or work.embedding_size else 1),
            f"rnn.{i}.w_h": drawn(h, 4 * h),
            f"rnn.{i}.b": 0.1 * rng.standard_normal(4 * h, np.float32),
        }
    if work.embedding_size:
        shape = (work.num_symbols, work.embedding_size)
        arrays["embedding.embedding"] = 0.5 * rng.standard_normal(shape, np.float32)
    if not work.cutoffs:
        return arrays | {
            "to_logits.kernel": drawn(h, work.num_symbols),
            "to_logits.bias": rng.standard_normal(work.num_symbols, np.float32),
        }
    for i, (words, size) in enumerate(work.bands):
        arrays[f"words.table_{i}"] = drawn(words, size, inputs=size)
        if i:
            arrays[f"words.projection_{i}"] = drawn(size, h, inputs=h)
    num_tails = len(work.cutoffs)
    return arrays | {
        "softmax.clusters": drawn(num_tails, h, inputs=h),
        "softmax.bias": rng.standard_normal(work.cutoffs[0] + num_tails, np.float32),
    }


def to_side(side: str, row: Row, arrays: Arrays) -> Arrays:
    """The common arrays under the names and in the layout of one side."""
    if side == "torch":
        return _to_torch(row.work, arrays)
    if not side.startswith("keras"):
        return arrays
    found = {"out.0": arrays["to_logits.kernel"], "out.1": arrays["to_logits.bias"]}
    for i, (cell, params) in enumerate(_cells(row.work, arrays)):
        listed = keras_interop.to_weights(cell, params)
        found |= {f"rnn{i}.{j}": np.asarray(a) for j, a in enumerate(listed)}
    return found


def from_side(side: str, row: Row, arrays: Arrays) -> Arrays:
    """The inverse of `to_side`, for weights or their gradients."""
    if side == "torch":
        return _from_torch(row.work, arrays)
    if not side.startswith("keras"):
        return arrays
    found = {"to_logits.kernel": arrays["out.0"], "to_logits.bias": arrays["out.1"]}
    for i, (cell, _) in enumerate(_cells(row.work)):
        listed = [arrays[f"rnn{i}.{j}"] for j in range(3)]
        params = keras_interop.from_weights(listed, keras_interop.to_config(cell))[1]
        found |= {f"rnn.{i}.{name}": np.asarray(getattr(params, name)) for name in _NAMES}
    return found


_NAMES = ("w_x", "w_h", "b")


def _cells(work: LanguageWork, arrays: Arrays | None = None) -> list[tuple[rnnjax.LSTM, Any]]:
    """Every layer, and its parameters."""
    pairs = []
    for i in range(work.num_layers):
        cell = rnnjax.LSTM(work.hidden_size if i else work.input_size, work.hidden_size)
        named: dict[str, Any] = {n: arrays[f"rnn.{i}.{n}"] if arrays else None for n in _NAMES}
        pairs.append((cell, LSTMParams(**named, b_h=None)))
    return pairs


def _to_torch(work: LanguageWork, arrays: Arrays) -> Arrays:
    pairs = _cells(work, arrays)
    stack = rnnjax.Stack(tuple(cell for cell, _ in pairs))
    found = torch_interop.to_state_dict(stack, tuple(p for _, p in pairs), prefix="rnn.")
    if work.embedding_size:
        found["embedding.weight"] = arrays["embedding.embedding"]
    if not work.cutoffs:
        found["out.weight"] = np.ascontiguousarray(arrays["to_logits.kernel"].T)
        return found | {"out.bias": arrays["to_logits.bias"]}
    head = arrays["words.table_0"], arrays["softmax.clusters"]
    found |= {"softmax.head.weight": np.concatenate(head)}
    found |= {"softmax.head.bias": arrays["softmax.bias"]}
    for i in range(len(work.cutoffs)):
        found[f"softmax.tail.{i}.0.weight"] = arrays[f"words.projection_{i + 1}"]
        found[f"softmax.tail.{i}.1.weight"] = arrays[f"words.table_{i + 1}"]
    return found


def _from_torch(work: LanguageWork, arrays: Arrays) -> Arrays:
    lstm = {n: a for n, a in arrays.items() if n.startswith("rnn.")}
    params = torch_interop.from_state_dict(lstm, prefix="rnn.")[1]
    found = {
        f"rnn.{i}.{name}": np.asarray(getattr(each, name))
        for i, each in enumerate(params)
        for name in _NAMES
    }
    if work.embedding_size:
        found["embedding.embedding"] = arrays["embedding.weight"]
    if not work.cutoffs:
        found["to_logits.kernel"] = arrays["out.weight"].T
        return found | {"to_logits.bias": arrays["out.bias"]}
    head = np.split(arrays["softmax.head.weight"], [work.cutoffs[0]])
    found["words.table_0"], found["softmax.clusters"] = head
    found["softmax.bias"] = arrays["softmax.head.bias"]
    for i in range(len(work.cutoffs)):
        found[f"words.projection_{i + 1}"] = arrays[f"softmax.tail.{i}.0.weight"]
        found[f"words.table_{i + 1}"] = arrays[f"softmax.tail.{i}.1.weight"]
    return found
