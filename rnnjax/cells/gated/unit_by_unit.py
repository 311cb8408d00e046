"""What a unit reads of the state where it reads no other unit."""

from __future__ import annotations

import jax
import jax.numpy as jnp


def times(h: jax.Array, w: jax.Array) -> jax.Array:
    """A state ``[..., H]`` times weights ``[G H]`` of G gates, in the float type of these."""
    each = jnp.concatenate([h] * (w.shape[-1] // h.shape[-1]), axis=-1).astype(w.dtype)
    return each * jnp.broadcast_to(w, each.shape)
