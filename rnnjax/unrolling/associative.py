"""Steps of a `rnnjax.linear_cell.LinearCell` taken in parallel: the executor "associative".

The time axis is cut into chunks, whose states follow from each other. Within a chunk the
coefficients of all steps are made at once, the steps composed, and all outputs read out at once.
The backward pass makes a chunk's coefficients again, so that they are never there for all steps.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from rnnjax.linear_cell import LinearCell
from rnnjax.noise import as_factors
from rnnjax.unrolling.chunked import over_chunks, where_rows
from rnnjax.unrolling.linear_scan import linear_scan

CHUNK = 128
"""Steps that are composed at a time."""

Project = Callable[[Any, Any, Any], Any]


def linear_steps(
    cell: LinearCell, project: Project, settings: Any, constants: Any, state: Any, xs: Any,
    flags: Any,
) -> tuple[Any, Any]:  # fmt: skip
    """Takes all steps, as an executor does.

    Args:
        cell: whose steps they are.
        project: as of `rnnjax.unrolling.chunked.Recurrence`.
        settings: of the run.
        constants: parameters, and what a reset replaces the carry by.
        state: the carry, and the last output if that is what is kept.
        xs: ``[T, ...]``.
        flags: beside them.
    """

    def take(state: Any, piece: Any) -> tuple[Any, Any]:
        return _chunk(cell, project, settings, constants, state, *piece)

    length = min(settings.remat_chunk or CHUNK, len(jax.tree.leaves(xs)[0]))
    return over_chunks(jax.checkpoint(take), state, (xs, flags), length, settings.reverse)


def _chunk(
    cell: LinearCell, project: Project, settings: Any, constants: Any, state: Any, xs: Any,
    flags: Any,
) -> tuple[Any, Any]:  # fmt: skip
    params, first, *_ = constants
    carry, last = state
    z, valid, resets, update, _ = project(constants, xs, flags)
    given = jax.tree.leaves(z)[0]
    wide = jnp.promote_types(jax.tree.leaves(carry)[0].dtype, given.dtype)
    z = jax.tree.map(lambda own: own.astype(wide), z)
    recurrence = cell.coefficients(params, z)
    if update is not None:
        recurrence = recurrence.with_update(as_factors(update, settings.update_rate, wide))
    # Of every step a factor of its own: in a composition they differ from time to time.
    added = recurrence.added
    shape = added[0].shape if valid is not None else (len(added[0]), *[1] * (added[0].ndim - 1))
    factors = tuple(_in_time(own, added[0].ndim, shape) for own in recurrence.factors)
    if valid is not None:
        factors = where_rows(valid, factors, recurrence.identity(factors))
        added = where_rows(valid, added, jax.tree.map(jnp.zeros_like, added))
    recurrence = recurrence.replaced(factors, added)
    begin = tuple(own.astype(wide) for own in carry)
    reset_to = None if first is None else tuple(own.astype(wide) for own in first)
    if resets is not None:
        resets = jnp.broadcast_to(resets, added[0].shape[: resets.ndim])
    states = linear_scan(recurrence, begin, reset_to, resets, settings.reverse)
    ys = cell.readout(params, states, z).astype(given.dtype)
    if valid is not None:
        ys = where_rows(valid, ys, jnp.zeros_like(ys))
    carries = cell.carry_type(
        *(new.astype(own.dtype) for new, own in zip(states, carry, strict=True))
    )
    place = 0 if settings.reverse else -1
    after = jax.tree.map(lambda own: own[place], carries)
    if settings.keep == "last":
        return (after, _last_of(ys, valid, last, settings.reverse)), None
    return (after, None), (carries, ys) if settings.keep == "carries" else ys


def _in_time(own: jax.Array, ndim: int, shape: tuple[int, ...]) -> jax.Array:
    """A factor ``[..., N]`` with the time axis and as many others as b has."""
    own = own.reshape((1,) * (ndim - own.ndim) + own.shape)
    return jnp.broadcast_to(own, jnp.broadcast_shapes(own.shape, (*shape[:-1], own.shape[-1])))


def _last_of(ys: jax.Array, valid: jax.Array | None, before: jax.Array, reverse: bool) -> jax.Array:
    """The output ``[..., O]`` of the last step that the mask lets through; the one before it."""
    if valid is None:
        return ys[0 if reverse else -1]
    flags = valid.reshape(valid.shape + (1,) * (ys.ndim - valid.ndim))
    number = lax.broadcasted_iota(jnp.int32, flags.shape, 0)
    none = len(ys) if reverse else -1
    number = jnp.where(flags, number, none)
    place = number.min(axis=0) if reverse else number.max(axis=0)
    found = jnp.take_along_axis(
        ys, jnp.broadcast_to(jnp.clip(place, 0, len(ys) - 1)[None], (1, *ys.shape[1:])), axis=0
    )[0]
    return jnp.where(jnp.broadcast_to(place != none, before.shape), found, before)
