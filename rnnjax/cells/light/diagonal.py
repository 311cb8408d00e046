"""What the cells have in common whose every unit sees of the state only what is its own."""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from rnnjax.gated_cell import GatedCell
from rnnjax.noise import Noise


class DiagonalParams(NamedTuple):
    """Parameters of G gates, fused: ``w_x [D, G H]``, ``u [G H]``, ``b [G H]`` (None where absent).

    `u` holds the diagonals of what would be the matrices of the state.
    """

    w_x: jax.Array
    u: jax.Array
    b: jax.Array | None = None


@dataclasses.dataclass(frozen=True)
class DiagonalCell(GatedCell):
    r"""A cell whose gates are sums of a product of the input and a multiple of the own state.

    .. math:: a_t = x_t W_x + b + u \odot h_{t-1}
    """

    def draw_diagonals(self, key: jax.Array, least: float, largest: float) -> DiagonalParams:
        """The parameters, with `u` uniform between two numbers."""
        keys = jax.random.split(key)
        w_x, _, b = GatedCell.init(self, keys[0])
        u = jax.random.uniform(keys[1], w_x.shape[1:], w_x.dtype, minval=least, maxval=largest)
        return DiagonalParams(w_x, u, b)

    def init(self, key: jax.Array) -> DiagonalParams:
        return self.draw_diagonals(key, -1.0, 1.0)

    def sums(self, params: Any, h: jax.Array, z: jax.Array, noise: Noise) -> jax.Array:
        """The gates before their activations, ``[..., G H]``, of a state ``h [..., H]``."""
        return z + scaled(noise.on_state(h), params.u)


def scaled(h: jax.Array, u: jax.Array) -> jax.Array:
    """A state ``h [..., H]`` times each of the fused diagonals ``u [G H]``: ``[..., G H]``."""
    h = h.astype(u.dtype)
    tiled = jnp.concatenate([h] * (u.shape[-1] // h.shape[-1]), axis=-1)
    return tiled * jnp.broadcast_to(u, tiled.shape)
