"""One token out of many: the largest, one by chance, those that make up a share.

They are written for a loop that is otherwise two small matrix products. XLA's own `jnp.argmax`, a
sort and one random number per token each take longer than these do together.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import lax


def largest(x: jax.Array) -> jax.Array:
    """The first index of the largest entry: int32 ``[...]`` of ``[..., V]``.

    Two plain reductions, which the compiler turns into vector instructions, as it can't with the
    pairs of `jnp.argmax`. Where there is a NaN, the last index.

    >>> largest(jnp.array([[1.0, 3.0, 3.0], [2.0, 0.0, 1.0]]))
    Array([1, 0], dtype=int32)
    """
    index = _indices(x)
    is_largest = x == x.max(-1, keepdims=True)
    return jnp.min(jnp.where(is_largest, index, x.shape[-1] - 1), axis=-1)


def pick(weights: jax.Array, share: jax.Array) -> jax.Array:
    r"""The first index whose running sum exceeds a share of the whole sum.

    .. math:: \min \{ j : w_0 + \dots + w_j > u \sum_i w_i \}

    For u uniform in [0, 1) it is a draw with probabilities proportional to the weights, by one
    random number. The sum runs over blocks of about √V entries, then inside of one block.

    Args:
        weights: ``[..., V]``, not negative.
        share: u ``[...]``, in [0, 1).

    Returns:
        int32 ``[...]``; never an index of weight 0, unless all are.

    >>> pick(jnp.array([0.0, 1.0, 0.0, 3.0]), jnp.array(0.2))
    Array(1, dtype=int32)
    """
    size = weights.shape[-1]
    block = 1 << round((size.bit_length() - 1) / 2)
    num_blocks = -(-size // block)
    padding = [(0, 0)] * (weights.ndim - 1) + [(0, num_blocks * block - size)]
    blocks = jnp.pad(weights, padding).reshape(*weights.shape[:-1], num_blocks, block)
    sums = blocks.sum(-1)
    which, rest = _first_above(sums, share * sums.sum(-1))
    inside = jnp.take_along_axis(blocks, which[..., None, None], axis=-2)[..., 0, :]
    return which * block + _first_above(inside, rest)[0]


def nucleus(weights: jax.Array, share: float) -> jax.Array:
    """The fewest entries, the largest first, that make up a share of the whole sum.

    Of equal entries those with the lower index come first. No sort: the bits of a positive float32
    are ordered like the number, so that thirty halvings find the smallest entry to keep.

    Args:
        weights: float32 ``[..., V]``, from 0 to 1, the largest being 1.
        share: of the sum, more than 0 and less than 1.

    Returns:
        Booleans ``[..., V]``.

    >>> nucleus(jnp.array([0.2, 1.0, 0.4, 0.4]), 0.6)
    Array([False,  True,  True, False], dtype=bool)
    """
    wanted = share * weights.sum(-1, keepdims=True)
    bits = lax.bitcast_convert_type(weights, jnp.int32)
    one = lax.bitcast_convert_type(jnp.ones((), jnp.float32), jnp.int32)

    def halve(_: int, bounds: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        low, high = bounds  # the entries from `low` on are enough, those from `high` on are not
        middle = low + (high - low) // 2
        sums = jnp.sum(jnp.where(bits >= middle, weights, 0), axis=-1, keepdims=True)
        enough = sums >= wanted
        return jnp.where(enough, middle, low), jnp.where(enough, high, middle)

    low = jnp.zeros(wanted.shape, jnp.int32)
    smallest, _ = lax.fori_loop(0, 30, halve, (low, jnp.broadcast_to(one + 1, low.shape)))
    above, tied = bits > smallest, bits == smallest
    # Of those that are as small as the smallest, as many as are still needed.
    missing = wanted - jnp.sum(jnp.where(above, weights, 0), axis=-1, keepdims=True)
    each = lax.bitcast_convert_type(smallest, jnp.float32)
    num_tied = jnp.maximum(tied.sum(-1, keepdims=True), 1).astype(jnp.float32)
    num_kept = jnp.clip(jnp.ceil(missing / jnp.maximum(each, 1e-38)), 1, num_tied)
    last = pick(tied.astype(jnp.float32), ((num_kept - 0.5) / num_tied)[..., 0])
    return above | (tied & (_indices(weights) <= last[..., None]))


def _first_above(weights: jax.Array, bound: jax.Array) -> tuple[jax.Array, jax.Array]:
    """The first index whose running sum exceeds a bound, and what of the bound is left there."""
    sums = jnp.cumsum(weights, axis=-1)
    index = _indices(weights)
    first = jnp.sum(sums <= bound[..., None], axis=-1, dtype=jnp.int32)
    # Sums in another order may differ in the last bit, so that none exceeds the bound.
    last = jnp.max(jnp.where(weights > 0, index, 0), axis=-1)
    first = jnp.minimum(first, last)
    before = jnp.sum(jnp.where(index == first[..., None] - 1, sums, 0), axis=-1)
    return first, bound - before


def _indices(x: jax.Array) -> jax.Array:
    return lax.broadcasted_iota(jnp.int32, x.shape, x.ndim - 1)
