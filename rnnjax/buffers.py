"""Arrays with a buffer of their own, so that each of them may be donated."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax.core import Tracer


def own(array: Any) -> jax.Array:
    """An equal array that shares no memory with the given one; within a program the same one."""
    if isinstance(array, Tracer):
        # XLA itself gives each result of a program a buffer of its own.
        return array
    return _copy(array)


_copy = jax.jit(jnp.copy)
"""Compiled, it is dispatched in a fraction of the time."""


def apart(results: Any, *given: Any) -> Any:
    """The results of a computation without those that are one array twice, or were given to it.

    Run outside of a program, an operation that has nothing to do gives back the array that it was
    given. Whoever then donates one of the two has deleted both.
    """
    seen = {id(array) for array in jax.tree.leaves(given)}

    def once(array: Any) -> Any:
        if not isinstance(array, jax.Array) or isinstance(array, Tracer):
            return array
        if id(array) in seen:
            return own(array)
        seen.add(id(array))
        return array

    return jax.tree.map(once, results)
