"""Matrices whose eigenvalues a step of a differential equation wants near the imaginary axis."""

from __future__ import annotations

import jax
import jax.numpy as jnp


def tilted(m: jax.Array, beta: float, gamma: float) -> jax.Array:
    r"""A matrix between its antisymmetric part and its symmetric part, moved to the left.

    .. math:: S = \beta (M - M^\top) + (1 - \beta) (M + M^\top) - \gamma I

    Args:
        m: M ``[H, H]``.
        beta: β; at 1 the real parts of all eigenvalues are -γ.
        gamma: γ.

    >>> tilted(jnp.array([[5.0, 3.0], [1.0, 7.0]]), 1.0, 0.5).tolist()
    [[-0.5, 2.0], [-2.0, -0.5]]
    """
    across = jnp.matrix_transpose(m)
    moved = gamma * jnp.eye(m.shape[-1], dtype=m.dtype)
    return beta * (m - across) + (1 - beta) * (m + across) - moved
