"""A layer as a flax.nnx module."""

from __future__ import annotations

from typing import Any

import jax
from flax import nnx

from rnnjax.cell import Carry, Layer, Params
from rnnjax.unroll import unroll, unroll_last


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
        self.cell = nnx.data(jax.tree.map(nnx.Param, params))

    @property
    def params(self) -> Params:
        """The parameters as the layer takes them."""
        return jax.tree.map(
            lambda param: param[...], self.cell, is_leaf=lambda x: isinstance(x, nnx.Variable)
        )


class RNN(_Holder):
    """Runs a layer over a batch of sequences; each array of its parameters is an `nnx.Param`.

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


def _swap(arrays: Any) -> Any:
    """Time first from batch first, and back."""
    return jax.tree.map(lambda a: a.swapaxes(0, 1), arrays)
