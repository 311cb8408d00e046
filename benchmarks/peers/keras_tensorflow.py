"""Keras on TensorFlow: the whole step as one ``tf.function``, with XLA or without."""

from __future__ import annotations

import functools
import itertools
from typing import Any

import numpy as np
import tensorflow as tf  # pyright: ignore[reportMissingImports, reportMissingModuleSource]

from benchmarks.peers import Program, Settings
from benchmarks.peers import keras_model as shared
from benchmarks.work import Row, make_batch


def prepare(settings: Settings) -> None:
    if settings.device == "gpu" and not tf.config.list_physical_devices("GPU"):
        raise RuntimeError("TensorFlow sees no GPU")
    tf.config.threading.set_intra_op_parallelism_threads(settings.threads)
    tf.config.threading.set_inter_op_parallelism_threads(settings.threads)
    tf.config.experimental.enable_tensor_float_32_execution(settings.precision == "tf32")


def variants(row: Row) -> list[dict[str, Any]]:
    compilers = [{"jit_compile": False}, {"jit_compile": True}]
    return [a | b for a, b in itertools.product(compilers, shared.unroll_variants(row))]


class TensorFlowProgram:
    def wait(self, result: Any) -> None:
        result.numpy()

    def to_numpy(self, result: Any) -> np.ndarray:
        return result.numpy()

    def gradients(self) -> dict[str, np.ndarray]:
        return {}


class Forward(TensorFlowProgram):
    def __init__(self, row: Row, weights: Any, jit_compile: bool, unroll: bool = False) -> None:
        model = shared.build_model(row.work, weights, unroll)
        self.x = tf.constant(make_batch(row)[0])

        @tf.function(jit_compile=jit_compile)
        def apply(x: Any) -> Any:
            logits = model(x, training=False)
            return logits[..., 0] if row.work.outputs == 1 else logits

        self.apply: Any = apply

    def run(self) -> Any:
        return self.apply(self.x)


class Updates(TensorFlowProgram):
    """Loss, gradient and Adam's update, given ``mean_loss(labels, logits)``."""

    def __init__(
        self, model: Any, weights: Any, batch: Any, mean_loss: Any, jit_compile: bool
    ) -> None:
        optimizer = shared.adam()
        optimizer.build(model.trainable_variables)
        self.model, self.weights = model, weights
        self.batch = tuple(map(tf.constant, batch))

        def value_and_grad(x: Any, y: Any) -> Any:
            with tf.GradientTape() as tape:
                loss = mean_loss(y, model(x, training=True))
            return loss, tape.gradient(loss, model.trainable_variables)

        @tf.function(jit_compile=jit_compile)
        def update(x: Any, y: Any) -> Any:
            loss, gradients = value_and_grad(x, y)
            optimizer.apply(gradients, model.trainable_variables)
            return loss

        self.value_and_grad: Any = tf.function(value_and_grad, jit_compile=jit_compile)
        self.update: Any = update

    def run(self) -> Any:
        return self.update(*self.batch)

    def gradients(self) -> dict[str, np.ndarray]:
        shared.set_weights(self.model.layers, self.weights)
        gradients = self.value_and_grad(*self.batch)[1]
        dense = [tf.convert_to_tensor(g).numpy() for g in gradients]
        return dict(zip(shared.weight_names(self.model), dense, strict=True))


class Stream(TensorFlowProgram):
    def __init__(self, row: Row, weights: Any, jit_compile: bool) -> None:
        cell = shared.build_cell(row.work, weights)
        self.states = [tf.constant(a) for a in shared.initial_states(row.work)]
        self.x = tf.constant(make_batch(row)[0])
        self.step: Any = tf.function(lambda x, states: cell(x, states), jit_compile=jit_compile)

    def run(self) -> Any:
        y, self.states = self.step(self.x, self.states)
        return y


def build(row: Row, weights: dict[str, np.ndarray], settings: Settings, **variant: Any) -> Program:
    del settings
    if row.kind == "train":
        model = shared.build_model(row.work, weights, variant.pop("unroll", False))
        mean_loss = functools.partial(shared.mean_loss, row.work)
        return Updates(model, weights, make_batch(row), mean_loss, **variant)
    kind: Any = {"forward": Forward, "stream": Stream}[row.kind]
    return kind(row, weights, **variant)
