"""Keras on JAX: its stateless functions, the whole step under `jax.jit`, the state donated."""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.peers import Program, Settings
from benchmarks.peers import keras_model as shared
from benchmarks.peers.jax_program import JaxProgram, configure
from benchmarks.work import Row, make_batch

prepare = configure
variants = shared.unroll_variants


def values(variables: Any) -> list[jax.Array]:
    """Copies, because what is donated can't be used again by the model that it came from."""
    return [jnp.array(np.asarray(v)) for v in variables]


class Forward(JaxProgram):
    def __init__(self, row: Row, weights: Any, unroll: bool = False) -> None:
        model = shared.build_model(row.work, weights, unroll)
        self.state = values(model.trainable_variables), values(model.non_trainable_variables)
        self.x = jnp.asarray(make_batch(row)[0])

        def apply(state: Any, x: Any) -> Any:
            logits = model.stateless_call(*state, x, training=False)[0]
            return logits[..., 0] if row.work.outputs == 1 else logits

        self.apply = jax.jit(apply)

    def run(self) -> Any:
        return self.apply(self.state, self.x)


class Updates(JaxProgram):
    """Loss, gradient and Adam's update, given ``mean_loss(labels, logits)``."""

    def __init__(self, model: Any, batch: Any, mean_loss: Any) -> None:
        optimizer = shared.adam()
        optimizer.build(model.trainable_variables)
        self.model = model
        self.first = [np.asarray(v) for v in model.trainable_variables]
        others, kept = model.non_trainable_variables, optimizer.variables
        self.state = values(self.first), values(others), values(kept)
        self.batch = tuple(map(jnp.asarray, batch))

        def loss(trainable: Any, others: Any, x: Any, y: Any) -> Any:
            logits, others = model.stateless_call(trainable, others, x, training=True)
            return mean_loss(y, logits), others

        def update(state: Any, x: Any, y: Any) -> Any:
            trainable, others, kept = state
            (value, others), gradients = self.value_and_grad(trainable, others, x, y)
            trainable, kept = optimizer.stateless_apply(kept, gradients, trainable)
            return (trainable, others, kept), value

        self.value_and_grad = jax.value_and_grad(loss, has_aux=True)
        self.update = jax.jit(update, donate_argnums=0)

    def run(self) -> Any:
        self.state, value = self.update(self.state, *self.batch)
        return value

    def gradients(self) -> dict[str, np.ndarray]:
        trainable = [jnp.array(a) for a in self.first]
        gradients = jax.jit(self.value_and_grad)(trainable, self.state[1], *self.batch)[1]
        names = shared.weight_names(self.model)
        return {n: np.asarray(g) for n, g in zip(names, gradients, strict=True)}


class Stream(JaxProgram):
    def __init__(self, row: Row, weights: Any) -> None:
        cell = shared.build_cell(row.work, weights)
        self.weights = values(cell.trainable_variables), values(cell.non_trainable_variables)
        self.states = [jnp.array(a) for a in shared.initial_states(row.work)]
        self.x = jnp.asarray(make_batch(row)[0])

        def step(weights: Any, states: Any, x: Any) -> Any:
            return cell.stateless_call(*weights, x, states)[0]

        self.step = jax.jit(step, donate_argnums=1)

    def run(self) -> Any:
        y, self.states = self.step(self.weights, self.states, self.x)
        return y


def build(row: Row, weights: dict[str, np.ndarray], settings: Settings, **variant: Any) -> Program:
    del settings
    if row.kind == "train":
        model = shared.build_model(row.work, weights, **variant)
        mean_loss = functools.partial(shared.mean_loss, row.work)
        return Updates(model, make_batch(row), mean_loss)
    kind: Any = {"forward": Forward, "stream": Stream}[row.kind]
    return kind(row, weights, **variant)
