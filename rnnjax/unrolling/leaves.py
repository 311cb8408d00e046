"""Flat lists of arrays, of which some have a derivative and others don't."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np


def differentiable(arrays: Sequence[Any]) -> list[int]:
    """Which of these have a derivative: those of real or complex numbers."""
    return [i for i, a in enumerate(arrays) if jnp.issubdtype(a.dtype, jnp.inexact)]


def chosen(values: Sequence[Any], places: Sequence[int]) -> list[Any]:
    """The values at these places."""
    return [values[i] for i in places]


def replaced(values: Sequence[Any], places: Sequence[int], others: Sequence[Any]) -> list[Any]:
    """The values, with others at these places."""
    result = list(values)
    for i, other in zip(places, others, strict=True):
        result[i] = other
    return result


def cotangents(arrays: Sequence[Any], places: Sequence[int], given: Sequence[Any]) -> list[Any]:
    """Cotangents of all arrays: those given at these places, cast, and JAX's zeros elsewhere."""
    zeros = [np.zeros(jnp.shape(a), jax.dtypes.float0) for a in arrays]
    cast = [ct.astype(arrays[i].dtype) for i, ct in zip(places, given, strict=True)]
    return replaced(zeros, places, cast)


def accumulators(arrays: Sequence[jax.Array]) -> list[jax.Array]:
    """Zeros to add gradients to: in float32 for arrays of half precision."""
    return [jnp.zeros_like(a, dtype=summing_dtype(a.dtype)) for a in arrays]


def summing_dtype(dtype: Any) -> Any:
    """What sums of this type are formed in: at least float32, and complex if it is.

    >>> summing_dtype(jnp.bfloat16), summing_dtype(jnp.complex64)
    (dtype('float32'), dtype('complex64'))
    """
    return jnp.promote_types(dtype, jnp.float32)


def is_half(dtype: Any) -> bool:
    """Whether this is a real type of less precision than float32."""
    return jnp.issubdtype(dtype, jnp.floating) and jnp.finfo(dtype).bits < 32
