"""A layer around one other layer."""

from __future__ import annotations

from typing import Any

import jax

from rnnjax.cell import Carry, Cell, Composite, Layer, Params


class Wrapper(Composite, Cell):
    """A layer with the sizes and the carry of the one that it wraps."""

    layer: Layer

    @property
    def input_size(self) -> int:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self.layer.input_size

    @property
    def output_size(self) -> int:
        return self.layer.output_size

    def init(self, key: jax.Array) -> Params:
        return self.layer.init(key)

    def initial_carry(self, batch_shape: tuple[int, ...] = (), dtype: Any = None) -> Carry:
        return self.layer.initial_carry(batch_shape, dtype)

    def first_carry(
        self, params: Params, batch_shape: tuple[int, ...] = (), dtype: Any = None
    ) -> Carry:
        return self.layer.first_carry(params, batch_shape, dtype)


def innermost(layer: Layer) -> Layer:
    """What is left when all wrappers are taken off."""
    while isinstance(layer, Wrapper):
        layer = layer.layer
    return layer


def wrappers(layer: Layer) -> list[Wrapper]:
    """All wrappers around the innermost layer, the outermost first."""
    found = []
    while isinstance(layer, Wrapper):
        found.append(layer)
        layer = layer.layer
    return found
