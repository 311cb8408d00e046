"""Activation functions by name, so that cells compare by value and print themselves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import MappingProxyType

import jax
import jax.numpy as jnp


def _gelu(x: jax.Array) -> jax.Array:
    return jax.nn.gelu(x, approximate=False)


def _keras2_hard_sigmoid(x: jax.Array) -> jax.Array:
    return jnp.clip(x * 0.2 + 0.5, 0, 1)


def _linear(x: jax.Array) -> jax.Array:
    return x


ACTIVATIONS: MappingProxyType[str, Callable[[jax.Array], jax.Array]] = MappingProxyType(
    {
        "elu": jax.nn.elu,
        "gelu": _gelu,
        "hard_sigmoid": jax.nn.hard_sigmoid,
        "hard_tanh": jax.nn.hard_tanh,
        "keras2_hard_sigmoid": _keras2_hard_sigmoid,
        "leaky_relu": jax.nn.leaky_relu,
        "linear": _linear,
        "relu": jax.nn.relu,
        "selu": jax.nn.selu,
        "sigmoid": jax.nn.sigmoid,
        "silu": jax.nn.silu,
        "softplus": jax.nn.softplus,
        "softsign": jax.nn.soft_sign,
        "tanh": jnp.tanh,
    }
)
"""Every named activation. `gelu` is the exact one and `hard_sigmoid` is relu6(x + 3) / 6, as in
Keras 3 and PyTorch; `keras2_hard_sigmoid` is what Keras 2 had under that name: 0.2 x + 0.5,
between 0 and 1."""


def gates(x: jax.Array, names: Sequence[str]) -> list[jax.Array]:
    """Splits the last axis into equal parts, and applies the named activation to each.

    Args:
        x: ``[..., G*H]``.
        names: G names in `ACTIVATIONS`.

    Returns:
        G arrays ``[..., H]``.
    """
    parts = jnp.split(x, len(names), axis=-1)
    return [_gate(name, part) for name, part in zip(names, parts, strict=True)]


def _gate(name: str, x: jax.Array) -> jax.Array:
    if name == "sigmoid" and x.dtype == jnp.float16:
        # As 1 / (1 + exp(-x)) a closed gate would be zero, because exp(12) is infinite there.
        return jax.nn.sigmoid(x.astype(jnp.float32)).astype(x.dtype)
    return ACTIVATIONS[name](x)


def positive(x: jax.Array) -> jax.Array:
    """x + ½ from 0 on, σ(x) below: smooth, and more than 0; g of the minimal cells."""
    return jnp.where(x >= 0, x + 0.5, jax.nn.sigmoid(jnp.minimum(x, 0)))
