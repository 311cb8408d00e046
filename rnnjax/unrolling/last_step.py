"""The last of the steps that a run takes, each row its own."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from rnnjax.cell import Options
from rnnjax.unrolling.chunked import where_rows


def last_step(xs: jax.Array, options: Options) -> jax.Array:
    """Of arrays ``[T, ..., D]`` that of the last step, ``[..., D]``; zero for a row without any."""
    if options.mask is None:
        return xs[0 if options.reverse else -1]
    mask = options.mask if options.reverse else options.mask[::-1]
    xs = xs if options.reverse else xs[::-1]
    is_last = mask & (jnp.cumsum(mask, axis=0) == 1)
    return where_rows(is_last, xs, jnp.zeros((), xs.dtype)).sum(axis=0)
