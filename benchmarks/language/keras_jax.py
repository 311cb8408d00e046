"""Keras on JAX: a training step, or all symbols of a text, as one `jax.jit` program."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.language import keras_model as shared
from benchmarks.language.work import make_batch
from benchmarks.peers import Program, Settings
from benchmarks.peers.jax_program import JaxProgram
from benchmarks.peers.keras_jax import Updates, values
from benchmarks.work import Row


def variants(row: Row) -> list[dict[str, Any]]:
    del row
    return [{}]


class Sampler(JaxProgram):
    def __init__(self, row: Row, weights: Any) -> None:
        step, work = shared.Step(row.work, weights), row.work
        self.weights = values(step.trainable_variables), values(step.non_trainable_variables)
        self.states = jax.tree.map(jnp.asarray, shared.initial_states(work))
        self.key = jax.random.key(0)

        def call(weights: Any, symbols: Any, states: Any) -> Any:
            return step.stateless_call(*weights, symbols, states)[0]

        def write(weights: Any, states: Any, key: Any) -> Any:
            def body(carry: Any, key: Any) -> Any:
                logits, states = call(weights, *carry)
                symbols = jax.random.categorical(key, logits).astype(jnp.int32)
                return (symbols, states), symbols

            beginning = jnp.zeros(work.batch, jnp.int32), states
            return jax.lax.scan(body, beginning, jax.random.split(key, work.steps))[1]

        def read(weights: Any, states: Any, symbols: Any) -> Any:
            def body(states: Any, symbols: Any) -> Any:
                return call(weights, symbols, states)[::-1]

            return jax.lax.scan(body, states, symbols)[1]

        self.write, self.read_all = jax.jit(write), jax.jit(read)

    def run(self) -> Any:
        return self.write(self.weights, self.states, self.key)

    def read(self, symbols: np.ndarray) -> np.ndarray:
        return np.asarray(self.read_all(self.weights, self.states, jnp.asarray(symbols)))


def build(row: Row, weights: dict[str, np.ndarray], settings: Settings) -> Program:
    del settings
    if row.kind == "sample":
        return Sampler(row, weights)
    return Updates(shared.build_model(row.work, weights), make_batch(row), shared.mean_loss)
