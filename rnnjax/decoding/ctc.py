r"""What a network trained with connectionist temporal classification (CTC) says.

At each of T steps the network gives a class, one of which is the blank. A path :math:`\pi` of
classes stands for the sequence :math:`\mathcal{B}(\pi)`: repetitions are joined, then blanks left
out. Many paths stand for one sequence:

.. math:: p(y \mid x) = \sum_{\pi :\, \mathcal{B}(\pi) = y}\; \prod_t p_t(\pi_t)

Steps that a mask leaves out do not exist, on whichever side they are.

Source: A. Graves, S. Fernández, F. Gomez, J. Schmidhuber, "Connectionist temporal classification:
labelling unsegmented sequence data with recurrent neural networks", ICML 2006, 369-376.
"""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from rnnjax.decoding.sampling import in_float

NOTHING = -1
"""Behind the end of a sequence."""


class Path(NamedTuple):
    """The sequence that the likeliest class of each step stands for."""

    tokens: jax.Array
    """int32 ``[B, T]``; `NOTHING` behind the end."""
    steps: jax.Array
    """At which step each token begins: int32 ``[B, T]``; `NOTHING` behind the end."""
    lengths: jax.Array
    """How many tokens there are: int32 ``[B]``."""


class Prefixes(NamedTuple):
    """The N likeliest sequences of each row, the best first."""

    tokens: jax.Array
    """int32 ``[B, N, L]``; `NOTHING` behind the end."""
    scores: jax.Array
    """The logarithms of their probabilities, ``[B, N]``; -inf where there are fewer than N."""
    lengths: jax.Array
    """How many tokens each has: int32 ``[B, N]``."""


@functools.partial(jax.jit, static_argnames="blank")
def best_path(logits: jax.Array, mask: jax.Array, *, blank: int) -> Path:
    """The sequence of the likeliest path, which is not always the likeliest sequence.

    Args:
        logits: of the classes, ``[B, T, C]``.
        mask: which steps exist, bool ``[B, T]``.
        blank: the class that stands for nothing.

    >>> logits = jax.nn.one_hot(jnp.array([[2, 2, 0, 2, 1]]), 3)
    >>> found = best_path(logits, jnp.ones((1, 5), bool), blank=0)
    >>> found.tokens.tolist(), found.steps.tolist()
    ([[2, 2, 1, -1, -1]], [[0, 3, 4, -1, -1]])
    """
    classes = jnp.where(mask, logits.argmax(axis=-1), blank).astype(jnp.int32)
    before = jnp.pad(classes[:, :-1], ((0, 0), (1, 0)), constant_values=blank)
    begins = (classes != blank) & (classes != before)
    # Those that begin come first, in their order.
    order = jnp.argsort(~begins, axis=1, stable=True).astype(jnp.int32)
    lengths = begins.sum(axis=1, dtype=jnp.int32)
    there = jnp.arange(classes.shape[1])[None] < lengths[:, None]
    tokens = jnp.take_along_axis(classes, order, axis=1)
    return Path(jnp.where(there, tokens, NOTHING), jnp.where(there, order, NOTHING), lengths)


class _Beam(NamedTuple):
    """K prefixes of one row after some steps; dead ones have the scores -inf."""

    tokens: jax.Array
    """``[K, L]``."""
    lengths: jax.Array
    """``[K]``."""
    blank: jax.Array
    """log p of all paths of the prefix that end with a blank, ``[K]``."""
    token: jax.Array
    """Of those that end with its last token, ``[K]``."""

    @property
    def scores(self) -> jax.Array:
        return jnp.logaddexp(self.blank, self.token)

    @property
    def last(self) -> jax.Array:
        found = jnp.take_along_axis(self.tokens, jnp.maximum(self.lengths - 1, 0)[:, None], axis=1)
        return jnp.where(self.lengths > 0, found[:, 0], NOTHING)


@functools.partial(jax.jit, static_argnames=("blank", "beam_size", "max_length", "num_results"))
def prefix_beam_search(
    logits: jax.Array,
    mask: jax.Array,
    *,
    blank: int,
    beam_size: int,
    max_length: int,
    num_results: int = 1,
) -> Prefixes:
    r"""Searches the likeliest sequences, by the probabilities of all their paths.

    Of every prefix two probabilities are kept, of its paths that end with a blank and with its last
    token :math:`y_{\mathrm{last}}`:

    .. math:: p_t^b(y) &= p_t(\mathrm{blank})\, p_{t-1}(y) \\
              p_t^n(y) &= p_t(y_{\mathrm{last}})
              \bigl( p_{t-1}^n(y) + p_{t-1}^*(y_{1 \ldots -1}) \bigr)

    where :math:`p^*` is :math:`p^b` if the last two tokens are equal and :math:`p^b + p^n`
    otherwise. A prefix that is reached both ways, by staying and from a shorter one, is one
    hypothesis with the sum of both. As long as there are at most K prefixes nothing is lost, and
    the scores are exact.

    Args:
        logits: of the classes, ``[B, T, C]``.
        mask: which steps exist, bool ``[B, T]``.
        blank: the class that stands for nothing.
        beam_size: K, how many prefixes are kept after each step.
        max_length: L, the most tokens of a sequence; longer ones are not searched.
        num_results: N, at most K.

    Raises:
        ValueError: one of the sizes is not at least 1, or `num_results` exceeds the beam.

    Source: A. Graves, N. Jaitly, "Towards end-to-end speech recognition with recurrent neural
    networks", ICML 2014, algorithm 1, without a language model.
    """
    if not 1 <= num_results <= beam_size or max_length < 1:
        raise ValueError(
            f"prefix_beam_search: max_length={max_length} must be at least 1, and num_results="
            f"{num_results} from 1 to the beam size {beam_size}."
        )
    log_probs = jax.nn.log_softmax(in_float(logits))
    dead = jnp.full(beam_size, -jnp.inf, log_probs.dtype)
    begin = _Beam(
        jnp.full((beam_size, max_length), NOTHING, jnp.int32),
        jnp.zeros(beam_size, jnp.int32), dead.at[0].set(0), dead,
    )  # fmt: skip

    def search(log_probs: jax.Array, mask: jax.Array) -> _Beam:
        def step(beam: _Beam, given: tuple[jax.Array, jax.Array]) -> tuple[_Beam, None]:
            own, there = given
            new = _step(beam, own, blank)
            return jax.tree.map(lambda a, b: jnp.where(there, a, b), new, beam), None

        return lax.scan(step, begin, (log_probs, mask))[0]

    found = jax.vmap(search)(log_probs, mask)
    scores, best = lax.top_k(found.scores, num_results)
    tokens = jnp.take_along_axis(found.tokens, best[..., None], axis=1)
    return Prefixes(tokens, scores, jnp.take_along_axis(found.lengths, best, axis=1))


def _step(beam: _Beam, log_probs: jax.Array, blank: int) -> _Beam:
    """The best K prefixes after one step more, with log probabilities ``[C]`` of its classes."""
    size, most = beam.tokens.shape
    classes, last, scores = jnp.arange(len(log_probs)), beam.last, beam.scores
    of_last = jnp.where(last >= 0, log_probs[last], -jnp.inf)
    # To append the last token again takes a blank between them.
    before = jnp.where(classes[None] == last[:, None], beam.blank[:, None], scores[:, None])
    grows = (classes != blank)[None] & (beam.lengths < most)[:, None]
    grown = jnp.where(grows, before + log_probs[None], -jnp.inf)
    # Which prefix [j] is another one [k] and a token: both ways to it are one hypothesis.
    places = jnp.arange(most)
    is_behind = (places[None] >= beam.lengths[:, None])[None]
    equal = (beam.tokens[:, None] == beam.tokens[None]) | is_behind
    is_child = equal.all(axis=-1) & (beam.lengths[:, None] == beam.lengths[None] + 1)
    is_child &= (scores > -jnp.inf)[:, None] & (scores > -jnp.inf)[None]
    arriving = jnp.where(is_child, grown[:, jnp.maximum(last, 0)].T, -jnp.inf).max(axis=1)
    is_there = (is_child[..., None] & (classes[None, None] == last[:, None, None])).any(axis=0)
    grown = jnp.where(is_there, -jnp.inf, grown)
    stays_blank = scores + log_probs[blank]
    stays_token = jnp.logaddexp(beam.token + of_last, arriving)
    candidates = jnp.concatenate((jnp.logaddexp(stays_blank, stays_token), grown.ravel()))
    _, best = lax.top_k(candidates, size)
    has_grown, number = best >= size, jnp.maximum(best - size, 0)
    parent = jnp.where(has_grown, number // len(log_probs), best)
    new = (number % len(log_probs)).astype(jnp.int32)
    lengths = beam.lengths[parent]
    appended = has_grown[:, None] & (places[None] == lengths[:, None])
    return _Beam(
        jnp.where(appended, new[:, None], beam.tokens[parent]),
        lengths + has_grown,
        jnp.where(has_grown, -jnp.inf, stays_blank[parent]),
        jnp.where(has_grown, grown.ravel()[number], stays_token[parent]),
    )


@functools.partial(jax.jit, static_argnames="blank")
def occupancy(
    logits: jax.Array, mask: jax.Array, labels: jax.Array, padding: jax.Array, *, blank: int
) -> jax.Array:
    r"""How likely each step belongs to each label of a known sequence, or to a blank beside it.

    With the states s = 0 … 2 L of the labels and the blanks before, between and after them,

    .. math:: \gamma_{ts} = p(s_t = s \mid y, x)
              = \frac{\partial \log p(y \mid x)}{\partial \log p_t(y'_s)}

    the second being what the forward-backward algorithm computes; here the gradient of the forward
    pass does.

    Args:
        logits: of the classes, ``[B, T, C]``.
        mask: which steps exist, bool ``[B, T]``.
        labels: int ``[B, L]``, which some path must be able to stand for.
        padding: where there is no label, bool ``[B, L]``, behind the others.
        blank: the class that stands for nothing.

    Returns:
        ``[B, T, 2 L + 1]``; the sum of each step that exists is 1. Those of the labels have odd
        numbers.
    """
    labels = jnp.where(padding, blank, labels)
    states = jnp.full((labels.shape[0], 2 * labels.shape[1] + 1), blank).at[:, 1::2].set(labels)
    emissions = jnp.take_along_axis(
        jax.nn.log_softmax(in_float(logits)), states[:, None, :], axis=-1
    )
    counts = (~padding).sum(axis=1)
    return jax.grad(
        lambda given: jax.vmap(_forward)(
            given,
            mask,
            states,
            counts,
        ).sum()
    )(emissions)


def _forward(emissions: Any, mask: jax.Array, states: jax.Array, count: jax.Array) -> jax.Array:
    """log p(y | x) of one row from log probabilities ``[T, 2 L + 1]`` of its states' classes."""
    never = jnp.asarray(-1e30, emissions.dtype)  # -inf would have no gradient
    begin = jnp.where(jnp.arange(len(states)) == 0, 0, never)
    # A label may follow another one without a blank where it is a different one.
    before = jnp.roll(states, 2)
    skips = (jnp.arange(len(states)) % 2 == 1) & (jnp.arange(len(states)) > 1) & (states != before)

    def step(alpha: jax.Array, given: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, None]:
        own, there = given
        one = jnp.concatenate((never[None], alpha[:-1]))
        two = jnp.where(skips, jnp.concatenate((never[None], never[None], alpha[:-2])), never)
        new = jax.nn.logsumexp(jnp.stack((alpha, one, two)), axis=0) + own
        return jnp.where(there, new, alpha), None

    alpha, _ = lax.scan(step, begin, (emissions, mask))
    last = jnp.where(count > 0, alpha[jnp.maximum(2 * count - 1, 0)], never)
    return jnp.logaddexp(alpha[2 * count], last)
