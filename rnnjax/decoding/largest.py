"""The largest of many numbers."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import lax

WIDTH = 32
"""Numbers of a block."""

SHARE = 16
"""Blocks are looked at first if there are so many times as many numbers as in those taken."""


def largest(values: jax.Array, num: int) -> tuple[jax.Array, jax.Array]:
    """What `jax.lax.top_k` gives, of equal numbers the first too, without sorting them all.

    The largest lie in the blocks whose maxima are largest: each number that lay elsewhere would
    have one before it in every one of these.

    Args:
        values: ``[..., V]``.
        num: N, how many, at most V.

    Returns:
        The numbers and their places, ``[..., N]``.

    >>> values = jnp.arange(2000) % 700
    >>> largest(values, 3)
    (Array([699, 699, 698], dtype=int32), Array([ 699, 1399,  698], dtype=int32))
    """
    size, axes = values.shape[-1], values.ndim - 1
    if size < SHARE * WIDTH * num:
        return lax.top_k(values, num)
    window, last = (1,) * axes + (WIDTH,), -size % WIDTH
    maxima = lax.reduce_window(
        values, _least(values), lax.max, window, window, ((0, 0),) * axes + ((0, last),)
    )
    # In their order, so that of equal numbers the first comes first.
    blocks = jnp.sort(lax.top_k(maxima, num)[1], axis=-1)
    places = jnp.repeat(blocks * WIDTH, WIDTH, axis=-1)
    places += jnp.broadcast_to(jnp.tile(jnp.arange(WIDTH), num), places.shape)
    among = jnp.take_along_axis(values, jnp.minimum(places, size - 1), axis=-1)
    found, index = lax.top_k(jnp.where(places < size, among, _least(values)), num)
    return found, jnp.take_along_axis(places, index, axis=-1)


def _least(values: jax.Array) -> jax.Array:
    """The number of this type that none is below."""
    is_float = jnp.issubdtype(values.dtype, jnp.floating)
    return jnp.array(-jnp.inf if is_float else jnp.iinfo(values.dtype).min, values.dtype)
