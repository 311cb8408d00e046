"""What an encoder and a decoder answer to sources: the most probable targets that are found."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from rnnjax.decoding import Beams, beam_search
from rnnjax.models.encoder_decoder import EncoderDecoder

MULTIPLE = 8
"""Sources are padded to multiples of this, so that few lengths have programs."""


class Answers(NamedTuple):
    """The answers to some sources, in their order."""

    tokens: list[list[np.ndarray]]
    """The N best of each, the best first, int ``[T]`` without the end."""
    scores: np.ndarray
    """``[sources, N]``."""


def decoding_step(model: EncoderDecoder) -> Callable[..., tuple[Any, jax.Array]]:
    """A step function for beams: ``step(params, encoded, carry, tokens [B * K])``.

    The rows of a source lie together, and read what is known of it, of which there is one copy.

    Args:
        model: an encoder and a decoder.
    """
    hashable: Any = model  # as linen makes it, which the type checker can't see
    return _step_of(hashable)


@functools.lru_cache(maxsize=16)
def _step_of(model: EncoderDecoder) -> Callable[..., tuple[Any, jax.Array]]:
    def step(params: Any, encoded: Any, carry: Any, tokens: jax.Array) -> tuple[Any, jax.Array]:
        num_sources = jax.tree.leaves(encoded)[0].shape[0] if jax.tree.leaves(encoded) else None
        groups = num_sources or len(tokens)

        def apart(array: jax.Array) -> jax.Array:
            return array.reshape(groups, -1, *array.shape[1:])

        known = jax.tree.map(lambda a: a[:, None], encoded)
        beams = jax.tree.map(apart, carry)
        stepped: Any = model.apply({"params": params}, known, beams, apart(tokens), method="step")
        carry, logits, _ = stepped
        together = jax.tree.map(lambda a: a.reshape(-1, *a.shape[2:]), carry)
        return together, logits.reshape(-1, logits.shape[-1])

    return step


@functools.partial(jax.jit, static_argnums=(0, 1))
def _search(
    model: EncoderDecoder, options: tuple[Any, ...], params: Any, sources: jax.Array
) -> Beams:
    start, end, beam_size, max_steps, length_penalty, num_results = options
    known: Any = model.apply({"params": params}, sources, sources > 0, method="encode")
    encoded, carry = known
    step = functools.partial(decoding_step(model), params, encoded)
    return beam_search(
        step, carry, jnp.full(len(sources), start), beam_size=beam_size, max_steps=max_steps,
        end=end, length_penalty=length_penalty, num_results=num_results,
    )  # fmt: skip


def answer(
    model: EncoderDecoder,
    params: Any,
    sources: Sequence[np.ndarray],
    *,
    start: int,
    end: int,
    max_steps: int,
    beam_size: int = 1,
    length_penalty: float = 0.0,
    num_results: int = 1,
    batch_size: int = 64,
) -> Answers:
    """The most probable targets of sources, as `rnnjax.decoding.beam_search` finds them.

    Sources of similar length are read together; with which others changes no answer.

    Args:
        model: an encoder and a decoder; 0 is padding.
        params: its parameters.
        sources: numbers ``[S]`` each, at least one.
        start: the number that all targets begin behind.
        end: the one that ends them.
        max_steps: the most numbers of a target, its end counted.
        beam_size: K; 1 takes the most probable number at each step.
        length_penalty: α of the search.
        num_results: N, at most K.
        batch_size: sources that are read together.
    """
    order = sorted(range(len(sources)), key=lambda i: len(sources[i]))
    options = start, end, beam_size, max_steps, length_penalty, num_results
    tokens: list[list[np.ndarray]] = [[] for _ in sources]
    scores = np.zeros((len(sources), num_results))
    for first in range(0, len(order), batch_size):
        places = order[first : first + batch_size]
        longest = max(len(sources[i]) for i in places)
        padded = np.zeros((batch_size, -(-longest // MULTIPLE) * MULTIPLE), np.int32)
        padded[:, 0] = sources[places[0]][0]  # rows that fill up read something, too
        for row, i in enumerate(places):
            padded[row, : len(sources[i])] = sources[i]
        found = jax.device_get(_search(model, options, params, padded))
        for row, i in enumerate(places):
            scores[i] = found.scores[row]
            for result in range(num_results):
                written = found.tokens[row, result, : found.lengths[row, result]]
                tokens[i].append(written[:-1] if len(written) and written[-1] == end else written)
    return Answers(tokens, scores)
