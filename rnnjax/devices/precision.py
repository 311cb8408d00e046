"""The type of number that a model computes with."""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType
from typing import Any

import jax
import jax.numpy as jnp

PRECISIONS = MappingProxyType({"bf16": "bfloat16", "f32": "float32", "f64": "float64"})
"""Types of numbers by their short names."""


def computing_in(precision: str, apply: Callable[..., Any]) -> Callable[..., Any]:
    """A model that computes in a type of its own, whatever type its parameters are kept in.

    Parameters and inputs are cast on the way in, so gradients have the type of the parameters.
    Other arguments, such as a recurrent state, keep their type; outputs are at least float32, so
    that a loss is.

    Args:
        precision: one of `PRECISIONS`.
        apply: ``apply(params, inputs, *others, **options)``.
    """
    dtype = jnp.dtype(PRECISIONS[precision])

    def cast(params: Any, inputs: Any, *others: Any, **options: Any) -> Any:
        outputs = apply(_cast(params, dtype), _cast(inputs, dtype), *others, **options)
        return _cast(outputs, jnp.promote_types(dtype, jnp.float32))

    return cast


def kept_in(precision: str, params: Any) -> Any:
    """Parameters as they are kept: in float32, or wider if the model computes in a wider type."""
    return _cast(params, jnp.promote_types(PRECISIONS[precision], jnp.float32))


def _cast(tree: Any, dtype: Any) -> Any:
    def cast(a: Any) -> Any:
        return a.astype(dtype) if jnp.issubdtype(a.dtype, jnp.floating) else a

    return jax.tree.map(cast, tree)
