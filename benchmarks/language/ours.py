"""rnnjax: `rnnjax.models.LanguageModel`, and `rnnjax.decoding.sample`."""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import rnnjax
from benchmarks.language.convert import stack_of
from benchmarks.language.work import make_batch
from benchmarks.peers import Program, Settings
from benchmarks.peers.jax_program import JaxProgram, Updates, fill
from benchmarks.peers.our_loop import LoopTraining
from benchmarks.peers.ours import layout_of, place_of
from benchmarks.work import Row
from rnnjax.bridges.named import from_named
from rnnjax.decoding import sample
from rnnjax.experiment.writing import step_function
from rnnjax.models import LanguageModel


def variants(row: Row) -> list[dict[str, Any]]:
    """A training step as a call of its own, or within rnnjax's training loop.

    Who writes may call the model, as the experiment does, or the layers with a row for each symbol,
    as `docs/decoding.md` does.
    """
    name = "in_loop" if row.kind == "train" else "looks_up"
    return [{name: False}, {name: True}]


def build(row: Row, weights: dict[str, np.ndarray], settings: Settings, **variant: Any) -> Program:
    work = row.work
    model = LanguageModel(
        work.num_symbols, stack_of(work), work.embedding_size, cutoffs=work.cutoffs,
        div_value=work.div_value,
    )  # fmt: skip
    symbols = jax.ShapeDtypeStruct((1, 2), jnp.int32)
    params = fill(jax.eval_shape(model.init, jax.random.key(0), symbols)["params"], weights)
    if row.kind == "sample":
        return Sampler(row, model, params, **variant)

    def losses(params: Any, batch: Any) -> jax.Array:
        outputs: Any = model.apply({"params": params}, *batch, method="losses")
        return outputs[1].mean(axis=1)

    batch = make_batch(row)
    if variant["in_loop"]:
        return LoopTraining(losses, params, batch, layout_of(work, settings))
    place = place_of(work, settings)
    return Updates(lambda params, x, y: losses(params, (x, y)).mean(), params, batch, place)


class Sampler(JaxProgram):
    """So many symbols of each text as one program."""

    def __init__(self, row: Row, model: LanguageModel, params: Any, looks_up: bool) -> None:
        stack: Any = model.layer
        params, step = jax.tree.map(jnp.asarray, params), step_function(model)
        if looks_up:
            step, layers = self._by_layers(stack), from_named(stack, params["rnn"])
            letters = stack.project(layers, jnp.arange(model.num_symbols)[:, None])
            params = layers, letters, params["to_logits"]
        self._step = functools.partial(step, params)
        self._carry = stack.initial_carry((row.work.batch,))
        self._first = jnp.zeros(row.work.batch, jnp.int32)
        self._key, self._num_steps = jax.random.key(0), row.work.steps

    def _by_layers(self, stack: rnnjax.Stack) -> Any:
        def step(params: Any, carry: Any, symbols: jax.Array) -> tuple[Any, jax.Array]:
            layers, letters, out = params
            carry, y = stack.step(layers, carry, letters[symbols])
            return carry, y @ out["kernel"] + out["bias"][None]

        return step

    def run(self) -> Any:
        return sample(
            self._step, self._carry, self._first, self._key, num_steps=self._num_steps
        ).tokens

    def read(self, symbols: np.ndarray) -> np.ndarray:
        return np.asarray(jax.lax.scan(self._step, self._carry, jnp.asarray(symbols))[1])
