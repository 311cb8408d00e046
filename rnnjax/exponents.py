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
    # Not `jnp.maximum`, whose derivative divides by numbers that a backward pass may make zeros.
    largest = jnp.where((counted != 0) & (kept > gained), kept, gained)
    excess = kept - largest
    return largest, jnp.exp(jnp.where(excess < 0, excess, 0)), jnp.exp(gained - largest)


def mean(total: jax.Array, counted: jax.Array) -> jax.Array:
    """A sum over the sum of its weights, which is never 0.

    But in the backward pass of rows that reach nothing, whatever was kept is 0: hence the choice.
    """
    return total / jnp.where(counted == 0, 1, counted)
