"""What a model answers to what it has read: the most probable sequences that are found."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn
from jax import lax

from rnnjax.attention.reader import Reader
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


class _Searching(NamedTuple):
    """The carry of a search: the decoder's, and how much each place has been read so far."""

    decoder: Any
    read: jax.Array | None


@functools.lru_cache(maxsize=16)
def _step_of(model: nn.Module) -> Callable[..., tuple[Any, jax.Array]]:
    """``step(params, encoded, carry, tokens [B * K])``; the rows of a source lie together.

    They read what is known of it, of which there is one copy.
    """

    def step(
        params: Any, encoded: Any, carry: _Searching, tokens: jax.Array
    ) -> tuple[_Searching, jax.Array]:
        known = jax.tree.leaves(encoded)
        groups = known[0].shape[0] if known else tokens.shape[0]

        def apart(array: jax.Array) -> jax.Array:
            return array.reshape(groups, -1, *array.shape[1:])

        one_each = jax.tree.map(lambda a: a[:, None], encoded)
        beams = jax.tree.map(apart, carry.decoder)
        stepped: Any = model.apply(
            {"params": params}, one_each, beams, apart(tokens), method="step"
        )
        after, logits, weights = stepped
        after = jax.tree.map(lambda a: a.reshape(-1, *a.shape[2:]), after)
        read = carry.read
        if read is not None:
            read += weights.reshape(read.shape).astype(read.dtype)
        return _Searching(after, read), logits.reshape(-1, logits.shape[-1])

    return step


@functools.lru_cache(maxsize=16)
def _ensemble_of(model: nn.Module) -> Callable[..., tuple[Any, jax.Array]]:
    """The same of several models of one kind: the mean of their probabilities.

    Parameters, and what is known, ``[M, ...]``; the carry ``[B * K, M, ...]``.
    """
    each = jax.vmap(_step_of(model), in_axes=(0, 0, 1, None), out_axes=(1, 0))

    def step(params: Any, encoded: Any, carry: Any, tokens: jax.Array) -> tuple[Any, jax.Array]:
        carry, logits = each(params, encoded, carry, tokens)
        log_probs = jax.nn.log_softmax(logits.astype(jnp.promote_types(logits.dtype, jnp.float32)))
        return carry, jax.nn.logsumexp(log_probs, axis=0) - jnp.log(len(logits))

    return step


class How(NamedTuple):
    """The options of a search, as `answer` has them."""

    start: int
    end: int
    max_steps: int
    beam_size: int = 1
    length_penalty: float = 0.0
    coverage_penalty: float = 0.0
    num_results: int = 1
    is_ensemble: bool = False


@functools.partial(jax.jit, static_argnums=(0, 1))
def search(model: Any, how: How, params: Any, *inputs: jax.Array) -> Beams:
    """The most probable targets of a batch, as one program, which can be exported.

    Args:
        model: one with the methods ``encode(*inputs)`` and ``step(encoded, carry, symbols)``.
        how: the options.
        params: its parameters; those of an ensemble ``[M, ...]``.
        inputs: ``[B, ...]``; with a coverage penalty the last says where places are.
    """

    def encode(params: Any) -> Any:
        known: Any = model.apply({"params": params}, *inputs, method="encode")
        read = jnp.zeros(inputs[-1].shape) if how.coverage_penalty else None
        return known[0], _Searching(known[1], read)

    make = _ensemble_of if how.is_ensemble else _step_of
    encoded, carry = (jax.vmap(encode) if how.is_ensemble else encode)(params)
    if how.is_ensemble:
        carry = jax.tree.map(lambda a: jnp.moveaxis(a, 0, 1), carry)
    penalise = None
    if how.coverage_penalty:
        there = jnp.repeat(inputs[-1], how.beam_size, axis=0)
        penalise = functools.partial(_uncovered, jnp.float32(how.coverage_penalty), there)
    return beam_search(
        functools.partial(make(model), params, encoded), carry,
        jnp.full(inputs[0].shape[:1], how.start), beam_size=how.beam_size, max_steps=how.max_steps,
        end=how.end, length_penalty=how.length_penalty, num_results=how.num_results,
        penalise=penalise,
    )  # fmt: skip


def _uncovered(factor: jax.Array, there: jax.Array, carry: _Searching) -> jax.Array:
    """Wu et al.'s coverage penalty, of the models of an ensemble in the mean."""
    read = carry.read
    assert read is not None
    covered = read.mean(axis=1) if read.ndim > 2 else read
    # A place that was never read at all would cost everything.
    logs = jnp.log(jnp.clip(covered, 1e-6, 1))
    return -factor * jnp.where(there, logs, 0).sum(axis=-1)


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
    coverage_penalty: float = 0.0,
    num_results: int = 1,
    is_ensemble: bool = False,
    batch_size: int = 64,
) -> Answers:
    """The most probable targets of sources, as `rnnjax.decoding.beam_search` finds them.

    Sources of similar length are read together; with which others changes no answer.

    Args:
        model: an encoder and a decoder; 0 is padding.
        params: its parameters; those of an ensemble ``[M, ...]``.
        sources: numbers ``[S]`` each, at least one.
        start: the number that all targets begin behind.
        end: the one that ends them.
        max_steps: the most numbers of a target, its end counted.
        beam_size: K; 1 takes the most probable number at each step.
        length_penalty: α of the search.
        coverage_penalty: β: from the score of an answer is taken
            ``-β Σ_s log(min(Σ_t a_ts, 1))``; for decoders with attention.
        num_results: N, at most K.
        is_ensemble: whether there are several models, whose probabilities are averaged.
        batch_size: sources that are read together.

    Raises:
        ValueError: a coverage penalty is asked of a decoder that has no attention.

    Source of the penalties: Y. Wu et al., arXiv:1609.08144, equation 14.
    """
    order = sorted(range(len(sources)), key=lambda i: len(sources[i]))
    if coverage_penalty and not isinstance(model.decoder, Reader):
        raise ValueError("answer: a coverage penalty needs a decoder with attention.")
    how = How(
        start, end, max_steps, beam_size, float(length_penalty), float(coverage_penalty),
        num_results, is_ensemble,
    )  # fmt: skip
    found = _no_answers(len(sources), num_results)
    for first in range(0, len(order), batch_size):
        places = order[first : first + batch_size]
        longest = max(len(sources[i]) for i in places)
        padded = np.zeros((batch_size, _round_up(longest)), np.int32)
        padded[:, 0] = sources[places[0]][0]  # rows that fill up read something, too
        for row, i in enumerate(places):
            padded[row, : len(sources[i])] = sources[i]
        _note(found, places, search(model, how, params, padded, padded > 0), end)
    return found


def answer_each(
    model: nn.Module,
    params: Any,
    inputs: np.ndarray,
    *,
    start: int,
    end: int,
    max_steps: int,
    beam_size: int = 1,
    length_penalty: float = 0.0,
    num_results: int = 1,
    batch_size: int = 64,
) -> Answers:
    """The same of inputs of one size, such as pictures: with which others changes no answer.

    Args:
        model: one with the methods ``encode(inputs)`` and ``step(encoded, carry, symbols)``, such
            as `rnnjax.models.PictureDescriber`.
        params: its parameters.
        inputs: ``[N, ...]``.
        start: as of `answer`, like all that follow.
        end: likewise.
        max_steps: likewise.
        beam_size: likewise.
        length_penalty: likewise.
        num_results: likewise.
        batch_size: likewise.
    """
    how = How(start, end, max_steps, beam_size, float(length_penalty), num_results=num_results)
    found = _no_answers(len(inputs), num_results)
    hashable: Any = model  # as linen makes it, which the type checker can't see
    for first in range(0, len(inputs), batch_size):
        places = range(first, min(first + batch_size, len(inputs)))
        filled = np.minimum(np.arange(first, first + batch_size), len(inputs) - 1)
        _note(found, places, search(hashable, how, params, inputs[filled]), end)
    return found


def _no_answers(number: int, num_results: int) -> Answers:
    return Answers([[] for _ in range(number)], np.zeros((number, num_results)))


def _note(answers: Answers, places: Sequence[int], beams: Beams, end: int) -> None:
    """Puts what was found for the first rows of a batch to their places, without the end."""
    found = jax.device_get(beams)
    for row, i in enumerate(places):
        answers.scores[i] = found.scores[row]
        for tokens, length in zip(found.tokens[row], found.lengths[row], strict=True):
            own = tokens[:length]
            answers.tokens[i].append(own[:-1] if len(own) and own[-1] == end else own)


def alignments(
    model: EncoderDecoder,
    params: Any,
    sources: Sequence[np.ndarray],
    targets: Sequence[np.ndarray],
    *,
    start: int,
) -> list[np.ndarray]:
    r"""Where the model looks in a source before it writes each number of a given target.

    .. math:: a_{ts} = \mathrm{softmax}_s\, \mathrm{score}(\cdot, m_s) \text{ at the step from }
              w_{t-1} \text{ to } w_t

    Args:
        model: an encoder and a decoder; 0 is padding.
        params: its parameters.
        sources: numbers ``[S]`` each, at least one.
        targets: as many, ``[T]`` each, such as answers with their ends.
        start: the number that all targets begin behind.

    Returns:
        The weights ``[T, S]`` of each pair; those of a row sum to 1.

    Raises:
        ValueError: the decoder has no attention.
    """
    if not isinstance(model.decoder, Reader):
        raise ValueError(
            f"{type(model.decoder).__name__} has no attention, and looks nowhere; take a decoder "
            "of rnnjax.attention."
        )
    width, length = (_round_up(max(map(len, arrays))) for arrays in (sources, targets))
    padded = np.zeros((len(sources), width), np.int32)
    before = np.full((len(sources), length), start, np.int32)
    for row, (source, target) in enumerate(zip(sources, targets, strict=True)):
        padded[row, : len(source)] = source
        before[row, 1 : len(target)] = target[:-1]
    weights = np.asarray(_weights(model, params, padded, before))
    both = zip(sources, targets, strict=True)
    return [weights[: len(t), row, : len(s)] for row, (s, t) in enumerate(both)]


@functools.partial(jax.jit, static_argnums=0)
def _weights(
    model: EncoderDecoder, params: Any, sources: jax.Array, before: jax.Array
) -> jax.Array:
    """Of every place at every step, ``[T, B, S]``."""
    known: Any = model.apply({"params": params}, sources, sources > 0, method="encode")
    encoded, carry = known

    def step(carry: Any, symbols: jax.Array) -> tuple[Any, jax.Array]:
        stepped: Any = model.apply({"params": params}, encoded, carry, symbols, method="step")
        carry, _, weights = stepped
        return carry, weights

    return lax.scan(step, carry, before.T)[1]


def _round_up(length: int) -> int:
    return -(-length // MULTIPLE) * MULTIPLE
