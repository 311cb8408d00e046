"""A random key for each row of a batch."""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp

from rnnjax.checks import described, is_array


def row_keys(owner: str, key: Any, num_rows: Any) -> jax.Array:
    """A key for each row, which depends on the row's number but not on how many there are.

    Args:
        owner: who asks, for a message.
        key: one key, typed or uint32 ``[2]``, or those of the rows, ``[B]`` or ``[B, 2]``.
        num_rows: B.

    Returns:
        Typed keys ``[B]``.

    Raises:
        ValueError: it is no key, or there are more or fewer than rows.
    """
    is_typed = isinstance(key, jax.Array) and jnp.issubdtype(key.dtype, jax.dtypes.prng_key)
    if not is_typed and is_array(key) and jnp.result_type(key) == jnp.uint32 and jnp.ndim(key):
        key, is_typed = jax.random.wrap_key_data(jnp.asarray(key)), True
    if not is_typed or key.shape not in ((), (num_rows,)):
        given = f"keys of shape {key.shape}" if is_typed else described(key)
        raise ValueError(
            f"{owner}: key must be one random key, such as jax.random.key(0), or one for each of "
            f"the {num_rows} rows, but got {given}."
        )
    return _fold_rows(key, num_rows) if key.shape == () else key


@functools.partial(jax.jit, static_argnums=1)
def _fold_rows(key: jax.Array, num_rows: Any) -> jax.Array:
    return jax.vmap(jax.random.fold_in, (None, 0))(key, jnp.arange(num_rows))
