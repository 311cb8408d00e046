"""How much is left, at each step of a chunk, of what an earlier step wrote into a matrix memory.

Either one number for each head (`HeadDecay`), or one for each key's feature (`KeyDecay`). All
exponents are sums of a few logarithms that are at most 0, and none is a difference of long sums:
nothing overflows, and no digits are lost, however strong the decay.
"""

from __future__ import annotations

import dataclasses
from operator import ge, gt
from typing import Any

import jax
import jax.numpy as jnp

BLOCK = 4
"""Steps between which decays by key are formed pair by pair; those of other blocks by a product."""


def make_decay(log_a: jax.Array, ndim: int, segment: jax.Array | None) -> HeadDecay | KeyDecay:
    """The decay of a chunk.

    Args:
        log_a: with the time axis in front, ``[C, ..., heads]`` or ``[C, ..., heads, K]``.
        ndim: axes of the keys; as many as log_a has where each feature has its own.
        segment: ``[..., 1, C]``, how many resets there were; None for none.
    """
    if log_a.ndim == ndim:
        return KeyDecay(jnp.moveaxis(log_a, 0, -2), segment)
    return HeadDecay(jnp.moveaxis(log_a, 0, -1), segment)


def before(size: int, *, strictly: bool) -> jax.Array:
    """Whether step i is after j, ``[C, C]``; or the same."""
    number = jnp.arange(size)
    return (gt if strictly else ge)(number[:, None], number[None, :])


def with_axes(flags: jax.Array, like: Any) -> jax.Array:
    """Flags with axes in front, as many as the array has."""
    return flags.reshape((1,) * (like.ndim - flags.ndim) + flags.shape)


def knows(size: int, segment: jax.Array | None) -> jax.Array:
    """Whether step i knows what j wrote, ``[C, C]`` or ``[..., 1, C, C]``."""
    seen = before(size, strictly=False)
    if segment is None:
        return seen
    same = segment[..., :, None] == segment[..., None, :]
    return with_axes(seen, same) & same


@dataclasses.dataclass(frozen=True)
class HeadDecay:
    """Of each head one."""

    log_a: jax.Array
    """``[..., h, C]``."""
    segment: jax.Array | None

    def logarithms(self) -> tuple[jax.Array, jax.Array, jax.Array]:
        """What is left as a logarithm, ``[..., h, C, C]``; which of them count; and since the
        segment's beginning, ``[..., h, C]``."""
        since = _pairwise(self.log_a[..., None])[..., 0]
        seen = with_axes(knows(since.shape[-1], self.segment), since)
        whole = jnp.broadcast_to(self.log_a[..., None, :], since.shape)
        return since, seen, jnp.where(seen, whole, 0).sum(axis=-1)

    def weights(self) -> HeadWeights:
        """As numbers."""
        since, seen, begun = self.logarithms()
        return HeadWeights(jnp.where(seen, jnp.exp(since), 0), jnp.exp(begun))

    def stabilised(self, log_i: jax.Array, m: jax.Array) -> tuple[HeadWeights, jax.Array]:
        """The same times input gates, over e to the largest exponent; and these exponents.

        Args:
            log_i: ``[..., h, C]``.
            m: that the segment of each step began with, likewise.
        """
        since, seen, begun = self.logarithms()
        added = jnp.broadcast_to(log_i[..., None, :], since.shape)
        exponent = jnp.where(seen, since + added, -jnp.inf)
        begun = begun + m
        largest = jnp.maximum(begun, exponent.max(axis=-1))
        exponent = jnp.where(seen, exponent, 0) - largest[..., None]
        written = jnp.where(seen, jnp.exp(exponent), 0)
        return HeadWeights(written, jnp.exp(begun - largest)), largest


@dataclasses.dataclass(frozen=True)
class HeadWeights:
    """What is left, of each head one number."""

    written: jax.Array
    """``[..., h, C, C]``, 0 where step i does not know of j."""
    begun: jax.Array
    """Of what was there before, ``[..., h, C]``."""

    def related(self, x: jax.Array, k: jax.Array) -> jax.Array:
        """x_i · w_ij k_j, ``[..., h, C, C]``."""
        return jnp.einsum("...ik,...jk->...ij", x, k) * self.written

    def faded(self, x: jax.Array) -> jax.Array:
        """x_i times what is left at i of what was there before."""
        return x * self.begun[..., None]

    def to_last(self, k: jax.Array) -> jax.Array:
        """k_j times what is left of it in the end."""
        return k * self.written[..., -1, :][..., None]

    def begun_to_last(self) -> jax.Array:
        """What is left in the end of what was there before, ``[..., h, 1, 1]``."""
        return self.begun[..., -1, None, None]


@dataclasses.dataclass(frozen=True)
class KeyDecay:
    """Of each feature of the keys one."""

    log_a: jax.Array
    """``[..., h, C, K]``."""
    segment: jax.Array | None

    def weights(self) -> KeyWeights:
        """As numbers."""
        size = self.log_a.shape[-2]
        seen = knows(size, self.segment)
        if self.segment is None:
            begun = jnp.cumsum(self.log_a, axis=-2)
        else:
            begun = jnp.matmul(seen.astype(self.log_a.dtype), self.log_a)
        return KeyWeights(self.log_a, seen, jnp.exp(begun))


@dataclasses.dataclass(frozen=True)
class KeyWeights:
    """What is left, of each feature of the keys one number."""

    log_a: jax.Array
    """``[..., h, C, K]``."""
    seen: jax.Array
    """Whether step i knows of j, ``[C, C]`` or ``[..., 1, C, C]``."""
    begun: jax.Array
    """Of what was there before, ``[..., h, C, K]``."""

    def related(self, x: jax.Array, k: jax.Array) -> jax.Array:
        """x_i · w_ij k_j, ``[..., h, C, C]``.

        Within a block of steps pair by pair. Between blocks what is left is a product: from j to
        the end of its block, of the blocks between, and from the beginning of its block to i.
        """
        *front, size, features = self.log_a.shape
        block = max(own for own in range(1, BLOCK + 1) if size % own == 0)
        number = size // block
        log_a, x, k = (
            own.reshape(*own.shape[:-2], number, block, features) for own in (self.log_a, x, k)
        )
        within = jnp.cumsum(log_a, axis=-2)
        x_in = x * jnp.exp(within)
        k_out = k * jnp.exp(_behind(log_a))
        until = _pairwise(within[..., -1, :])  # of the blocks behind m, up to n and with it
        between = jnp.concatenate((jnp.zeros_like(until[..., :1, :, :]), until[..., :-1, :, :]), -3)
        k_there = k_out[..., None, :, :, :] * jnp.exp(between)[..., :, :, None, :]
        far = jnp.einsum("...nik,...nmjk->...nimj", x_in, k_there)
        pairs = jnp.exp(_pairwise(log_a))
        near = jnp.einsum("...nik,...nijk,...njk->...nij", x, pairs, k)
        here = jnp.eye(number, dtype=bool)[:, None, :, None]
        whole = jnp.where(with_axes(here, far), near[..., :, :, None, :], far)
        whole = whole.reshape(*front, size, size)
        return jnp.where(with_axes(self.seen, whole), whole, 0)

    def faded(self, x: jax.Array) -> jax.Array:
        """x_i times what is left at i of what was there before."""
        return x * self.begun

    def to_last(self, k: jax.Array) -> jax.Array:
        """k_j times what is left of it in the end."""
        known = self.seen[..., -1, :][..., None]
        return jnp.where(with_axes(known, k), k * jnp.exp(_behind(self.log_a)), 0)

    def begun_to_last(self) -> jax.Array:
        """What is left in the end of what was there before, ``[..., h, K, 1]``."""
        return self.begun[..., -1, :, None]


def _behind(log_a: jax.Array) -> jax.Array:
    """Σ log a over s > j, ``[..., C, K]``."""
    sums = jnp.cumsum(log_a[..., :0:-1, :], axis=-2)[..., ::-1, :]
    return jnp.concatenate((sums, jnp.zeros_like(log_a[..., :1, :])), axis=-2)


def _pairwise(log_a: jax.Array) -> jax.Array:
    """Σ log a over j < s ≤ i, ``[..., C, K]`` to ``[..., C, C, K]``; 0 elsewhere."""
    *front, size, features = log_a.shape
    own = jnp.broadcast_to(log_a[..., :, None, :], (*front, size, size, features))
    later = before(size, strictly=True)[..., None]
    return jnp.cumsum(jnp.where(with_axes(later, own), own, 0), axis=-3)
