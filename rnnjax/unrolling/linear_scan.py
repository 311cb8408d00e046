r"""All states of a recurrence that is linear in its state, in parallel over time.

With a reset before a step its state is the first one:

.. math:: s_t = A_t s'_{t-1} + b_t, \qquad s'_{t-1} = s_{\mathrm{first}} \text{ at a reset}

Steps are composed by `jax.lax.associative_scan`; an element also tells whether a reset lies in it,
and then hides all that lies before it. The derivative is the same recurrence,

.. math:: \dot s_t = A_t \dot s'_{t-1} + (\dot A_t s'_{t-1} + \dot b_t)

which is stated once and turned round by JAX: forward mode, second derivatives and `jax.vmap` work.
"""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from rnnjax.recurrences import State


def composed(recurrence: Any, resets: jax.Array | None, *, reverse: bool) -> tuple[Any, Any]:
    """For each time the steps from the beginning to it as one; and whether a reset lies in them.

    Args:
        recurrence: with a time axis in front of all its arrays.
        resets: bool ``[T, ...]``, at which the step begins from 0 instead of the state before.
        reverse: whether time runs from the last to the first.
    """
    if resets is None:

        def combine(earlier: Any, later: Any) -> Any:
            return later.after(earlier)

        return lax.associative_scan(combine, recurrence, reverse=reverse), None

    def combine_with(earlier: Any, later: Any) -> Any:
        (own, has), (other, had) = later, earlier
        return _begun(has, own, own.after(other)), has | had

    return lax.associative_scan(combine_with, (recurrence, resets), reverse=reverse)


@functools.partial(jax.custom_jvp, nondiff_argnums=(4,))
def linear_scan(
    recurrence: Any, state: State, first: State | None, resets: jax.Array | None, reverse: bool
) -> State:
    """The states after all steps, arrays ``[T, ...]``.

    Args:
        recurrence: with a time axis in front of all its arrays; the axes of a factor behind it may
            be 1 where b's are not.
        state: before the first step, ``[...]``.
        first: what a reset replaces the state by.
        resets: bool ``[T, ...]`` before which steps; None for none.
        reverse: whether time runs from the last to the first.
    """
    if resets is not None:
        assert first is not None
        begun = recurrence.apply(tuple(_over_time(own, recurrence) for own in first))
        added = tuple(
            jnp.where(beside(resets, b), new, b)
            for new, b in zip(begun, recurrence.added, strict=True)
        )
        recurrence = recurrence.replaced(recurrence.factors, added)
    whole, has = composed(recurrence, resets, reverse=reverse)
    states = whole.apply(tuple(_over_time(own, recurrence) for own in state))
    if has is None:
        return states
    return tuple(
        jnp.where(beside(has, b), b, own) for b, own in zip(whole.added, states, strict=True)
    )


@linear_scan.defjvp
def _linear_scan_jvp(reverse: bool, primals: Any, tangents: Any) -> tuple[State, State]:
    recurrence, state, first, resets = primals
    d_recurrence, d_state, d_first, _ = tangents
    states = linear_scan(recurrence, state, first, resets, reverse)
    firsts = state if first is None else first
    before = tuple(
        read_state(*own, resets, reverse) for own in zip(states, state, firsts, strict=True)
    )
    moved = recurrence.times(d_recurrence.factors, before)
    added = tuple(own + b for own, b in zip(moved, d_recurrence.added, strict=True))
    d_recurrence = recurrence.replaced(recurrence.factors, added)
    return states, linear_scan(d_recurrence, d_state, d_first, resets, reverse)


def beside(flags: jax.Array, like: jax.Array) -> jax.Array:
    """Flags ``[T, ...]`` with axes behind, so that they choose among arrays ``[T, ..., N]``."""
    return flags.reshape(flags.shape + (1,) * (like.ndim - flags.ndim))


def _begun(where: jax.Array, own: Any, both: Any) -> Any:
    """Both steps, or where a reset lies in the later one, that alone."""
    added = tuple(
        jnp.where(beside(where, b), b, other)
        for b, other in zip(own.added, both.added, strict=True)
    )
    # Behind a reset nobody reads A. So one that is the same for all rows may stay so.
    factors = tuple(
        jnp.where(beside(where, a), a, other) if a.shape[: where.ndim] == where.shape else other
        for a, other in zip(own.factors, both.factors, strict=True)
    )
    return own.replaced(factors, added)


def _over_time(own: jax.Array, recurrence: Any) -> jax.Array:
    return jnp.broadcast_to(own[None], (len(recurrence.added[0]), *own.shape))


def read_state(
    states: jax.Array, begin: jax.Array, first: jax.Array, resets: jax.Array | None, reverse: bool
) -> jax.Array:
    """The state that each step read: that of the one before it, or after a reset the first one.

    Args:
        states: after all steps, ``[T, ...]``.
        begin: before them.
        first: what a reset replaces the state by.
        resets: bool ``[T, ...]`` before which steps; None for none.
        reverse: whether time ran from the last to the first.
    """
    parts = (states[1:], begin[None]) if reverse else (begin[None], states[:-1])
    before = jnp.concatenate(parts)
    if resets is None:
        return before
    return jnp.where(beside(resets, before), jnp.broadcast_to(first, before.shape), before)
