"""Keras on TensorFlow: a training step, or all symbols of a text, as one ``tf.function``."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf  # pyright: ignore[reportMissingImports, reportMissingModuleSource]

from benchmarks.language import keras_model as shared
from benchmarks.language.work import make_batch
from benchmarks.peers import Program, Settings
from benchmarks.peers.keras_tensorflow import TensorFlowProgram, Updates
from benchmarks.work import Row


def variants(row: Row) -> list[dict[str, Any]]:
    del row
    return [{"jit_compile": False}, {"jit_compile": True}]


class Sampler(TensorFlowProgram):
    def __init__(self, row: Row, weights: Any, jit_compile: bool) -> None:
        step, work = shared.Step(row.work, weights), row.work
        self.step: Any = tf.function(step)
        self.states = tf.nest.map_structure(tf.constant, shared.initial_states(work))

        @tf.function(jit_compile=jit_compile)
        def write(states: Any) -> Any:
            def body(t: Any, symbols: Any, states: Any, drawn: Any) -> Any:
                logits, states = step(symbols, states)
                symbols = tf.random.categorical(logits, 1, tf.int32)[:, 0]
                return t + 1, symbols, states, drawn.write(t, symbols)

            drawn = tf.TensorArray(tf.int32, work.steps, element_shape=(work.batch,))
            beginning = 0, tf.zeros(work.batch, tf.int32), states, drawn
            return tf.while_loop(lambda t, *_: t < work.steps, body, beginning)[-1].stack()

        self.write: Any = write

    def run(self) -> Any:
        return self.write(self.states)

    def read(self, symbols: np.ndarray) -> np.ndarray:
        states, found = self.states, []
        for each in tf.constant(symbols, tf.int32):
            logits, states = self.step(each, states)
            found.append(logits.numpy())
        return np.stack(found)


def build(row: Row, weights: dict[str, np.ndarray], settings: Settings, **variant: Any) -> Program:
    del settings
    if row.kind == "sample":
        return Sampler(row, weights, **variant)
    model = shared.build_model(row.work, weights)
    return Updates(model, weights, make_batch(row), shared.mean_loss, **variant)
