"""Writes a model's state dict and layers of Keras to files, with what they compute, in float64.

    KERAS_BACKEND=tensorflow python tests/golden/make_state_dicts.py

Needs torch and keras with tensorflow, which no test of the plain run does; it was run with PyTorch
2.13, Keras 3.15 and TensorFlow 2.21.

- ``torch_model.safetensors`` and ``torch_model.npz``: the same state dict of a model, twice.
- ``torch_results.npz``: ``module/what``, time first.
- ``keras_layers.npz``: ``case/what``, batch first; ``config`` is what Keras's serialize gives, as
  JSON, and lists are numbered: ``weight/0``.

The gradients are those of the sum of all outputs and final states, each times the array of the same
name under ``cotangent``.
"""

# The stubs of TensorFlow know no NumPy.
# pyright: reportArgumentType=false, reportCallIssue=false

from __future__ import annotations

import json
import os
import pathlib
from collections.abc import Iterator, Sequence
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "tensorflow")

import keras  # pyright: ignore[reportMissingImports]
import numpy as np
import safetensors.torch
import tensorflow as tf  # pyright: ignore[reportMissingImports]
import torch  # pyright: ignore[reportMissingImports]

HERE = pathlib.Path(__file__).parent


def normal(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Random entries, none of them zero, biases included."""
    return 0.7 * rng.standard_normal(shape)


def torch_model(rng: np.random.Generator) -> torch.nn.ModuleDict:
    """One module of every kind, and others between them as in a model."""
    options: dict[str, Any] = {"dtype": torch.float64}
    model = torch.nn.ModuleDict(
        {
            "embedding": torch.nn.Embedding(3, 2, **options),
            "relu": torch.nn.RNN(3, 4, nonlinearity="relu", **options),
            "tanh": torch.nn.RNN(3, 2, bidirectional=True, bias=False, **options),
            "lstm": torch.nn.LSTM(2, 3, num_layers=2, **options),
            "projected": torch.nn.LSTM(
                3, 4, num_layers=2, proj_size=2, bidirectional=True, **options
            ),
            "gru": torch.nn.GRU(2, 3, num_layers=2, bidirectional=True, **options),
            "head": torch.nn.Linear(3, 2, **options),
        }
    )
    for weight in model.parameters():
        weight.data = torch.from_numpy(normal(rng, *weight.shape))
    return model


def torch_results(rng: np.random.Generator, module: Any) -> Iterator[tuple[str, np.ndarray]]:
    """Inputs, states, outputs and gradients of one recurrent module."""
    inputs = torch.from_numpy(normal(rng, 4, 2, module.input_size)).requires_grad_()
    count = module.num_layers * (2 if module.bidirectional else 1)
    sizes = {"h": module.proj_size or module.hidden_size, "c": module.hidden_size}
    names = ["h", "c"] if module.mode == "LSTM" else ["h"]
    initial = [torch.from_numpy(normal(rng, count, 2, sizes[n])).requires_grad_() for n in names]
    outputs, final = module(inputs, tuple(initial) if len(names) > 1 else initial[0])
    results = {"outputs": outputs}
    results |= dict(zip(["h_n", "c_n"], final if len(names) > 1 else [final], strict=False))
    cotangents = [torch.from_numpy(normal(rng, *r.shape)) for r in results.values()]
    torch.autograd.backward(list(results.values()), cotangents)

    named = {"inputs": inputs, **{f"{n}_0": s for n, s in zip(names, initial, strict=True)}}
    yield from ((name, tensor.detach().numpy()) for name, tensor in (named | results).items())
    for name, cotangent in zip(results, cotangents, strict=True):
        yield f"cotangent/{name}", cotangent.numpy()
    for name, tensor in (named | dict(module.named_parameters())).items():
        yield f"gradient/{name}", tensor.grad.numpy()


def keras_layers() -> dict[str, Any]:
    """Layers with all options that change the function, by the names of their cases."""
    options: dict[str, Any] = {"return_sequences": True, "return_state": True, "dtype": "float64"}
    layers = keras.layers

    def both(layer: Any, merge: str | None, backward: Any = None) -> Any:
        return layers.Bidirectional(
            layer, merge_mode=merge, backward_layer=backward, dtype="float64"
        )

    return {
        "simple": layers.SimpleRNN(4, activation="relu", **options),
        "lstm": layers.LSTM(4, recurrent_activation="hard_sigmoid", **options),
        "lstm_no_bias": layers.LSTM(2, use_bias=False, activation="softsign", **options),
        "gru": layers.GRU(4, dropout=0.3, recurrent_dropout=0.2, **options),
        "gru_before": layers.GRU(3, reset_after=False, activation="elu", **options),
        "concat": both(layers.GRU(3, **options), "concat"),
        "sum": both(layers.GRU(2, reset_after=False, **options), "sum"),
        "mul": both(layers.LSTM(2, **options), "mul"),
        "ave": both(layers.SimpleRNN(2, **options), "ave"),
        "none": both(
            layers.LSTM(3, **options),
            None,
            layers.LSTM(2, activation="elu", go_backwards=True, **options),
        ),
    }


def numbered(name: str, arrays: Sequence[Any]) -> dict[str, np.ndarray]:
    """A list of tensors as arrays with numbered names."""
    return {f"{name}/{k}": np.asarray(array) for k, array in enumerate(arrays)}


def keras_results(rng: np.random.Generator, layer: Any) -> dict[str, np.ndarray]:
    """The layer's configuration, weights, inputs, states, outputs and gradients."""
    inputs = tf.Variable(normal(rng, 2, 4, 3))
    layer.build(inputs.shape)
    layer.set_weights([normal(rng, *w.shape) for w in layer.get_weights()])
    cells = (
        [layer.forward_layer.cell, layer.backward_layer.cell]
        if isinstance(layer, keras.layers.Bidirectional)
        else [layer.cell]
    )
    sizes = [s for cell in cells for s in np.atleast_1d(cell.state_size)]
    initial = [tf.Variable(normal(rng, 2, s)) for s in sizes]
    weights = [w.value for w in layer.trainable_weights]
    with tf.GradientTape() as tape:
        results = list(layer(inputs, initial_state=list(initial)))
    cotangents = [normal(rng, *r.shape) for r in results]
    sources = [*weights, inputs, *initial]
    gradients = tape.gradient(results, sources, output_gradients=cotangents)
    config = json.dumps(keras.layers.serialize(layer))
    return {
        "config": np.frombuffer(config.encode(), np.uint8),
        "inputs": inputs.numpy(),
        **numbered("weight", layer.get_weights()),
        **numbered("state", initial),
        **numbered("result", results),
        **numbered("cotangent", cotangents),
        **numbered("gradient", gradients),
    }


def main() -> None:
    """Writes all files next to this one."""
    rng = np.random.default_rng(21)
    model = torch_model(rng)
    safetensors.torch.save_file(model.state_dict(), HERE / "torch_model.safetensors")
    arrays = {name: tensor.numpy() for name, tensor in model.state_dict().items()}
    np.savez_compressed(HERE / "torch_model.npz", allow_pickle=False, **arrays)
    results = {
        f"{name}/{what}": array
        for name, module in model.items()
        if isinstance(module, torch.nn.RNNBase)
        for what, array in torch_results(rng, module)
    }
    np.savez_compressed(HERE / "torch_results.npz", allow_pickle=False, **results)
    results = {
        f"{case}/{what}": array
        for case, layer in keras_layers().items()
        for what, array in keras_results(rng, layer).items()
    }
    np.savez_compressed(HERE / "keras_layers.npz", allow_pickle=False, **results)


if __name__ == "__main__":
    main()
