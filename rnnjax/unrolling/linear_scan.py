r"""All states of a recurrence that is linear in its state, in parallel over time.

With a reset before a step its state is the first one, and masked steps change nothing:

.. math:: s_t = A_t s'_{t-1} + b_t, \qquad s'_{t-1} = s_{\mathrm{first}} \text{ at a reset}

Steps are composed by `jax.lax.associative_scan`; an element also tells whether a reset lies in it,
and then hides all that lies before it. Everything is chosen, nothing multiplied by 0: so NaN before
a reset reaches neither a later state nor, in the backward pass, any gradient.
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
        both = own.after(other)
        return _chosen(has, own, both), has | had

    return lax.associative_scan(combine_with, (recurrence, resets), reverse=reverse)


@functools.partial(jax.custom_vjp, nondiff_argnums=(4,))
def linear_scan(
    recurrence: Any, state: State, first: State | None, resets: jax.Array | None, reverse: bool
) -> State:
    """The states after all steps, arrays ``[T, ...]``.

    Args:
        recurrence: with a time axis in front of all its arrays.
        state: before the first step, ``[...]``.
        first: what a reset replaces the state by.
        resets: bool ``[T, ...]`` before which steps; None for none.
        reverse: whether time runs from the last to the first.
    """
    return _forward(recurrence, state, first, resets, reverse)


def _forward(
    recurrence: Any, state: State, first: State | None, resets: jax.Array | None, reverse: bool
) -> State:
    if resets is not None:
        assert first is not None
        begun = recurrence.apply(tuple(_over_time(own, recurrence) for own in first))
        added = tuple(
            jnp.where(_beside(resets, b), new, b)
            for new, b in zip(begun, recurrence.added, strict=True)
        )
        recurrence = recurrence.replaced(recurrence.factors, added)
    whole, has = composed(recurrence, resets, reverse=reverse)
    states = whole.apply(tuple(_over_time(own, recurrence) for own in state))
    if has is None:
        return states
    return tuple(
        jnp.where(_beside(has, b), b, own) for b, own in zip(whole.added, states, strict=True)
    )


def _scan_forward(
    recurrence: Any, state: State, first: State | None, resets: jax.Array | None, reverse: bool
) -> tuple[State, Any]:
    states = _forward(recurrence, state, first, resets, reverse)
    return states, (recurrence, state, first, resets, states)


def _scan_back(reverse: bool, kept: Any, cotangents: State) -> tuple[Any, State, Any, None]:
    recurrence, state, first, resets, states = kept
    # g_t = ȳ_t + A_{t+1}ᵀ g_{t+1}, which a reset before step t + 1 cuts.
    shifted = tuple(_earlier(own, not reverse, fill=0) for own in recurrence.factors)
    cut = None if resets is None else _earlier(resets, not reverse, fill=False)
    back = _transposed(recurrence, shifted, cotangents)
    zeros = tuple(jnp.zeros_like(own) for own in state)
    gradients = _forward(back, zeros, zeros, cut, not reverse)
    before = tuple(_before(own, begin, reverse) for own, begin in zip(states, state, strict=True))
    if resets is not None:
        before = tuple(
            jnp.where(_beside(resets, own), _over_time(begin, recurrence), own)
            for own, begin in zip(before, first, strict=True)
        )
    of_factors = recurrence.factors_cotangent(gradients, before)
    of_factors = tuple(
        _summed(own, like) for own, like in zip(of_factors, recurrence.factors, strict=True)
    )
    passed = recurrence.transposed_times(recurrence.factors, gradients)
    place = -1 if reverse else 0
    if resets is None:
        return recurrence.replaced(of_factors, gradients), _at(passed, place), first, None
    kept_on = tuple(jnp.where(_beside(resets, own), 0, own) for own in passed)
    to_first = tuple(jnp.where(_beside(resets, own), own, 0).sum(axis=0) for own in passed)
    to_first = tuple(_summed(own, like) for own, like in zip(to_first, first, strict=True))
    return recurrence.replaced(of_factors, gradients), _at(kept_on, place), to_first, None


linear_scan.defvjp(_scan_forward, _scan_back)


def _transposed(recurrence: Any, factors: State, added: State) -> Any:
    """The recurrence of cotangents: with the transposed A of the step before in its own time."""
    if len(factors) == 2:  # conjugated
        factors = factors[0], -factors[1]
    return recurrence.replaced(factors, added)


def _chosen(where: jax.Array, one: Any, other: Any) -> Any:
    return jax.tree.map(lambda a, b: jnp.where(_beside(where, a), a, b), one, other)


def _beside(flags: jax.Array, like: jax.Array) -> jax.Array:
    """Flags ``[T, ...]`` with axes behind, so that they choose among arrays ``[T, ..., N]``."""
    return flags.reshape(flags.shape + (1,) * (like.ndim - flags.ndim))


def _over_time(own: jax.Array, recurrence: Any) -> jax.Array:
    return jnp.broadcast_to(own[None], (len(recurrence.added[0]), *own.shape))


def _earlier(own: jax.Array, reverse: bool, *, fill: Any) -> jax.Array:
    """Each entry where its predecessor in time was: of a run to the front the one behind."""
    filling = jnp.full_like(own[:1], fill)
    parts = (own[1:], filling) if reverse else (filling, own[:-1])
    return jnp.concatenate(parts)


def _before(states: jax.Array, begin: jax.Array, reverse: bool) -> jax.Array:
    """The state that each step read."""
    parts = (states[1:], begin[None]) if reverse else (begin[None], states[:-1])
    return jnp.concatenate(parts)


def _at(arrays: State, place: int) -> State:
    return tuple(own[place] for own in arrays)


def _summed(cotangent: jax.Array, like: jax.Array) -> jax.Array:
    """A cotangent summed over the axes that the array was broadcast along."""
    extra = cotangent.ndim - like.ndim
    cotangent = cotangent.sum(axis=tuple(range(extra)))
    ones = tuple(i for i, n in enumerate(like.shape) if n == 1 and cotangent.shape[i] != 1)
    return cotangent.sum(axis=ones, keepdims=True)
