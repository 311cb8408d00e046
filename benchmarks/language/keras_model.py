"""A language model in Keras 3, on whatever backend it was imported with."""

from __future__ import annotations

from typing import Any

import keras  # pyright: ignore[reportMissingImports]
import numpy as np

from benchmarks.language.work import LanguageWork
from benchmarks.peers.keras_model import set_weights

layers, ops = keras.layers, keras.ops


def build_model(work: LanguageWork, weights: dict[str, np.ndarray]) -> Any:
    """One-hot symbols, recurrent layers, and a dense layer at every step."""
    inputs = keras.Input((work.steps,), dtype="int32")
    stack: list[Any] = [
        layers.LSTM(work.hidden_size, return_sequences=True, name=f"rnn{i}")
        for i in range(work.num_layers)
    ]
    stack.append(layers.Dense(work.num_symbols, name="out"))
    ys = ops.one_hot(inputs, work.num_symbols)
    for layer in stack:
        ys = layer(ys)
    set_weights(stack, weights)
    return keras.Model(inputs, ys)


def mean_loss(labels: Any, logits: Any) -> Any:
    return ops.mean(ops.sparse_categorical_crossentropy(labels, logits, from_logits=True))


class Step(layers.Layer):
    """What one symbol does: the cells and the dense layer."""

    def __init__(self, work: LanguageWork, weights: dict[str, np.ndarray]) -> None:
        super().__init__()
        self.work = work
        self.cells = [
            layers.LSTMCell(work.hidden_size, name=f"rnn{i}") for i in range(work.num_layers)
        ]
        self.out = layers.Dense(work.num_symbols, name="out")
        for i, cell in enumerate(self.cells):
            cell.build((work.batch, work.hidden_size if i else work.num_symbols))
        self.out.build((work.batch, work.hidden_size))
        self.built = True
        set_weights([*self.cells, self.out], weights)

    def call(self, symbols: Any, states: Any) -> tuple[Any, Any]:
        y, after = ops.one_hot(symbols, self.work.num_symbols), []
        for cell, state in zip(self.cells, states, strict=True):
            y, state = cell(y, list(state))
            after.append(tuple(state))
        return self.out(y), tuple(after)


def initial_states(work: LanguageWork) -> Any:
    zeros = np.zeros((work.batch, work.hidden_size), np.float32)
    return ((zeros, zeros),) * work.num_layers
