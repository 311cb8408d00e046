"""Sums of exponentials that are kept over e to the largest of them, so that none overflows."""

from __future__ import annotations

import jax
import jax.numpy as jnp


def over_largest(
    kept: jax.Array, gained: jax.Array, counted: jax.Array
) -> tuple[jax.Array, jax.Array, jax.Array]:
    """The larger of two exponents, and both exponentials over e to it.

    Where nothing is counted yet, the larger one is what is gained: whatever was kept of nothing
    must not make it vanish.

    Args:
        kept: the exponent of what there is.
        gained: the exponent of what comes.
        counted: the sum of all exponentials so far, over e to their largest; 0 for none.
    """
    largest = jnp.where(counted == 0, gained, jnp.maximum(kept, gained))
    return largest, jnp.exp(jnp.minimum(kept - largest, 0)), jnp.exp(gained - largest)
