"""Steps of a `rnnjax.linear_cell.LinearCell` taken in parallel: "associative" and "chunkwise".

The time axis is cut into chunks, whose states follow from each other. Within a chunk the
coefficients of all steps are made at once; then the steps are composed
(`rnnjax.unrolling.linear_scan`), or written as products of matrices
(`rnnjax.unrolling.chunkwise`), and all outputs read out at once. The backward pass makes a chunk's
coefficients again, so that they are never there for all steps.

A product with 0 keeps a NaN. So in a run with resets, inputs that are not finite are replaced by 0
before anything is computed, and what follows them in their segment is called NaN in the end: then
no gradient of what comes after a reset meets one.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import MappingProxyType
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from rnnjax.linear_cell import LinearCell
from rnnjax.matrix_cell import MatrixCell
from rnnjax.noise import as_factors
from rnnjax.recurrences import State
from rnnjax.unrolling.chunked import over_chunks, where_rows
from rnnjax.unrolling.chunkwise import matrix_scan
from rnnjax.unrolling.leaves import is_half
from rnnjax.unrolling.linear_scan import linear_scan

PARALLEL = ("associative", "chunkwise")
"""The executors of this file."""

CHUNKS: MappingProxyType[tuple[str, bool], int] = MappingProxyType(
    {
        ("associative", True): 128,
        ("associative", False): 128,
        ("chunkwise", True): 16,
        ("chunkwise", False): 64,
    }
)
"""Steps that are taken at a time, by the executor and whether by a CPU."""

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
    dtypes = jax.tree.map(lambda c: c.dtype, constants)
    # A gradient is summed over the chunks in the type of what the loop reads: at least float32.
    wide = jax.tree.map(lambda c: c.astype(jnp.float32) if is_half(c.dtype) else c, constants)

    def take(state: Any, piece: Any) -> tuple[Any, Any]:
        narrow = jax.tree.map(lambda c, dtype: c.astype(dtype), wide, dtypes)
        return _chunk(cell, project, settings, narrow, state, *piece)

    def take_all(state: Any, piece: Any) -> tuple[Any, Any]:
        own = min(chunk, len(jax.tree.leaves(piece)[0]))
        return over_chunks(jax.checkpoint(take), state, piece, own, settings.reverse)

    longer = settings.remat_chunk or len(xs)
    chunk = min(longer, CHUNKS[settings.executor, jax.default_backend() == "cpu"])
    if chunk < longer < len(xs):
        take_longer = jax.checkpoint(take_all)
        return over_chunks(take_longer, state, (xs, flags), longer, settings.reverse)
    return take_all(state, (xs, flags))


class _Steps(NamedTuple):
    """What the steps of a chunk read."""

    z: Any
    recurrence: Any
    mask: jax.Array | None
    resets: jax.Array | None


def _chunk(
    cell: LinearCell, project: Project, settings: Any, constants: Any, state: Any, xs: Any,
    flags: Any,
) -> tuple[Any, Any]:  # fmt: skip
    params, first, *_ = constants
    carry, last = state
    mask, resets, *_ = flags
    axes = xs.shape[:-1]
    spoilt = None
    begin = carry
    if resets is not None:
        resets = jnp.broadcast_to(resets, axes)
        bad = ~_finite(xs, len(axes))
        xs = where_rows(bad, jnp.zeros_like(xs), xs)
        z, *others = project(constants, xs, flags)
        bad = bad | functools.reduce(
            jnp.logical_or, [~_finite(own, len(axes)) for own in jax.tree.leaves(z)]
        )
        if mask is not None:
            bad = bad & jnp.broadcast_to(mask, axes)
        z = where_rows(bad, jax.tree.map(jnp.zeros_like, z), z)
        begun = ~functools.reduce(
            jnp.logical_and, [_finite(own, len(axes) - 1) for own in jax.tree.leaves(carry)]
        )
        begin = where_rows(begun, jax.tree.map(jnp.zeros_like, carry), carry)
        spoilt = _reached(bad, resets, begun, settings.reverse)
    else:
        z, *others = project(constants, xs, flags)
    _, _, update, zoneout = others
    dtype = jax.tree.leaves(z)[0].dtype
    wide = jnp.promote_types(jax.tree.leaves(carry)[0].dtype, dtype)
    z = jax.tree.map(lambda own: own.astype(wide), z)
    recurrence = cell.coefficients(params, z)
    if update is not None:
        recurrence = recurrence.with_update(as_factors(update, settings.update_rate, wide))
    begin, reset_to = (
        None if own is None else tuple(field.astype(wide) for field in own)
        for own in (begin, first)
    )
    steps = _Steps(z, recurrence, mask, resets)
    if settings.executor == "chunkwise":
        assert isinstance(cell, MatrixCell)
        ys, carries, after = _by_products(cell, params, steps, begin, reset_to, settings.reverse)
    else:
        kept = zoneout, dict(settings.zoneout_rates)
        ys, carries, after = _composed(
            cell, params, steps, begin, reset_to, kept, axes, settings.reverse
        )

    def as_carry(state: State | None) -> Any:
        if state is None:
            return None
        own = zip(state, carry, strict=True)
        return cell.carry_type(*(new.astype(old.dtype) for new, old in own))

    ys, after = ys.astype(dtype), as_carry(after)
    carries = as_carry(carries) if settings.keep == "carries" else None
    if spoilt is not None:
        ys, carries = _spoilt(spoilt, ys), _spoilt(spoilt, carries)
        after = _spoilt(spoilt[0 if settings.reverse else -1], after)
    if mask is not None:
        ys = where_rows(mask, ys, jnp.zeros_like(ys))
    if settings.keep == "last":
        return (after, _last_of(ys, mask, last, settings.reverse)), None
    return (after, None), (carries, ys) if settings.keep == "carries" else ys


def _composed(
    cell: LinearCell, params: Any, steps: _Steps, begin: Any, first: Any, kept: Any, axes: Any,
    reverse: bool,
) -> tuple[jax.Array, State, State]:  # fmt: skip
    """Outputs, states and the last state of steps that are composed."""
    recurrence = steps.recurrence
    if any(kept):
        recurrence = recurrence.held(*(own or {} for own in kept))
    added = recurrence.added
    # Of every step a factor of its own: in a composition they differ from time to time. One that
    # is the same for all steps has no axis of time yet, and stays the same for all rows.
    ndim = recurrence.factors_ndim(added)
    axes = axes if steps.mask is not None else (axes[0], *[1] * (len(axes) - 1))
    factors = tuple(_in_time(own, ndim, axes) for own in recurrence.factors)
    if steps.mask is not None:
        factors = where_rows(steps.mask, factors, recurrence.identity(factors))
        added = where_rows(steps.mask, added, jax.tree.map(jnp.zeros_like, added))
    recurrence = recurrence.replaced(factors, added)
    states = linear_scan(recurrence, begin, first, steps.resets, reverse)
    ys = cell.readout(params, states, steps.z)
    return ys, states, tuple(own[0 if reverse else -1] for own in states)


def _by_products(
    cell: MatrixCell, params: Any, steps: _Steps, begin: Any, first: Any, reverse: bool
) -> tuple[jax.Array, None, State]:
    """Outputs and the last state, by products of matrices."""
    outer, mask, resets = steps.recurrence, steps.mask, steps.resets
    if mask is not None:
        nothing = jax.tree.map(jnp.zeros_like, outer)
        if outer.log_i is not None:
            nothing = nothing._replace(log_i=jnp.full_like(outer.log_i, -jnp.inf))
        outer = where_rows(mask, outer, nothing)
    given = outer, cell.queries(params, steps.z), resets
    if reverse:
        given = jax.tree.map(lambda own: own[::-1], given)
    outer, q, resets = given
    found, m, after = matrix_scan(outer, q, begin, first, resets)
    if reverse:
        found, m = jax.tree.map(lambda own: own[::-1], (found, m))
    return cell.output(params, found, steps.z, *(() if m is None else (m,))), None, after


def _finite(own: jax.Array, num_axes: int) -> jax.Array:
    """Whether all of ``[..., features]`` is finite, for each entry of the first axes."""
    if not jnp.issubdtype(own.dtype, jnp.inexact):
        return jnp.ones(own.shape[:num_axes], bool)
    return jnp.isfinite(own).all(axis=tuple(range(num_axes, own.ndim)))


def _reached(bad: jax.Array, resets: jax.Array, begun: jax.Array, reverse: bool) -> jax.Array:
    """After which steps ``[T, ...]`` the state knows of what was bad in its segment."""
    number = jnp.arange(1, len(bad) + 1).reshape(-1, *[1] * (bad.ndim - 1))
    if reverse:
        bad, resets = bad[::-1], resets[::-1]
    last_bad, last_reset = (
        lax.cummax(jnp.where(flags, number, 0), axis=0) for flags in (bad, resets)
    )
    known = jnp.where(last_reset == 0, begun[None], False) | (
        last_bad >= jnp.maximum(1, last_reset)
    )
    return known[::-1] if reverse else known


def _spoilt(where: jax.Array, tree: Any) -> Any:
    return where_rows(where, jax.tree.map(lambda own: jnp.full_like(own, jnp.nan), tree), tree)


def _in_time(own: jax.Array, ndim: int, axes: tuple[int, ...]) -> jax.Array:
    """A factor with an axis of time, and as many others as it has where it differs by row."""
    own = own.reshape((1,) * (ndim - own.ndim) + own.shape)
    shape = axes + own.shape[len(axes) :]
    return jnp.broadcast_to(own, jnp.broadcast_shapes(own.shape, shape))


def _last_of(ys: jax.Array, mask: jax.Array | None, before: jax.Array, reverse: bool) -> jax.Array:
    """The output ``[..., O]`` of the last step that the mask lets through; the one before it."""
    if mask is None:
        return ys[0 if reverse else -1]
    flags = mask.reshape(mask.shape + (1,) * (ys.ndim - mask.ndim))
    number = lax.broadcasted_iota(jnp.int32, flags.shape, 0)
    none = len(ys) if reverse else -1
    number = jnp.where(flags, number, none)
    place = number.min(axis=0) if reverse else number.max(axis=0)
    found = jnp.take_along_axis(
        ys, jnp.broadcast_to(jnp.clip(place, 0, len(ys) - 1)[None], (1, *ys.shape[1:])), axis=0
    )[0]
    return jnp.where(jnp.broadcast_to(place != none, before.shape), found, before)
