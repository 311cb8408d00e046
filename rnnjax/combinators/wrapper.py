"""A layer around one other layer."""

from __future__ import annotations

from typing import Any

import jax

from rnnjax.cell import Carry, Cell, Composite, Layer, Params, ReadingCell, steppable


class Around(Layer):
    """A layer with the sizes and the carry of the one that it wraps."""

    layer: Layer

    @property
    def input_size(self) -> int:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self.layer.input_size

    @property
    def output_size(self) -> int:
        return self.layer.output_size

    @property
    def input_shape(self) -> tuple[int, ...]:
        return (*self.layer.input_shape[:-1], self.input_size)

    @property
    def output_shape(self) -> tuple[int, ...]:
        return (*self.layer.output_shape[:-1], self.output_size)

    def init(self, key: jax.Array) -> Params:
        return self.layer.init(key)

    def initial_carry(self, batch_shape: tuple[int, ...] = (), dtype: Any = None) -> Carry:
        return self.layer.initial_carry(batch_shape, dtype)

    def first_carry(
        self, params: Params, batch_shape: tuple[int, ...] = (), dtype: Any = None
    ) -> Carry:
        return self.layer.first_carry(params, batch_shape, dtype)


class Wrapper(Around, Composite):
    """One that knows itself how to run the one that it wraps over a sequence."""


class CellWrapper(Wrapper, Cell):
    """A wrapper that takes the steps as they come, so that it can be stepped if its layer can."""

    def project(self, params: Params, x: jax.Array) -> Any:
        return steppable(type(self).__name__, self.layer).project(params, x)

    def step(self, params: Params, carry: Carry, z: Any) -> tuple[Carry, jax.Array]:
        return steppable(type(self).__name__, self.layer).step(params, carry, z)


def check_plain(owner: str, layer: Layer) -> None:
    """Raises a `ValueError` if a layer is no cell by itself, whose step is all that there is."""
    if not isinstance(layer, Cell) or isinstance(layer, Composite | ReadingCell):
        raise ValueError(
            f"{owner}: {type(layer).__name__} is no cell by itself; wrap cells such as "
            "rnnjax.LSTM(28, 64), each by itself."
        )


def num_batch_axes(carry: Carry, alone: Carry) -> int:
    """How many axes of a carry stand before those that it has for one row."""
    return jax.tree.leaves(carry)[0].ndim - jax.tree.leaves(alone)[0].ndim


def innermost(layer: Layer) -> Layer:
    """What is left when all wrappers that can be stepped are taken off."""
    while isinstance(layer, CellWrapper):
        layer = layer.layer
    return layer


def wrappers(layer: Layer) -> list[CellWrapper]:
    """All wrappers around what is `innermost`, the outermost first."""
    found = []
    while isinstance(layer, CellWrapper):
        found.append(layer)
        layer = layer.layer
    return found
