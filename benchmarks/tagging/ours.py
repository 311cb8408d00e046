"""rnnjax: `rnnjax.models.SequenceTagger`, with Optax's losses, as the experiments train it."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from benchmarks.peers import Program, Settings
from benchmarks.peers.jax_program import ADAM, Updates, fill
from benchmarks.peers.our_loop import LoopTraining
from benchmarks.peers.ours import layout_of, place_of
from benchmarks.tagging.convert import model_of
from benchmarks.tagging.work import CLIP_NORM, make_batch
from benchmarks.work import Row


def variants(row: Row) -> list[dict[str, Any]]:
    """A training step as a call of its own, or within rnnjax's training loop."""
    del row
    return [{"in_loop": False}, {"in_loop": True}]


def build(
    row: Row, weights: dict[str, np.ndarray], settings: Settings, in_loop: bool = False
) -> Program:
    work, batch = row.work, make_batch(row)
    model = model_of(work)
    shapes = jax.eval_shape(model.init, jax.random.key(0), batch[0][:1])["params"]
    params = fill(shapes, weights)

    def losses(params: Any, batch: Any) -> jax.Array:
        xs, targets = batch
        said: Any = model.apply({"params": params}, xs)
        logits = said[1]
        if work.loss == "keys":
            nats = optax.sigmoid_binary_cross_entropy(logits, targets)
            return nats.sum(axis=-1).mean(axis=-1)
        no_padding = [jnp.zeros(own.shape[:2]) for own in (logits, targets)]
        return optax.ctc_loss(
            logits, no_padding[0], targets, no_padding[1], blank_id=work.outputs - 1
        )

    optimizer = optax.chain(optax.clip_by_global_norm(CLIP_NORM), ADAM)
    if in_loop:
        return LoopTraining(losses, params, batch, layout_of(work, settings), optimizer)
    place = place_of(work, settings)
    return Updates(
        lambda params, *batch: losses(params, batch).mean(), params, batch, place, optimizer
    )
