r"""A chunk of steps of a matrix memory, as a few products of matrices.

What step i finds in the memory was written by steps j ≤ i since the last reset and has faded since,
or was there at the beginning:

.. math::
    y_i = \sum_{j \le i} (q_i \cdot w_{ij} k_j)\, u_j + (q_i \odot e_i)^\top S, \qquad
    w_{ij} = e^{\sum_{j < s \le i} \log a_s}, \quad e_i = e^{\sum_{s \le i} \log a_s}

By the delta rule :math:`u = (1 + M)^{-1} \beta (v - (k \odot e)^\top S)`, with :math:`M_{ij} =
\beta_i (k_i \cdot w_{ij} k_j)` for j < i; M is nilpotent, so that with P = -M the inverse is
:math:`(1 + P)(1 + P^2)(1 + P^4) \cdots`. All exponents are sums of at most a chunk's logarithms and
at most 0: nothing overflows, however strong the decay.

Sources: S. Yang et al., arXiv:2312.06635, section 4, and arXiv:2406.06484, section 3 (WY form);
T. Dao and A. Gu, arXiv:2405.21060, section 6; M. Beck et al., arXiv:2405.04517, appendix A.
"""

from __future__ import annotations

from operator import ge, gt
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from rnnjax.outer import Outer
from rnnjax.recurrences import State


class _Weights(NamedTuple):
    """What is left of each, at each step."""

    written: jax.Array
    """w, ``[..., h, C, C]``, or for each key ``[..., h, C, C, K]``; 0 where j > i."""
    begun: jax.Array
    """e, ``[..., h, C]``, or ``[..., h, C, K]``."""
    m: jax.Array | None
    """The largest exponents, ``[..., h, C]``."""


def matrix_scan(
    steps: Outer, q: jax.Array, state: State, first: State | None, resets: jax.Array | None
) -> tuple[jax.Array, jax.Array | None, State]:
    """Takes the steps of a chunk.

    Args:
        steps: with a time axis in front of all arrays, ``[C, ..., heads, ?]``.
        q: queries ``[C, ..., heads, K]``.
        state: before the first step.
        first: what a reset replaces the state by.
        resets: bool ``[C, ...]``, with all batch axes; None for none.

    Returns:
        What the queries find ``[C, ..., heads, V]``, m at every step (None where there is none),
        and the state after the last one.
    """
    q, k, v = (jnp.moveaxis(own, 0, -2) for own in (q, steps.k, steps.v))
    segment = None
    if resets is not None:
        segment = jnp.cumsum(jnp.moveaxis(resets, 0, -1), axis=-1)[..., None, :]
    beginning = _Beginning(state, first, segment)
    weights = _weights(steps, beginning)
    u = v
    if steps.beta is not None:
        beta = jnp.moveaxis(steps.beta, 0, -1)[..., None]
        there = beginning.read(_faded(k, weights.begun))
        number = jnp.arange(k.shape[-2])
        earlier = number[:, None] > number[None, :]
        m = beta * jnp.where(_all(earlier, k), _related(k, k, weights.written), 0)
        u = jnp.matmul(_inverse(m), beta * (v - there))
    found = beginning.read(_faded(q, weights.begun))
    found = found + jnp.matmul(_related(q, k, weights.written), u)
    last_written, last_begun = weights.written[..., -1, :], weights.begun[..., -1]
    if weights.begun.ndim == k.ndim:  # a decay for each key
        last_written, last_begun = weights.written[..., -1, :, :], weights.begun[..., -1, :]
        gained = k * last_written
    else:
        gained = k * last_written[..., None]
        last_begun = last_begun[..., None]
    after = beginning.last() * last_begun[..., None]
    after = after + jnp.einsum("...ck,...cv->...kv", gained, u)
    found = jnp.moveaxis(found, -2, 0)
    if weights.m is None:
        return found, None, (after,)
    return found, jnp.moveaxis(weights.m, -1, 0), (after, weights.m[..., -1])


class _Beginning(NamedTuple):
    """What was there before: at the first steps the state, behind a reset the first one."""

    state: State
    first: State | None
    segment: jax.Array | None
    """``[..., 1, C]``: how many resets there were."""

    def read(self, q: jax.Array) -> jax.Array:
        """Of queries ``[..., h, C, K]``."""
        found = jnp.matmul(q, self.state[0])
        if self.segment is None or self.first is None:
            return found
        is_first = (self.segment == 0)[..., None]
        return jnp.where(_all(is_first, found), found, jnp.matmul(q, self.first[0]))

    def last(self) -> jax.Array:
        """The matrix that the last step's segment began with."""
        return self._of_last(0)

    def m(self, size: int) -> jax.Array:
        """The exponent that each step's segment began with, ``[..., h, C]``."""
        found = jnp.broadcast_to(self.state[1][..., None], (*self.state[1].shape, size))
        if self.segment is None or self.first is None:
            return found
        other = jnp.broadcast_to(self.first[1][..., None], found.shape)
        return jnp.where(_all(self.segment == 0, found), found, other)

    def _of_last(self, field: int) -> jax.Array:
        own = self.state[field]
        if self.segment is None or self.first is None:
            return own
        is_first = (self.segment[..., -1] == 0)[..., None, None]
        return jnp.where(_all(is_first, own), own, self.first[field])


def _weights(steps: Outer, beginning: _Beginning) -> _Weights:
    log_a = steps.log_a
    size = len(log_a)
    number = jnp.arange(size)
    reaches, later = (compare(number[:, None], number[None, :]) for compare in (ge, gt))
    if beginning.segment is not None:
        segment = beginning.segment
        within = segment[..., :, None] == segment[..., None, :]
        reaches = _all(reaches, within) & within
    per_key = log_a.ndim == steps.k.ndim
    log_a = jnp.moveaxis(log_a, 0, -2 if per_key else -1)
    if per_key:
        reaches, later = reaches[..., None], later[..., None]
        own, axis = log_a[..., :, None, :], -3
        shape = (*own.shape[:-3], size, size, own.shape[-1])
    else:
        own, axis = log_a[..., :, None], -2
        shape = (*own.shape[:-2], size, size)
    # Sums of their own instead of differences of one sum, which would lose digits.
    own = jnp.broadcast_to(own, shape)
    since = jnp.cumsum(jnp.where(_all(later, own), own, 0), axis=axis)
    seen = _all(reaches, own)
    whole = jnp.broadcast_to(_swapped(log_a, per_key), shape)
    begun = jnp.where(seen, whole, 0).sum(axis=axis + 1)
    if steps.log_i is None:
        return _Weights(jnp.where(seen, jnp.exp(since), 0), jnp.exp(begun), None)
    log_i = jnp.moveaxis(steps.log_i, 0, -1)[..., None, :]
    exponent = jnp.where(seen, since + jnp.broadcast_to(log_i, shape), -jnp.inf)
    begun = begun + beginning.m(size)
    m = jnp.maximum(begun, exponent.max(axis=-1))
    exponent = jnp.where(seen, exponent, 0) - m[..., None]
    return _Weights(jnp.where(seen, jnp.exp(exponent), 0), jnp.exp(begun - m), m)


def _swapped(log_a: jax.Array, per_key: bool) -> jax.Array:
    return log_a[..., None, :, :] if per_key else log_a[..., None, :]


def _faded(x: jax.Array, begun: jax.Array) -> jax.Array:
    return x * (begun if begun.ndim == x.ndim else begun[..., None])


def _related(x: jax.Array, k: jax.Array, written: jax.Array) -> jax.Array:
    """x_i · w_ij k_j, ``[..., h, C, C]``."""
    if written.ndim == k.ndim:
        return jnp.einsum("...ik,...jk->...ij", x, k) * written
    return jnp.einsum("...ik,...ijk,...jk->...ij", x, written, k)


def _inverse(m: jax.Array) -> jax.Array:
    """(1 + M)⁻¹ of strictly lower triangular matrices, by doubling."""
    size = m.shape[-1]
    one = jnp.broadcast_to(jnp.eye(size, dtype=m.dtype), m.shape)
    power, total = -m, one - m
    reached = 2
    while reached < size:
        power = jnp.matmul(power, power)
        total = total + jnp.matmul(power, total)
        reached *= 2
    return total


def _all(flags: jax.Array, like: Any) -> jax.Array:
    """Flags with axes in front, as many as the array has."""
    return flags.reshape((1,) * (like.ndim - flags.ndim) + flags.shape)
