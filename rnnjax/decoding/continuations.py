"""The best continuations of a few sequences, by any of many tokens."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import lax

WIDTH = 32
"""Tokens of a block."""

FEWEST = 16
"""Blocks of a vocabulary from which on they are looked at first."""


def best_continuations(
    scores: jax.Array, logits: jax.Array, total: jax.Array, num: int
) -> tuple[jax.Array, jax.Array, jax.Array]:
    r"""The highest of all ``scores[b, k] + (logits[b, k, v] - total[b, k])``.

    Of equal ones those of the first sequence, and of its tokens the first, as `jax.lax.top_k`. It
    does not sort a large vocabulary: the best lie in the blocks of tokens whose best are highest,
    for each that lay elsewhere would have one before it in each of these.

    Args:
        scores: of the sequences so far, ``[B, K]``.
        logits: of all tokens behind each, ``[B, K, V]``.
        total: what normalises them, ``[B, K]``.
        num: N, how many, at most K V.

    Returns:
        Their scores, their sequences and their tokens, each ``[B, N]``.

    >>> logits = jnp.log(jnp.array([[[0.5, 0.3, 0.2], [0.1, 0.2, 0.7]]]))
    >>> _, sequences, tokens = best_continuations(jnp.zeros((1, 2)), logits, jnp.zeros((1, 2)), 3)
    >>> sequences.tolist(), tokens.tolist()
    ([[1, 0, 0]], [[2, 0, 1]])
    """
    size = logits.shape[-1]

    def scored(logits: jax.Array) -> jax.Array:
        continued = scores[..., None] + (logits - total[..., None])
        return continued.reshape(len(scores), -1)

    if size < WIDTH * max(FEWEST, num):
        found, place = lax.top_k(scored(logits), num)
        return found, place // size, place % size
    window = (1, 1, WIDTH)
    beyond = ((0, 0), (0, 0), (0, -size % WIDTH))
    blocks = lax.reduce_window(logits, -jnp.inf, lax.max, window, window, beyond)
    num_blocks = blocks.shape[-1]
    # In their order, so that of equal continuations the first comes first.
    chosen = jnp.sort(lax.top_k(scored(blocks), num)[1], axis=-1)
    sequences = jnp.repeat(chosen // num_blocks, WIDTH, axis=-1)
    inner = jnp.arange(WIDTH)
    tokens = ((chosen % num_blocks)[..., None] * WIDTH + inner[None, None]).reshape(sequences.shape)
    is_there = tokens < size
    place = sequences * size + jnp.minimum(tokens, size - 1)
    of_blocks = jnp.take_along_axis(logits.reshape(len(scores), -1), place, axis=1)
    own_total, own_score = (jnp.take_along_axis(a, sequences, axis=1) for a in (total, scores))
    continued = jnp.where(is_there, own_score + (of_blocks - own_total), -jnp.inf)
    found, place = lax.top_k(continued, num)
    sequences, tokens = (jnp.take_along_axis(a, place, axis=1) for a in (sequences, tokens))
    return found, sequences, tokens
