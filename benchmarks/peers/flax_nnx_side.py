"""flax.nnx: ``nnx.RNN`` around its cells.

Split into its structure and its parameters once, and put together inside `jax.jit`, as the guide to
performance advises: `nnx.jit` walks through the module's objects in Python at every call.
"""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
from flax import nnx

from benchmarks.peers import Program, Settings
from benchmarks.peers.jax_program import Forward, Stream, Training, configure, fill
from benchmarks.work import Row, Work

_CELLS: dict[str, Any] = {
    "simple_rnn": nnx.SimpleCell,
    "gru": nnx.GRUCell,
    "lstm": nnx.OptimizedLSTMCell,
}

prepare = configure


def variants(row: Row) -> list[dict[str, Any]]:
    del row
    return [{}]


class Model(nnx.Module):
    def __init__(self, work: Work, rngs: nnx.Rngs) -> None:
        self.work = work
        if work.num_words:
            self.embedding = nnx.Embed(work.num_words, work.input_size, rngs=rngs)
        runs = [
            nnx.RNN(
                _CELLS[work.cell](work.input_size, work.hidden_size, rngs=rngs),
                return_carry=not work.bidirectional,
            )
            for _ in work.directions
        ]
        self.rnn: Any = nnx.Bidirectional(*runs, return_carry=True) if len(runs) > 1 else runs[0]
        width = work.hidden_size * len(runs)
        if work.dense_size:
            self.dense = nnx.Linear(width, work.dense_size, rngs=rngs)
            width = work.dense_size
        self.out = nnx.Linear(width, work.outputs, rngs=rngs)

    def __call__(self, x: jax.Array) -> jax.Array:
        work = self.work
        carry, ys = self.rnn(self.embedding(x) if work.num_words else x)
        if not work.every_step:
            carries = carry if work.bidirectional else (carry,)
            last = [c[1] if work.cell == "lstm" else c for c in carries]
            ys = jax.numpy.concatenate(last, axis=-1)
        if work.dense_size:
            ys = nnx.relu(self.dense(ys))
        logits = self.out(ys)
        return logits[..., 0] if work.outputs == 1 else logits


def build(row: Row, weights: dict[str, np.ndarray], settings: Settings) -> Program:
    del settings
    work = row.work
    if row.kind == "stream":
        cell = _CELLS[work.cell](work.input_size, work.hidden_size, rngs=nnx.Rngs(0))
        graphdef, params, rest = nnx.split(cell, nnx.Param, ...)
        filled = fill({"rnn": {"cell": nnx.to_pure_dict(params)}}, weights)["rnn"]["cell"]
        carry = cell.initialize_carry((work.batch, work.input_size), rngs=nnx.Rngs(0))

        def step(params: Any, carry: Any, x: jax.Array) -> Any:
            return _merge(graphdef, like, params, rest)(carry, x)

        like = params
        return Stream(row, step, filled, carry)
    model = Model(work, nnx.Rngs(0))
    graphdef, like, rest = nnx.split(model, nnx.Param, ...)
    filled = fill(nnx.to_pure_dict(like), weights)

    def apply(params: Any, x: jax.Array) -> Any:
        return _merge(graphdef, like, params, rest)(x)

    kind = {"train": Training, "forward": Forward}[row.kind]
    return kind(row, apply, filled)


def _merge(graphdef: Any, like: Any, params: Any, rest: Any) -> Any:
    # Copies: what was made outside of a program can't be written to inside.
    state, rest = jax.tree.map(lambda leaf: leaf, (like, rest))
    nnx.replace_by_pure_dict(state, params)
    return nnx.merge(graphdef, state, rest)
