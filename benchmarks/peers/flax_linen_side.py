"""flax.linen: ``nn.RNN`` around its cells, under `jax.jit`."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
from flax import linen as nn

from benchmarks.peers import Program, Settings
from benchmarks.peers.jax_program import Forward, Stream, Training, configure, fill
from benchmarks.work import Row, Work, make_batch

_CELLS: dict[str, Any] = {
    "simple_rnn": nn.SimpleCell,
    "gru": nn.GRUCell,
    "lstm": nn.OptimizedLSTMCell,
}

prepare = configure


def variants(row: Row) -> list[dict[str, Any]]:
    del row
    return [{}]


class Model(nn.Module):
    work: Work

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        work = self.work
        # Without a parent the cell becomes part of the RNN that it is handed to.
        cells = [_CELLS[work.cell](work.hidden_size, parent=None) for _ in work.directions]
        if work.num_words:
            x = nn.Embed(work.num_words, work.input_size, name="embedding")(x)
        if work.bidirectional:
            forward, backward = (nn.RNN(cell, parent=None) for cell in cells)
            rnn: Any = nn.Bidirectional(forward, backward, return_carry=True, name="rnn")
        else:
            rnn = nn.RNN(cells[0], return_carry=True, name="rnn")
        carry, ys = rnn(x)
        if not work.every_step:
            carries = carry if work.bidirectional else (carry,)
            last = [c[1] if work.cell == "lstm" else c for c in carries]
            ys = jax.numpy.concatenate(last, axis=-1)
        if work.dense_size:
            ys = nn.relu(nn.Dense(work.dense_size, name="dense")(ys))
        logits = nn.Dense(work.outputs, name="out")(ys)
        return logits[..., 0] if work.outputs == 1 else logits


def build(row: Row, weights: dict[str, np.ndarray], settings: Settings) -> Program:
    del settings
    x = make_batch(row)[0]
    key = jax.random.key(0)
    if row.kind == "stream":
        cell = _CELLS[row.work.cell](row.work.hidden_size)
        carry = cell.initialize_carry(key, x.shape)
        like = {"rnn": {"cell": jax.eval_shape(cell.init, key, carry, x)["params"]}}
        params = fill(like, weights)["rnn"]["cell"]
        return Stream(row, lambda p, c, x: cell.apply({"params": p}, c, x), params, carry)
    model = Model(row.work)
    params = fill(jax.eval_shape(model.init, key, x[:1])["params"], weights)
    kind = {"train": Training, "forward": Forward}[row.kind]
    return kind(row, lambda params, x: model.apply({"params": params}, x), params)
