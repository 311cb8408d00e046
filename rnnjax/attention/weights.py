"""Where a cell has looked."""

from __future__ import annotations

from typing import Any

import jax
from jax import lax

from rnnjax.attention.reader import Reader, ReaderCarry, ReaderParams
from rnnjax.cell import Memory


def attention_weights(
    cell: Reader, params: ReaderParams, xs: jax.Array, memory: Memory, carry: ReaderCarry | None
) -> tuple[ReaderCarry, jax.Array, jax.Array]:
    """Runs a cell as `rnnjax.unroll` does, and gives the weights of every step too.

    Args:
        cell: one that reads a memory.
        params: its parameters.
        xs: the inputs ``[T, ..., D]``.
        memory: what is read.
        carry: the state before the first step; None for its `first_carry`.

    Returns:
        The final carry, the outputs ``[T, ..., O]``, and the weights ``[T, ..., S]``.
    """
    if carry is None:
        carry = cell.first_carry(params, xs.shape[1:-1], xs.dtype, memory=memory)
    remembered = cell.remember(params, memory)

    def step(carry: ReaderCarry, z: Any) -> Any:
        carry, y, weights = cell.step_and_weights(params, carry, z, remembered)
        return carry, (y, weights)

    carry, (ys, weights) = lax.scan(step, carry, cell.project(params, xs))
    return carry, ys, weights
