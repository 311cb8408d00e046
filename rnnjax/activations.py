"""Activation functions by name, so that cells compare by value and print themselves."""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType

import jax
import jax.numpy as jnp


def _gelu(x: jax.Array) -> jax.Array:
    return jax.nn.gelu(x, approximate=False)


def _linear(x: jax.Array) -> jax.Array:
    return x


ACTIVATIONS: MappingProxyType[str, Callable[[jax.Array], jax.Array]] = MappingProxyType(
    {
        "elu": jax.nn.elu,
        "gelu": _gelu,
        "hard_sigmoid": jax.nn.hard_sigmoid,
        "hard_tanh": jax.nn.hard_tanh,
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
Keras 3 and PyTorch."""
