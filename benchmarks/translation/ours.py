"""rnnjax: `rnnjax.models.EncoderDecoder`, and `rnnjax.models.answers.answer`."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from benchmarks.peers import Program, Settings
from benchmarks.peers.jax_program import ADAM, JaxProgram, Updates, fill
from benchmarks.peers.our_loop import LoopTraining
from benchmarks.peers.ours import layout_of, place_of
from benchmarks.translation.convert import model_of
from benchmarks.translation.work import CLIP_NORM, END, START, make_batch
from benchmarks.work import Row
from rnnjax.experiment.encoder_decoder import A_PAIR
from rnnjax.models.answers import Answers, answer
from rnnjax.training.sequence_losses import mean_by_symbol, symbol_losses


def variants(row: Row) -> list[dict[str, Any]]:
    """A training step as a call of its own, or within rnnjax's training loop."""
    return [{"in_loop": False}, {"in_loop": True}] if row.kind == "train" else [{}]


def build(
    row: Row, weights: dict[str, np.ndarray], settings: Settings, in_loop: bool = False
) -> Program:
    model = model_of(row.work)
    params = fill(jax.eval_shape(model.init, jax.random.key(0), *A_PAIR)["params"], weights)
    if row.kind == "answer":
        return Search(row, model, params)

    def losses(params: Any, batch: Any) -> jax.Array:
        sources, before, targets = batch
        logits: Any = model.apply({"params": params}, sources, sources > 0, before)
        return mean_by_symbol(symbol_losses(logits, targets), targets > 0)

    batch = make_batch(row)
    optimizer = optax.chain(optax.clip_by_global_norm(CLIP_NORM), ADAM)
    if in_loop:
        return LoopTraining(losses, params, batch, layout_of(row.work, settings), optimizer)
    place = place_of(row.work, settings)
    return Updates(
        lambda params, *batch: losses(params, batch).mean(), params, batch, place, optimizer
    )


class Search(JaxProgram):
    """The best translation of each source, as `rnnjax.experiment.encoder_decoder` asks for it."""

    def __init__(self, row: Row, model: Any, params: Any) -> None:
        self._model, self._work = model, row.work
        self._params = jax.tree.map(jnp.asarray, params)
        self._sources = list(make_batch(row)[0])

    def run(self) -> Answers:
        work = self._work
        return answer(
            self._model, self._params, self._sources, start=START, end=END, max_steps=work.steps,
            beam_size=work.beam_size, batch_size=work.batch,
        )  # fmt: skip

    def found(self, result: Answers) -> list[np.ndarray]:
        tokens = np.stack([best for best, *_ in result.tokens])
        return [tokens.astype(np.int32), result.scores[:, 0].astype(np.float32)]
