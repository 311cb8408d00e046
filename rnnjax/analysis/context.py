"""How the loss of a language model falls with what it is shown of the text before."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax


class ContextLosses(NamedTuple):
    """Losses by how many symbols were shown."""

    losses: np.ndarray
    """Mean loss in nats after 1, 2, … symbols, ``[K]``."""
    places: np.ndarray
    """Where in the stream each of the symbols stands that were to be guessed, ``[R, K]``."""


def loss_by_context(
    losses: Callable[[Any, jax.Array, jax.Array], jax.Array],
    params: Any,
    stream: np.ndarray,
    *,
    longest: int,
    passages: int = 10,
    rows_each: int = 200,
) -> ContextLosses:
    """Reads passages of a stream from every symbol on, from the initial state each time.

    So every symbol of a passage is guessed after one symbol, after two, and so on: the losses by
    length of context are of nearly the same symbols, and their difference is that of the context.

    Args:
        losses: ``losses(params, inputs, targets)``, of rows ``[R, K]``, from the initial state.
        params: its parameters.
        stream: int ``[N]``.
        longest: K, symbols of the longest context.
        passages: spread evenly over the stream.
        rows_each: of these so many symbols are where a row begins.

    Raises:
        ValueError: the stream is shorter than a passage.

    >>> def looked_back(params, inputs, targets):  # says how much it has seen
    ...     return jnp.cumsum(jnp.ones(inputs.shape), axis=1)
    >>> found = loss_by_context(looked_back, (), np.arange(300), longest=3, passages=2)
    >>> found.losses.tolist(), found.places[0].tolist()
    ([1.0, 2.0, 3.0], [1, 2, 3])
    """
    last = len(stream) - rows_each - longest
    if last < 0:
        raise ValueError(
            f"A passage takes {rows_each + longest} symbols, but the stream has {len(stream)}."
        )
    begins = np.linspace(0, last, passages).astype(int)
    rows = (begins[:, None] + np.arange(rows_each))[..., None]
    places = rows + 1 + np.arange(longest)

    @jax.jit
    def read(params: Any, inputs: jax.Array, targets: jax.Array) -> jax.Array:
        # A passage at a time, because their logits may be large.
        return lax.map(lambda passage: losses(params, *passage), (inputs, targets))

    found = read(params, jnp.asarray(stream[places - 1]), jnp.asarray(stream[places]))
    mean = np.asarray(found, np.float64).mean(axis=(0, 1))
    return ContextLosses(mean, places.reshape(-1, longest))
