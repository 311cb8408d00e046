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

Keys and queries whose pairs of features are turned further at every step are turned by the sum of
the angles since the segment's beginning, and the memory back in the end.

Sources: S. Yang et al., arXiv:2312.06635, section 4, and arXiv:2406.06484, section 3 (WY form);
T. Dao and A. Gu, arXiv:2405.21060, section 6; M. Beck et al., arXiv:2405.04517, appendix A.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp

from rnnjax.outer import Outer, turned
from rnnjax.recurrences import State
from rnnjax.unrolling.decays import HeadDecay, before, knows, make_decay, with_axes


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
    segment = None
    if resets is not None:
        segment = jnp.cumsum(jnp.moveaxis(resets, 0, -1), axis=-1)[..., None, :]
    beginning = _Beginning(state, first, segment)
    decay = make_decay(steps.log_a, steps.k.ndim, segment)
    q, k, v = (jnp.moveaxis(own, 0, -2) for own in (q, steps.k, steps.v))
    m = angle = None
    if steps.turn is not None:
        angle = _summed(jnp.moveaxis(steps.turn, 0, -2), segment)
        q, k = turned(q, angle), turned(k, angle)
    if steps.log_i is None:
        weights = decay.weights()
    else:
        assert isinstance(decay, HeadDecay)
        log_i = jnp.moveaxis(steps.log_i, 0, -1)
        weights, m = decay.stabilised(log_i, beginning.m(log_i.shape[-1]))
    u = v
    if steps.beta is not None:
        beta = jnp.moveaxis(steps.beta, 0, -1)[..., None]
        there = beginning.read(weights.faded(k))
        related = weights.related(k, k)
        earlier = with_axes(before(k.shape[-2], strictly=True), related)
        u = jnp.matmul(_inverse(beta * jnp.where(earlier, related, 0)), beta * (v - there))
    found = beginning.read(weights.faded(q)) + jnp.matmul(weights.related(q, k), u)
    after = beginning.last() * weights.begun_to_last()
    after = after + jnp.einsum("...ck,...cv->...kv", weights.to_last(k), u)
    if angle is not None:
        back = -angle[..., -1, None, :]
        after = jnp.matrix_transpose(turned(jnp.matrix_transpose(after), back))
    found = jnp.moveaxis(found, -2, 0)
    if m is None:
        return found, None, (after,)
    return found, jnp.moveaxis(m, -1, 0), (after, m[..., -1])


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
        return jnp.where(with_axes(is_first, found), found, jnp.matmul(q, self.first[0]))

    def last(self) -> jax.Array:
        """The matrix that the last step's segment began with."""
        own = self.state[0]
        if self.segment is None or self.first is None:
            return own
        is_first = (self.segment[..., -1] == 0)[..., None, None]
        return jnp.where(with_axes(is_first, own), own, self.first[0])

    def m(self, size: int) -> jax.Array:
        """The exponent that each step's segment began with, ``[..., h, C]``."""
        found = jnp.broadcast_to(self.state[1][..., None], (*self.state[1].shape, size))
        if self.segment is None or self.first is None:
            return found
        other = jnp.broadcast_to(self.first[1][..., None], found.shape)
        return jnp.where(with_axes(self.segment == 0, found), found, other)


def _summed(turn: jax.Array, segment: jax.Array | None) -> jax.Array:
    """Angles ``[..., h, C, K / 2]``, each step's and all before it in its segment."""
    if segment is None:
        return jnp.cumsum(turn, axis=-2)
    known = knows(turn.shape[-2], segment).astype(turn.dtype)
    return jnp.matmul(known, turn, precision="highest")


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
