"""A layer as a flax.linen module."""

from __future__ import annotations

import jax
from flax import linen as nn

from rnnjax.cell import Carry, Layer
from rnnjax.unroll import unroll, unroll_last


class RNN(nn.Module):
    """Runs a layer over a batch of sequences; its parameters are one linen parameter, "cell".

    Attributes:
        layer: a cell, or a combination of cells.
    """

    layer: Layer

    @nn.compact
    def __call__(
        self,
        xs: jax.Array,
        carry: Carry | None = None,
        *,
        mask: jax.Array | None = None,
        reverse: bool = False,
    ) -> tuple[Carry, jax.Array]:
        """Inputs ``[B, T, D]``, mask ``[B, T]``: the final carry and the outputs ``[B, T, O]``."""
        params = self.param("cell", self.layer.init)
        xs, mask = _time_first(xs, mask)
        carry, ys = unroll(self.layer, params, xs, carry, mask=mask, reverse=reverse)
        return carry, jax.tree.map(lambda a: a.swapaxes(0, 1), ys)


class LastOutput(nn.Module):
    """Runs a layer over a batch of sequences and gives the last output only.

    Attributes:
        layer: a cell, or a combination of cells.
    """

    layer: Layer

    @nn.compact
    def __call__(self, xs: jax.Array, *, mask: jax.Array | None = None) -> jax.Array:
        """Inputs ``[B, T, D]``, mask ``[B, T]``: the output ``[B, O]`` of each row's last step."""
        params = self.param("cell", self.layer.init)
        xs, mask = _time_first(xs, mask)
        return unroll_last(self.layer, params, xs, mask=mask)[1]


def _time_first(xs: jax.Array, mask: jax.Array | None) -> tuple[jax.Array, jax.Array | None]:
    return xs.swapaxes(0, 1), None if mask is None else mask.swapaxes(0, 1)
