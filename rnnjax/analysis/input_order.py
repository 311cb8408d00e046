"""The same inputs in another order, and one by one: where a memory has to work harder.

Source: Q. Le, N. Jaitly, G. Hinton, "A simple way to initialize recurrent networks of rectified
linear units", arXiv:1504.00941, section 4.2 (MNIST pixel by pixel, and permuted).
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

ORDERS = ("rows", "rows_permuted", "pixels", "pixels_permuted")
"""Rows as they come; in a fixed random order; one feature at each step; these in such an order."""


def in_order(xs: jax.Array, order: str, seed: int = 0) -> jax.Array:
    """Puts the steps of sequences into another order, the same for all of them.

    Args:
        xs: ``[B, T, D]``.
        order: one of `ORDERS`.
        seed: of the random order.

    Returns:
        ``[B, T, D]``, or for pixels ``[B, T * D, 1]``.

    Raises:
        ValueError: the order is unknown.

    >>> xs = jnp.arange(6).reshape(1, 3, 2)
    >>> in_order(xs, "pixels")[0, :, 0].tolist()
    [0, 1, 2, 3, 4, 5]
    >>> in_order(xs, "rows_permuted")[0].tolist()
    [[4, 5], [0, 1], [2, 3]]
    """
    if order not in ORDERS:
        raise ValueError(f"Unknown order {order!r}; expected one of: {', '.join(ORDERS)}.")
    if order.startswith("pixels"):
        xs = xs.reshape(len(xs), -1, 1)
    if order.endswith("permuted"):
        steps = np.random.default_rng(seed).permutation(xs.shape[1])
        xs = jnp.take(xs, steps, axis=1)
    return xs
