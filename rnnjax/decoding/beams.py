"""The most probable sequences, found by keeping a few at a time."""

from __future__ import annotations

import functools
import math
import numbers
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.tree_util import Partial

from rnnjax.decoding.constraints import Constraint
from rnnjax.decoding.largest import largest
from rnnjax.decoding.sampling import in_float
from rnnjax.decoding.step_functions import (
    Carry,
    StepFunction,
    as_data,
    as_number,
    as_tokens,
    check_rows,
    logits_of,
)


class Beams(NamedTuple):
    """The N best sequences of each row, the best first."""

    tokens: jax.Array
    """int32 ``[B, N, T]``; behind its end the end again."""
    scores: jax.Array
    """``[B, N]``; -inf where there are fewer sequences than N."""
    lengths: jax.Array
    """How many tokens each has, its end counted: int32 ``[B, N]``."""


def beam_search(
    step: StepFunction,
    carry: Carry,
    first_tokens: Any,
    *,
    beam_size: int,
    max_steps: int,
    end: int | None,
    length_penalty: float = 0.0,
    num_results: int = 1,
    constrain: Constraint | None = None,
    penalise: Callable[[Carry], jax.Array] | None = None,
) -> Beams:
    r"""Searches the sequences with the highest scores.

    .. math:: \mathrm{score}(y) = \frac{\log p(y)}{\left( (5 + |y|) / 6 \right)^\alpha} - \pi(s)

    At every step the K unfinished sequences are continued by all tokens. Of these the best K that
    have not ended live on; one that has ended is finished if it is among the best K of all. What
    has not ended after the last step is finished there.

    A row is done, exactly, when no unfinished sequence can still do better than the worst of its N
    results: as log p only falls, none of those with log p = s will reach more than s over the
    penalty of the longest sequence. Other rows change nothing. With one beam and no length penalty
    the result is that of always taking the most probable token; with at least V^T beams it is the
    best of all sequences.

    Args:
        step: a step function, ``(carry, tokens [B * K]) -> (carry, logits [B * K, V])``; the rows
            of a batch element lie together.
        carry: the state before the first tokens, arrays ``[B, ...]``.
        first_tokens: integers ``[B]``, read first and not part of the result.
        beam_size: K, how many unfinished sequences are kept.
        max_steps: T, the most tokens of a sequence.
        end: the token that ends a sequence, counted in its length; None for none, where all
            sequences have T tokens.
        length_penalty: α, at least 0. With 0 the score is log p; larger ones favour long sequences.
        num_results: N, at most K.
        constrain: which tokens may stand where, as for `rnnjax.decoding.sample`; the others are
            left out, and the scores are those of the model still.
        penalise: π, ``penalise(carry) -> [B * K]``, at least 0: what is taken off the score of a
            sequence that ends, by the state after its last step; 0 by default.

    Returns:
        `Beams`, batch first.

    Raises:
        ValueError: an argument is not of its kind, or does not fit the others.

    The order of the search is that of ``transformers`` and ``fairseq``, whose penalty is |y|^α.

    >>> log_probs = jnp.log(jnp.array([[0.0, 0.6, 0.4], [0.5, 0.3, 0.2], [1.0, 0.0, 0.0]]))
    >>> def step(carry, tokens):
    ...     return carry, log_probs[tokens]
    >>> found = beam_search(step, (), jnp.array([0]), beam_size=2, max_steps=4, end=0)
    >>> found.tokens[0, 0], found.lengths[0, 0], f"{jnp.exp(found.scores[0, 0]):.2f}"
    (Array([2, 0, 0, 0], dtype=int32), Array(2, dtype=int32), '0.40')

    Source: Y. Wu et al., "Google's neural machine translation system", 2016, arXiv:1609.08144,
    equation 14; their coverage penalty is a π.
    """
    owner = "beam_search"
    tokens = as_tokens(owner, "first_tokens", first_tokens, 1, "[B]")
    check_rows(owner, carry, tokens.shape[0])
    num_beams = as_number(owner, "beam_size", beam_size, least=1)
    num_steps = as_number(owner, "max_steps", max_steps, least=1)
    num_results = as_number(owner, "num_results", num_results, least=1)
    if num_results > num_beams:
        raise ValueError(
            f"{owner}: num_results must be at most the beam size {num_beams}, not {num_results}."
        )
    alpha = length_penalty
    if not isinstance(alpha, numbers.Real) or not 0 <= alpha < math.inf:
        raise ValueError(f"{owner}: length_penalty must be a number from 0 on, not {alpha!r}.")
    return _search(
        as_data(step, "step"),
        None if constrain is None else as_data(constrain, "constrain"),
        None if penalise is None else as_data(penalise, "penalise"),
        carry,
        tokens,
        None if end is None else np.int32(as_number(owner, "end", end, least=0)),
        ((5 + np.arange(num_steps + 1)) / 6) ** float(alpha),
        num_beams=num_beams,
        num_results=num_results,
    )


class _Search(NamedTuple):
    """The search after t steps."""

    t: jax.Array
    carry: Carry
    """Of the unfinished sequences, ``[B * K, ...]``."""
    living: Beams
    """The K best unfinished sequences, with log p as their scores."""
    finished: Beams
    """The N best finished ones."""


@functools.partial(jax.jit, static_argnames=("num_beams", "num_results"))
def _search(
    step: Partial,
    constrain: Constraint | None,
    penalise: Partial | None,
    carry: Carry,
    first_tokens: jax.Array,
    end: jax.Array | None,
    penalties: jax.Array,
    *,
    num_beams: int,
    num_results: int,
) -> Beams:
    num_rows, num_steps = first_tokens.shape[0], len(penalties) - 1
    carry = jax.tree.map(lambda array: jnp.repeat(array, num_beams, axis=0), carry)
    shape = logits_of("beam_search", step, carry, num_rows * num_beams)
    dtype = jnp.promote_types(shape.dtype, jnp.float32)
    penalties = penalties.astype(dtype)
    filling = 0 if end is None else end

    def nothing(num: int) -> Beams:
        return Beams(
            jnp.full((num_rows, num, num_steps), filling, jnp.int32),
            jnp.full((num_rows, num), -jnp.inf, dtype),
            jnp.zeros((num_rows, num), jnp.int32),
        )

    def goes_on(search: _Search) -> jax.Array:
        reachable = search.living.scores.max(-1) / penalties[-1]
        is_done = search.finished.scores.min(-1) >= reachable
        return (search.t < num_steps) & ~is_done.all()

    def continued(search: _Search) -> tuple[Carry, Beams, jax.Array]:
        """The best continuations, 2 K if there are so many, and whose they are."""
        last = search.living.tokens[:, :, jnp.maximum(search.t - 1, 0)]
        last = jnp.where(search.t == 0, first_tokens[:, None], last)
        carry, logits = step(search.carry, last.reshape(-1))
        logits = in_float(logits).reshape(num_rows, num_beams, -1)
        total = jax.nn.logsumexp(logits, axis=-1, keepdims=True)
        if constrain is not None:
            logits = jax.vmap(constrain, (None, 1), 1)(search.t, logits)
        # Of each sequence's own continuations no more than 2 K are among the best 2 K of all. So
        # the others are never normalised.
        num_each = min(2 * num_beams, logits.shape[-1])
        highest, tokens = largest(logits, num_each)
        log_probs = search.living.scores[..., None] + (highest - total)
        num_best = min(2 * num_beams, num_beams * num_each)
        scores, best = lax.top_k(log_probs.reshape(num_rows, -1), num_best)
        source = best // num_each
        grown = _rows(search.living.tokens, source)
        new = _rows(tokens.reshape(num_rows, -1), best)
        grown = lax.dynamic_update_index_in_dim(grown, new, search.t, 2)
        return carry, Beams(grown, scores, jnp.full(best.shape, search.t + 1)), source

    def taken_off(carry: Carry) -> Any:
        return 0 if penalise is None else penalise(carry).reshape(num_rows, -1).astype(dtype)

    def search_on(search: _Search) -> _Search:
        carry, beams, source = continued(search)
        finished = search.finished
        if end is not None:
            has_ended = lax.dynamic_index_in_dim(beams.tokens, search.t, 2, False) == end
            is_good = jnp.arange(has_ended.shape[1]) < num_beams
            total = beams.scores / penalties[search.t + 1]
            if penalise is not None:
                total -= _rows(taken_off(carry), source)
            ended = beams._replace(scores=jnp.where(has_ended & is_good[None], total, -jnp.inf))
            finished = _best(_joined(finished, ended), num_results)[0]
            beams = beams._replace(scores=jnp.where(has_ended, -jnp.inf, beams.scores))
        living, kept = _best(beams, num_beams)
        rows = jnp.arange(num_rows)[:, None] * num_beams + _rows(source, kept)
        carry = jax.tree.map(lambda array: array[rows.reshape(-1)], carry)
        return _Search(search.t + 1, carry, living, finished)

    living = nothing(num_beams)
    # All begin alike, so one of them is enough.
    living = living._replace(scores=living.scores.at[:, 0].set(0))
    search = _Search(jnp.int32(0), carry, living, nothing(num_results))
    search = lax.while_loop(goes_on, search_on, search)
    # Where the search has stopped early these can't be better, whatever is still to come.
    total = search.living.scores / penalties[search.t] - taken_off(search.carry)
    cut = search.living._replace(scores=total)
    return _best(_joined(search.finished, cut), num_results)[0]


def _joined(first: Beams, second: Beams) -> Beams:
    return jax.tree.map(lambda a, b: jnp.concatenate([a, b], axis=1), first, second)


def _best(beams: Beams, num: int) -> tuple[Beams, jax.Array]:
    """The sequences with the highest scores, of equal ones the first, and where they stood."""
    scores, index = lax.top_k(beams.scores, num)
    return Beams(_rows(beams.tokens, index), scores, _rows(beams.lengths, index)), index


def _rows(arrays: jax.Array, index: jax.Array) -> jax.Array:
    """Those ``[B, N, ...]`` of the entries ``[B, M, ...]`` that an index ``[B, N]`` names."""
    index = index.reshape(index.shape + (1,) * (arrays.ndim - 2))
    return jnp.take_along_axis(arrays, index, axis=1)
