"""rnnjax: `rnnjax.models.Sketcher` and its losses, as `experiments/drawing.py` trains it."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
import optax

from benchmarks.drawing.convert import model_of
from benchmarks.drawing.work import CLIP_NORM, make_batch
from benchmarks.peers import Program, Settings
from benchmarks.peers.jax_program import ADAM, Updates, fill
from benchmarks.peers.our_loop import LoopTraining
from benchmarks.peers.ours import layout_of, place_of
from benchmarks.work import Row
from rnnjax.models.sketch import point_losses
from rnnjax.training.sequence_losses import mean_by_symbol


def variants(row: Row) -> list[dict[str, Any]]:
    """A training step as a call of its own, or within rnnjax's training loop."""
    del row
    return [{"in_loop": False}, {"in_loop": True}]


def build(
    row: Row, weights: dict[str, np.ndarray], settings: Settings, in_loop: bool = False
) -> Program:
    model, batch = model_of(row.work), make_batch(row)
    one = [array[:1] for array in batch]
    params = fill(jax.eval_shape(model.init, jax.random.key(0), *one)["params"], weights)

    def losses(params: Any, batch: Any) -> jax.Array:
        offsets, pens = batch
        said: Any = model.apply({"params": params}, offsets, pens)
        nats = point_losses(said[0], offsets, pens).sum(axis=-1)
        return mean_by_symbol(nats, pens >= 0)

    optimizer = optax.chain(optax.clip_by_global_norm(CLIP_NORM), ADAM)
    if in_loop:
        return LoopTraining(losses, params, batch, layout_of(row.work, settings), optimizer)
    place = place_of(row.work, settings)
    return Updates(
        lambda params, *batch: losses(params, batch).mean(), params, batch, place, optimizer
    )
