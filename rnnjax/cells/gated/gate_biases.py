"""Gates with biases beside a candidate that has none."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from rnnjax.cell import affine


def affine_in_front(x: jax.Array, w: jax.Array, b: jax.Array | None) -> jax.Array:
    """``x @ w``, plus biases of the first of its columns; the others have none.

    Args:
        x: ``[..., D]``.
        w: ``[D, K]``.
        b: ``[L]``, at most K; None for no biases at all.
    """
    return affine(x, w, None if b is None else jnp.pad(b, (0, w.shape[-1] - b.shape[-1])))
