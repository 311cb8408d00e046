"""The two biases of a cell put into one, for frameworks that have only one."""

from __future__ import annotations

import dataclasses
from typing import Any

import jax.numpy as jnp

from rnnjax.cell import Layer, Params
from rnnjax.cells import GRU, LSTM, LSTMP, SimpleRNN
from rnnjax.combinators import Bidirectional, BidirectionalParams, Stack


def merge_biases(layer: Layer, params: Params) -> tuple[Any, Params]:
    """Adds the bias of the state to that of the input wherever the function stays the same.

    PyTorch gives both to every layer; Keras and Flax have one. The sum is rounded once, so the
    outputs agree to the last digits but not bit for bit, and the parameters train differently: a
    pair of biases moves twice as far under plain gradient descent.

    Args:
        layer: a `SimpleRNN`, `LSTM`, `LSTMP` or `GRU`, or a `Stack` or `Bidirectional` of these.
        params: its parameters.

    Returns:
        The layer, with ``initialization="keras"`` as far as it lost a bias, and its parameters
        with ``b_h = None``. A `GRU` that resets after the product keeps ``b_h``, of which the
        blocks r and z become zero and n can't be merged: r multiplies it.

    Raises:
        ValueError: the layer is another one.

    >>> import jax
    >>> lstm = LSTM(3, 2, initialization="torch")
    >>> merged, params = merge_biases(lstm, lstm.init(jax.random.key(0)))
    >>> params.b.shape, params.b_h
    ((8,), None)
    """
    match layer:
        case Stack():
            both = [merge_biases(*pair) for pair in zip(layer.layers, params, strict=True)]
            return Stack(tuple(merged for merged, _ in both)), tuple(p for _, p in both)
        case Bidirectional():
            forward, forward_params = merge_biases(layer.forward, params.forward)
            backward, backward_params = merge_biases(
                layer.forward if layer.backward is None else layer.backward, params.backward
            )
            merged = dataclasses.replace(
                layer, forward=forward, backward=None if layer.backward is None else backward
            )
            return merged, BidirectionalParams(forward_params, backward_params)
        case GRU(reset_after=True) if params.b_h is not None:
            gates = 2 * layer.hidden_size
            b_h = jnp.asarray(params.b_h)
            moved = b_h.at[gates:].set(0)
            b = moved if params.b is None else params.b + moved
            return layer, params._replace(b=b, b_h=b_h.at[:gates].set(0))
        case SimpleRNN() | LSTM() | LSTMP() | GRU():
            if params.b_h is None:
                return layer, params
            b = params.b_h if params.b is None else params.b + params.b_h
            merged = dataclasses.replace(layer, initialization="keras")
            return merged, params._replace(b=b, b_h=None)
    raise ValueError(f"merge_biases: {type(layer).__name__} has no pair of biases to merge.")
