"""How the steps of a run are taken: one function each, with the same values and gradients."""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from rnnjax.unrolling.chunked import Recurrence, over_chunks, recur
from rnnjax.unrolling.leaves import is_half
from rnnjax.unrolling.placement import is_placed, placed_as_left, varying_alike

Execute = Callable[[Recurrence, Any, Any, Any, Any], tuple[Any, Any]]
"""``execute(recurrence, constants, carry, xs, flags)``, as `recur`."""


def _scan(
    recurrence: Recurrence, constants: Any, carry: Any, xs: Any, flags: Any
) -> tuple[Any, Any]:
    """The plain executor, for every kind of derivative: `jax.lax.scan` over the steps."""
    dtypes = jax.tree.map(lambda c: c.dtype, constants)
    # A gradient is summed over the steps in the type of what the loop reads: at least float32.
    wide = jax.tree.map(lambda c: c.astype(jnp.float32) if is_half(c.dtype) else c, constants)

    def narrow() -> Any:
        return jax.tree.map(lambda c, dtype: c.astype(dtype), wide, dtypes)

    def step(carry: Any, inputs: Any) -> Any:
        return recurrence.step(narrow(), carry, inputs)

    inputs = recurrence.project(narrow(), xs, flags)
    return lax.scan(step, carry, inputs, reverse=recurrence.reverse)


def _recur(
    recurrence: Recurrence, constants: Any, carry: Any, xs: Any, flags: Any
) -> tuple[Any, Any]:
    """The fast executor: chunks of steps, and a backward pass of its own."""
    if not isinstance(jax.tree.leaves(xs)[0].shape[0], int):
        # A symbol of `jax.export`: how many chunks there are has to be a number.
        return _scan(recurrence, constants, carry, xs, flags)
    if recurrence.plan(constants, carry, xs, flags).program.has_effects:
        # A derivative of our own would not know what to do with them.
        return _scan(recurrence, constants, carry, xs, flags)
    return recur(recurrence, constants, carry, xs, flags)


EXECUTORS: MappingProxyType[str, Execute] = MappingProxyType({"scan": _scan, "chunked": _recur})
"""How the steps are taken; the same values and gradients up to rounding."""


def execute(
    name: str,
    remat_chunk: int | None,
    recurrence: Recurrence,
    constants: Any,
    carry: Any,
    xs: Any,
    flags: Any,
) -> tuple[Any, Any]:
    """Steps through a sequence.

    Args:
        name: of an executor.
        remat_chunk: run so many steps at a time, of which the backward pass keeps nothing but the
            carry before them.
        recurrence: as in `recur`, and so are the others.
        constants: as there.
        carry: as there.
        xs: as there.
        flags: as there.
    """
    constants, carry, xs, flags = varying_alike((constants, carry, xs, flags))
    if is_placed((constants, carry, xs)):

        def first_step(carry: Any) -> Any:
            inputs = recurrence.first_inputs(constants, xs, flags)
            return recurrence.step(constants, carry, inputs)[0]

        carry = placed_as_left(first_step, carry)
    if remat_chunk is None or remat_chunk >= len(jax.tree.leaves(xs)[0]):
        return EXECUTORS[name](recurrence, constants, carry, xs, flags)

    @jax.checkpoint
    def take_chunk(carry: Any, chunk_of: Any) -> Any:
        return EXECUTORS[name](recurrence, constants, carry, *chunk_of)

    return over_chunks(take_chunk, carry, (xs, flags), remat_chunk, recurrence.reverse)
