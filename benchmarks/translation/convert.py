"""The same weights of an encoder and a decoder for both sides.

The common names and layouts are those of `rnnjax.models.EncoderDecoder`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

import rnnjax
from benchmarks.translation.work import END, TranslationWork
from benchmarks.work import Row
from rnnjax.attention import Additive, Attending
from rnnjax.cells import GRUParams
from rnnjax.combinators import BidirectionalParams
from rnnjax.interop import torch as torch_interop
from rnnjax.models import EncoderDecoder

Arrays = dict[str, np.ndarray]


def model_of(work: TranslationWork) -> EncoderDecoder:
    """The encoder and the decoder of rnnjax."""
    e, h, m = work.embedding_size, work.hidden_size, work.memory_size
    decoder = Attending(rnnjax.GRU(e, h), Additive(h, m, h))
    return EncoderDecoder(
        work.num_words, work.num_words, _encoder(work), decoder, e, readout="wide"
    )


def _encoder(work: TranslationWork) -> rnnjax.Bidirectional:
    return rnnjax.Bidirectional(rnnjax.GRU(work.embedding_size, work.hidden_size))


def initial_weights(row: Row) -> Arrays:
    """Weights whose outputs are about as large as the inputs, and biases that tell their places.

    The end is so improbable in a search that it never comes, so that all write the same number of
    symbols; and those are far enough apart for rounding to choose no other.
    """
    work, rng = row.work, np.random.default_rng(3)
    e, h, m, v = work.embedding_size, work.hidden_size, work.memory_size, work.num_words

    def drawn(*shape: int, inputs: int | None = None) -> np.ndarray:
        scale = (inputs or shape[0]) ** -0.5
        return rng.standard_normal(shape, np.float32) * np.float32(scale)

    def cell(name: str) -> Arrays:
        return {
            f"{name}.w_x": drawn(e, 3 * h),
            f"{name}.w_h": drawn(h, 3 * h),
            f"{name}.b": drawn(3 * h, inputs=100),
            f"{name}.b_h": drawn(3 * h, inputs=100),
        }

    arrays = {
        "sources.embedding": drawn(v, e, inputs=4),
        "targets.embedding": drawn(v, e, inputs=4),
        **cell("read.forward"),
        **cell("read.backward"),
        "bridge_0.kernel": drawn(m, h),
        "bridge_0.bias": drawn(h, inputs=100),
        **cell("write.cell"),
        "write.attention.w_q": drawn(h, h),
        "write.attention.w_m": drawn(m, h),
        "write.attention.b": drawn(h, inputs=100),
        "write.attention.v": drawn(h, inputs=1),
        "write.more": drawn(m, 3 * h),
        "to_logits.kernel": drawn(work.features, v),
        "to_logits.bias": drawn(v, inputs=1),
    }
    if row.kind == "answer":
        arrays["to_logits.bias"][END] = -1000
    return arrays


def to_side(side: str, row: Row, arrays: Arrays) -> Arrays:
    """The common arrays under the names and in the layout of one side."""
    if side != "torch":
        return arrays
    encoder = BidirectionalParams(*(_cell(f"read.{d}", arrays) for d in _DIRECTIONS))
    found = torch_interop.to_state_dict(_encoder(row.work), encoder, prefix="encoder.")
    both = np.concatenate((arrays["write.cell.w_x"], arrays["write.more"]))
    decoder = _cell("write.cell", arrays)._replace(w_x=both)  # pyright: ignore[reportArgumentType]
    cell = rnnjax.GRU(len(both), row.work.hidden_size)
    found |= torch_interop.to_state_dict(cell, decoder, prefix="decoder.")
    compared = arrays["write.attention.w_q"], arrays["write.attention.w_m"]
    return found | {
        "sources.weight": arrays["sources.embedding"],
        "targets.weight": arrays["targets.embedding"],
        "bridge.weight": _turned(arrays["bridge_0.kernel"]),
        "bridge.bias": arrays["bridge_0.bias"],
        "attention.hidden.weight": _turned(np.concatenate(compared)),
        "attention.hidden.bias": arrays["write.attention.b"],
        "attention.energy.weight": arrays["write.attention.v"][None],
        "out.weight": _turned(arrays["to_logits.kernel"]),
        "out.bias": arrays["to_logits.bias"],
    }


def from_side(side: str, row: Row, arrays: Arrays) -> Arrays:
    """The inverse of `to_side`, for weights or their gradients."""
    if side != "torch":
        return arrays
    encoder: Any = torch_interop.from_state_dict(arrays, prefix="encoder.")[1]
    decoder: Any = torch_interop.from_state_dict(arrays, prefix="decoder.")[1]
    w_x, more = np.split(np.asarray(decoder.w_x), [row.work.embedding_size])
    w_q, w_m = np.split(arrays["attention.hidden.weight"].T, [row.work.hidden_size])
    found = {
        "sources.embedding": arrays["sources.weight"],
        "targets.embedding": arrays["targets.weight"],
        "bridge_0.kernel": arrays["bridge.weight"].T,
        "bridge_0.bias": arrays["bridge.bias"],
        "write.attention.w_q": w_q,
        "write.attention.w_m": w_m,
        "write.attention.b": arrays["attention.hidden.bias"],
        "write.attention.v": arrays["attention.energy.weight"][0],
        "write.more": more,
        "to_logits.kernel": arrays["out.weight"].T,
        "to_logits.bias": arrays["out.bias"],
    }
    cells = {f"read.{d}": getattr(encoder, d) for d in _DIRECTIONS}
    for name, params in (cells | {"write.cell": decoder._replace(w_x=w_x)}).items():
        found |= {f"{name}.{n}": np.asarray(getattr(params, n)) for n in GRUParams._fields}
    return found


_DIRECTIONS = ("forward", "backward")


def _cell(name: str, arrays: Arrays) -> GRUParams:
    fields: dict[str, Any] = {n: arrays[f"{name}.{n}"] for n in GRUParams._fields}
    return GRUParams(**fields)


def _turned(kernel: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(kernel.T)
