"""Inputs whose last feature is a time."""

from __future__ import annotations

import jax
import jax.numpy as jnp


def features_and_time(x: jax.Array) -> tuple[jax.Array, jax.Array]:
    """``[..., D]`` as ``[..., D - 1]`` features and the time ``[..., 1]``, float32 at least."""
    time = x[..., -1:]
    return x[..., :-1], time.astype(jnp.result_type(time, jnp.float32))
