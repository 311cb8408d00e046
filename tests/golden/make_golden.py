"""Writes golden.npz: what PyTorch and Keras compute, in float64, with their weights.

    KERAS_BACKEND=tensorflow python tests/golden/make_golden.py

Needs torch and keras with tensorflow, which no test does; it was run with PyTorch 2.13, Keras 3.15
and TensorFlow 2.21. The entries are named ``case/what``; weights keep their framework's names,
layout and order. The gradients are those of the sum of all outputs and final states, each times
the array of the same name under ``cotangent``.
"""

# Keras and TensorFlow declare types that they do not insist on.
# pyright: basic, reportArgumentType=false, reportCallIssue=false

from __future__ import annotations

import os
import pathlib
import re
from collections.abc import Iterable, Iterator

os.environ.setdefault("KERAS_BACKEND", "tensorflow")

import keras  # pyright: ignore[reportMissingImports]
import numpy as np
import tensorflow as tf  # pyright: ignore[reportMissingImports]
import torch  # pyright: ignore[reportMissingImports]

Named = Iterable[tuple[str, np.ndarray]]

SIZES = [
    {"steps": 4, "batch": 2, "inputs": 3, "units": 4, "layers": 1},
    {"steps": 3, "batch": 3, "inputs": 2, "units": 3, "layers": 2},
]


def normal(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Random entries, biases included: multiples of 1/64, which take little room."""
    return np.round(45 * rng.standard_normal(shape)) / 64


def torch_case(rng: np.random.Generator, kind: str, size: dict[str, int], **options: str) -> Named:
    """`torch.nn.RNN`, `LSTM` or `GRU`, time first."""
    module = getattr(torch.nn, kind)(
        size["inputs"], size["units"], num_layers=size["layers"], dtype=torch.float64, **options
    )
    for weight in module.parameters():
        weight.data = torch.from_numpy(normal(rng, *weight.shape))
    inputs = torch.from_numpy(normal(rng, size["steps"], size["batch"], size["inputs"]))
    state_names = ["h", "c"] if kind == "LSTM" else ["h"]
    shape = (size["layers"], size["batch"], size["units"])
    initial = [torch.from_numpy(normal(rng, *shape)) for _ in state_names]
    for tensor in (inputs, *initial):
        tensor.requires_grad_()
    outputs, final = module(inputs, tuple(initial) if kind == "LSTM" else initial[0])
    results = [outputs, *(final if kind == "LSTM" else [final])]
    cotangents = [torch.from_numpy(normal(rng, *r.shape)) for r in results]
    torch.autograd.backward(results, cotangents)

    named = dict(module.named_parameters())
    named |= {"inputs": inputs, **{f"{n}_0": s for n, s in zip(state_names, initial, strict=True)}}
    yield from ((name, tensor.detach().numpy()) for name, tensor in named.items())
    yield from ((f"gradient/{name}", tensor.grad.numpy()) for name, tensor in named.items())
    for name, result, cotangent in zip(
        ["outputs", *(f"{n}_n" for n in state_names)], results, cotangents, strict=True
    ):
        yield name, result.detach().numpy()
        yield f"cotangent/{name}", cotangent.numpy()


def keras_case(rng: np.random.Generator, kind: str, size: dict[str, int], **options: bool) -> Named:
    """`keras.layers.SimpleRNN`, `LSTM` or `GRU`, batch first, one layer."""
    layer = getattr(keras.layers, kind)(
        size["units"], return_sequences=True, return_state=True, dtype="float64", **options
    )
    inputs = tf.Variable(normal(rng, size["batch"], size["steps"], size["inputs"]))
    layer.build(inputs.shape)
    layer.set_weights([normal(rng, *w.shape) for w in layer.get_weights()])
    state_names = ["h", "c"] if kind == "LSTM" else ["h"]
    initial = [tf.Variable(normal(rng, size["batch"], size["units"])) for _ in state_names]
    named = {w.name: w.value for w in layer.trainable_weights}
    named |= {"inputs": inputs, **{f"{n}_0": s for n, s in zip(state_names, initial, strict=True)}}
    with tf.GradientTape() as tape:
        results = layer(inputs, initial_state=list(initial))
    cotangents = [normal(rng, *r.shape) for r in results]
    gradients = tape.gradient(results, list(named.values()), output_gradients=cotangents)

    yield from ((name, value.numpy()) for name, value in named.items())
    for name, gradient in zip(named, gradients, strict=True):
        yield f"gradient/{name}", gradient.numpy()
    for name, result, cotangent in zip(
        ["outputs", *(f"{n}_n" for n in state_names)], results, cotangents, strict=True
    ):
        yield name, result.numpy()
        yield f"cotangent/{name}", cotangent


def golden() -> Iterator[tuple[str, np.ndarray]]:
    """All entries of the file."""
    rng = np.random.default_rng(20)
    torch_kinds = [
        ("rnn_tanh", "RNN", {"nonlinearity": "tanh"}),
        ("rnn_relu", "RNN", {"nonlinearity": "relu"}),
        ("lstm", "LSTM", {}),
        ("gru", "GRU", {}),
    ]
    keras_kinds = [
        ("simple_rnn", "SimpleRNN", {}),
        ("lstm", "LSTM", {}),
        ("gru_reset_after", "GRU", {"reset_after": True}),
        ("gru_reset_before", "GRU", {"reset_after": False}),
    ]
    for framework, make, kinds in (
        ("torch", torch_case, torch_kinds),
        ("keras", keras_case, keras_kinds),
    ):
        for number, size in enumerate(SIZES):
            for name, kind, options in kinds:
                case = f"{framework}-{name}-{number}"
                for what, array in make(rng, kind, size, **options):
                    assert array.dtype == np.float64, (case, what)
                    assert re.fullmatch(r"[a-z0-9_/]+", what), what
                    yield f"{case}/{what}", array


if __name__ == "__main__":
    path = pathlib.Path(__file__).with_name("golden.npz")
    np.savez_compressed(path, allow_pickle=False, **dict(golden()))
    print(path, path.stat().st_size, "bytes")
