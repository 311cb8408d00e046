"""A layer as a flax.nnx module."""

from __future__ import annotations

from typing import Any

import jax
from flax import nnx

from rnnjax.bridges.named import from_named, to_named
from rnnjax.cell import Carry, Layer, Params, param_shapes
from rnnjax.unrolling.unroll import unroll, unroll_last


class _Holder(nnx.Module):
    def __init__(self, layer: Layer, params: Params = None, *, rngs: nnx.Rngs | None = None):
        if params is None:
            if rngs is None:
                raise ValueError(
                    f"{type(self).__name__} wants the parameters of the layer, or rngs to draw "
                    "them from."
                )
            params = layer.init(rngs.params())
        self.layer = layer
        for name, value in to_named(params).items():
            setattr(self, _attribute(type(self), name), _held(value))

    @property
    def params(self) -> Params:
        """The parameters as the layer takes them."""
        names = to_named(param_shapes(self.layer))
        held = {name: getattr(self, _attribute(type(self), name)) for name in names}
        return from_named(self.layer, jax.tree.map(_value, held, is_leaf=_is_held))


class RNN(_Holder):
    """Runs a layer over a batch of sequences; each array of its parameters is an `nnx.Param`.

    They are attributes named by their places: ``w_x`` of a cell, ``forward/w_x`` of a
    `rnnjax.Bidirectional`, ``0/w_x`` of a `rnnjax.Stack`. A name that the module has itself, such
    as ``layer``, gets an underscore behind it.

    Args:
        layer: a cell, or a combination of cells.
        params: its parameters; by default `layer.init` draws them.
        rngs: where to draw them from.

    Raises:
        ValueError: neither of the two was given.
    """

    def __call__(
        self,
        xs: jax.Array,
        carry: Carry | None = None,
        *,
        mask: jax.Array | None = None,
        resets: jax.Array | None = None,
        reverse: bool = False,
        rngs: nnx.Rngs | None = None,
    ) -> tuple[Carry, Any]:
        """Inputs ``[B, T, D]``, mask ``[B, T]``: the final carry and the outputs ``[B, T, O]``.

        Dropout in the layer draws from ``rngs.dropout``; without rngs it is an evaluation.
        """
        xs, mask, resets = _swap((xs, mask, resets))
        key = None if rngs is None else rngs.dropout()
        carry, ys = unroll(
            self.layer, self.params, xs, carry, mask=mask, resets=resets, reverse=reverse, key=key
        )
        return carry, _swap(ys)


class LastOutput(_Holder):
    """Runs a layer over a batch of sequences and gives the last output only.

    Its parameters are those of `RNN`.

    Args:
        layer: a cell, or a combination of cells.
        params: its parameters; by default `layer.init` draws them.
        rngs: where to draw them from.

    Raises:
        ValueError: neither of the two was given.
    """

    def __call__(
        self, xs: jax.Array, *, mask: jax.Array | None = None, rngs: nnx.Rngs | None = None
    ) -> Any:
        """Inputs ``[B, T, D]``, mask ``[B, T]``: the output ``[B, O]`` of each row's last step.

        Dropout in the layer draws from ``rngs.dropout``; without rngs it is an evaluation.
        """
        xs, mask = _swap((xs, mask))
        key = None if rngs is None else rngs.dropout()
        return unroll_last(self.layer, self.params, xs, mask=mask, key=key)[1]


def _attribute(module: type, name: str) -> str:
    return f"{name}_" if name == "layer" or hasattr(module, name) else name


def _held(value: Any) -> Any:
    if isinstance(value, dict):
        return nnx.Dict({name: _held(inner) for name, inner in value.items()})
    return nnx.Param(value)


def _is_held(node: Any) -> bool:
    return isinstance(node, nnx.Variable | nnx.Dict)


def _value(held: Any) -> Any:
    if isinstance(held, nnx.Dict):
        return {name: _value(inner) for name, inner in held.items()}
    return held[...]


def _swap(arrays: Any) -> Any:
    """Time first from batch first, and back."""
    return jax.tree.map(lambda a: a.swapaxes(0, 1), arrays)
