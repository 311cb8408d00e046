"""A layer as a flax.linen module."""

from __future__ import annotations

from typing import Any

import jax
from flax import linen as nn

from rnnjax.cell import Carry, Layer
from rnnjax.unroll import unroll, unroll_last


class RNN(nn.Module):
    """Runs a layer over a batch of sequences; its parameters are one linen parameter, "cell".

    With ``training=True`` dropout in the layer draws from the stream "dropout".

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
        resets: jax.Array | None = None,
        reverse: bool = False,
        training: bool = False,
    ) -> tuple[Carry, jax.Array]:
        """Inputs ``[B, T, D]``, mask ``[B, T]``: the final carry and the outputs ``[B, T, O]``."""
        params = self.param("cell", self.layer.init)
        xs, mask, resets = _time_first(xs, mask, resets)
        key = self.make_rng("dropout") if training else None
        carry, ys = unroll(
            self.layer, params, xs, carry, mask=mask, resets=resets, reverse=reverse, key=key
        )
        return carry, jax.tree.map(lambda a: a.swapaxes(0, 1), ys)


class LastOutput(nn.Module):
    """Runs a layer over a batch of sequences and gives the last output only.

    With ``training=True`` dropout in the layer draws from the stream "dropout".

    Attributes:
        layer: a cell, or a combination of cells.
    """

    layer: Layer

    @nn.compact
    def __call__(
        self, xs: jax.Array, *, mask: jax.Array | None = None, training: bool = False
    ) -> jax.Array:
        """Inputs ``[B, T, D]``, mask ``[B, T]``: the output ``[B, O]`` of each row's last step."""
        params = self.param("cell", self.layer.init)
        xs, mask = _time_first(xs, mask)
        key = self.make_rng("dropout") if training else None
        return unroll_last(self.layer, params, xs, mask=mask, key=key)[1]


def _time_first(*arrays: Any) -> Any:
    return jax.tree.map(lambda a: a.swapaxes(0, 1), arrays)
