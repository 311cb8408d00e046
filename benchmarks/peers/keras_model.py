"""The model in Keras 3, on whatever backend it was imported with."""

from __future__ import annotations

from typing import Any

import keras  # pyright: ignore[reportMissingImports]
import numpy as np

from benchmarks.work import Row, Work

SHORT = 64
"""Up to so many steps it is worth trying ``unroll=True``, which Keras advises for short sequences
only."""


def unroll_variants(row: Row) -> list[dict[str, Any]]:
    can_unroll = row.kind != "stream" and row.work.steps <= SHORT
    return [{"unroll": False}, {"unroll": True}] if can_unroll else [{}]


def build_model(work: Work, weights: dict[str, np.ndarray], unroll: bool = False) -> Any:
    """Embedding, recurrent layer, dense layers; logits, in Keras's own way one per class."""
    layers = keras.layers
    kind = {"simple_rnn": layers.SimpleRNN, "gru": layers.GRU, "lstm": layers.LSTM}[work.cell]
    name = "rnn" if not work.bidirectional else None
    rnn = kind(work.hidden_size, return_sequences=work.every_step, unroll=unroll, name=name)
    if work.bidirectional:
        rnn = layers.Bidirectional(rnn, name="rnn")
    stack: list[Any] = [rnn, layers.Dense(work.outputs, name="out")]
    if work.dense_size:
        stack.insert(1, layers.Dense(work.dense_size, "relu", name="dense"))
    if work.num_words:
        inputs = keras.Input((work.steps,), dtype="int32")
        stack.insert(0, layers.Embedding(work.num_words, work.input_size, name="embedding"))
    else:
        inputs = keras.Input((work.steps, work.input_size))
    model = keras.Sequential([inputs, *stack])
    set_weights(stack, weights)
    return model


def build_cell(work: Work, weights: dict[str, np.ndarray]) -> Any:
    """A cell for single steps."""
    kind = {"gru": keras.layers.GRUCell, "lstm": keras.layers.LSTMCell}[work.cell]
    cell = kind(work.hidden_size, name="rnn")
    cell.build((work.batch, work.input_size))
    set_weights([cell], weights)
    return cell


def set_weights(layers: list[Any], weights: dict[str, np.ndarray]) -> None:
    for layer in layers:
        count = len(layer.weights)
        layer.set_weights([weights[f"{layer.name}.{i}"] for i in range(count)])


def weight_names(model: Any) -> list[str]:
    """The names of ``model.trainable_variables``, in their order."""
    return [
        f"{layer.name}.{i}" for layer in model.layers for i in range(len(layer.trainable_variables))
    ]


def initial_states(work: Work) -> list[np.ndarray]:
    zeros = np.zeros((work.batch, work.hidden_size), np.float32)
    return [zeros, zeros] if work.cell == "lstm" else [zeros]


def mean_loss(work: Work, labels: Any, logits: Any) -> Any:
    ops = keras.ops
    if work.outputs == 1:
        return ops.mean(ops.binary_crossentropy(labels, logits[..., 0], from_logits=True))
    return ops.mean(ops.sparse_categorical_crossentropy(labels, logits, from_logits=True))


def adam() -> Any:
    # The others' epsilon.
    return keras.optimizers.Adam(1e-3, epsilon=1e-8)
