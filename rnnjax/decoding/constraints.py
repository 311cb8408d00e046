"""Which tokens may stand where."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jax.tree_util import Partial

from rnnjax.checks import described
from rnnjax.decoding.step_functions import is_boolean

Constraint = Callable[[jax.Array, jax.Array], jax.Array]
"""``constrain(position, logits [B, V]) -> logits [B, V]``.

The position counts the tokens written before this one, as an int32 scalar. What it gives decides
which token is taken; the scores of the tokens stay those of the model. As with a step function, the
arrays bound to a `functools.partial` are arguments of the compiled program.
"""


def allow(allowed: Any) -> Constraint:
    """The constraint that lets through at each position only the tokens that are allowed there.

    Args:
        allowed: booleans ``[T, V]``, or ``[T, B, V]`` for rows that differ. The last position
            holds for all after it, so that ``[1, V]`` is for the whole text.

    Raises:
        ValueError: it is something else, or nothing is allowed somewhere.

    Lines of two letters, where token 0 ends a line:

    >>> position = jnp.arange(6)[:, None]
    >>> is_end = jnp.arange(4)[None] == 0
    >>> constrain = allow((position % 3 == 2) == is_end)
    >>> constrain(jnp.array(2), jnp.zeros((1, 4)))
    Array([[  0., -inf, -inf, -inf]], dtype=float32)
    """
    if not is_boolean(allowed) or jnp.ndim(allowed) not in (2, 3):
        raise ValueError(f"allow wants booleans [T, V] or [T, B, V], but got {described(allowed)}.")
    if not isinstance(allowed, Tracer):
        nothing = np.argwhere(~np.asarray(allowed).any(-1))
        if nothing.size:
            raise ValueError(
                f"allow: at position {nothing[0][0]} no token is allowed; allow at least one."
            )
        if not len(allowed):
            raise ValueError("allow wants at least one position, but got none.")
    return Partial(_allow, jnp.asarray(allowed))


def _allow(allowed: jax.Array, position: jax.Array, logits: jax.Array) -> jax.Array:
    here = allowed[jnp.minimum(position, len(allowed) - 1)]
    return jnp.where(jnp.broadcast_to(here, logits.shape), logits, -jnp.inf)
