"""What a classifier says while a sequence grows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np


def by_beginning(
    logits: Callable[[Any, jax.Array, jax.Array], jax.Array], params: Any, sequence: np.ndarray
) -> np.ndarray:
    r"""The probabilities of the classes after each step, as if the sequence ended there.

    .. math:: p_t = \mathrm{softmax}(\mathrm{logits}(x_1, …, x_t))

    Right for layers that read both ways, too, because each beginning is read by itself.

    Args:
        logits: ``logits(params, xs [B, T, D], mask [B, T]) -> [B, C]``.
        params: its parameters.
        sequence: ``[T, D]``.

    Returns:
        ``[T, C]``.
    """
    steps = len(sequence)
    beginnings = jnp.broadcast_to(jnp.asarray(sequence), (steps, *sequence.shape))
    return np.asarray(jax.nn.softmax(logits(params, beginnings, jnp.tri(steps, dtype=bool))))
