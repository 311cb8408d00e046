"""Beam search, beside a search through all sequences."""

from __future__ import annotations

import functools
import itertools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rnnjax.decoding import Sampling, allow, beam_search, sample
from tests.decoding.tiny import log_probs_after, rows_of, tiny_carry, tiny_model, tiny_params
from tests.running import assert_close

END = 0


def search(num_tokens, num_rows=2, dtype: Any = np.float32, carry=None, first=None, **options):
    carry = tiny_carry(num_rows, dtype) if carry is None else carry
    first = np.arange(1, num_rows + 1) if first is None else first
    arguments: dict[str, Any] = {"end": END} | options
    return jax.device_get(beam_search(tiny_model(num_tokens, dtype), carry, first, **arguments))


def all_sequences(num_tokens, num_steps, row, *, alpha=0.0, allowed=None, end: int | None = END):
    """Every sequence that has ended, or was cut, with its score, the best first."""
    params, h = tiny_params(num_tokens, np.float64), tiny_carry(2, np.float64)["h"][row]
    scored = {}
    for word in itertools.product(range(num_tokens), repeat=num_steps):
        length = word.index(end) + 1 if end in word else num_steps
        tokens = word[:length]
        if tokens in scored:
            continue
        if allowed is not None and not all(allowed[t, token] for t, token in enumerate(tokens)):
            continue
        log_prob = sum(
            log_probs_after(params, h, [row + 1, *tokens[:t]])[token]
            for t, token in enumerate(tokens)
        )
        scored[tokens] = log_prob / ((5 + length) / 6) ** alpha
    return sorted(scored.items(), key=lambda item: -item[1])


def found_in(beams, row):
    """What was found for a row: pairs of tokens and score."""
    return [
        (tuple(tokens[:length].tolist()), score)
        for tokens, score, length in zip(*(part[row] for part in beams), strict=True)
    ]


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize(("alpha", "constrained"), [(0.0, False), (0.9, True), (2.5, False)])
def test_with_enough_beams_it_is_a_search_through_everything(alpha, constrained):
    num_tokens, num_steps = 3, 4
    allowed = np.ones((num_steps, num_tokens), bool)
    allowed[1, 2] = allowed[2, END] = not constrained
    beams = search(
        num_tokens,
        dtype=np.float64,
        beam_size=num_tokens**num_steps,
        max_steps=num_steps,
        num_results=10,
        length_penalty=alpha,
        constrain=allow(allowed),
    )
    for row in range(2):
        expected = all_sequences(num_tokens, num_steps, row, alpha=alpha, allowed=allowed)[:10]
        found = found_in(beams, row)
        assert [tokens for tokens, _ in found] == [tokens for tokens, _ in expected]
        assert_close([s for _, s in found], [s for _, s in expected])
    lengths = beams.lengths
    assert lengths.min() < lengths.max() == num_steps
    behind = np.arange(num_steps) >= lengths[..., None]
    assert (beams.tokens[behind] == END).all()


@pytest.mark.usefixtures("x64")
def test_without_an_end_all_are_equally_long():
    beams = search(
        3, dtype=np.float64, beam_size=27, max_steps=3, num_results=27, end=None, length_penalty=1.0
    )
    for row in range(2):
        expected = all_sequences(3, 3, row, alpha=1.0, end=None)
        assert [tokens for tokens, _ in found_in(beams, row)] == [tokens for tokens, _ in expected]


def test_one_beam_is_greedy():
    num_rows, num_steps = 12, 8
    carry, first = tiny_carry(num_rows), np.arange(num_rows) % 5
    beams = search(5, carry=carry, first=first, beam_size=1, max_steps=num_steps)
    greedy = sample(
        tiny_model(5), carry, first, jax.random.key(0),
        num_steps=num_steps, sampling=Sampling(temperature=0), end=END,
    )  # fmt: skip
    np.testing.assert_array_equal(beams.tokens[:, 0], greedy.tokens.T)
    np.testing.assert_array_equal(beams.lengths[:, 0], greedy.lengths)
    np.testing.assert_allclose(beams.scores[:, 0], greedy.log_probs.sum(0), rtol=1e-5)
    assert len(set(beams.lengths.ravel().tolist())) > 2


def by_hand(tables, max_steps, beam_size, alpha):
    """The search on tables of log probabilities, by sorted lists, without any early stop."""
    living, finished = [(0.0, (1,))], []
    for t in range(max_steps):
        grown = [
            (score + tables[t][tokens[-1], token], (*tokens, token))
            for score, tokens in living
            for token in range(len(tables[t]))
        ]
        grown.sort(key=lambda pair: -pair[0])
        penalty = ((6 + t) / 6) ** alpha
        finished += [(s / penalty, y) for s, y in grown[:beam_size] if y[-1] == END]
        living = [pair for pair in grown if pair[1][-1] != END][:beam_size]
    cut = [(s / ((5 + max_steps) / 6) ** alpha, y) for s, y in living]
    return sorted(finished + cut, key=lambda pair: -pair[0])


@pytest.mark.usefixtures("x64")
def test_the_early_stop_loses_nothing():
    """Many tables at once, each with the result of a search that goes on to the last step."""
    num_tables, num_tokens, steps = 60, 4, 9
    # A table for each step: with one for all, sequences of the same pairs would be equally good.
    logits = np.random.default_rng(0).normal(size=(num_tables, steps, num_tokens, num_tokens)) * 1.5
    tables = logits - np.log(np.exp(logits).sum(-1, keepdims=True))

    def step(carry, tokens):
        tables, count = carry
        rows = jnp.arange(len(tokens))
        return (tables, count + 1), tables[rows, count, tokens]

    @functools.partial(jax.jit, static_argnums=(1, 2))
    def run(tables, alpha, num_results):
        return beam_search(
            step, (tables, jnp.zeros(len(tables), int)), jnp.ones(len(tables), int), beam_size=3,
            max_steps=steps, end=END, length_penalty=alpha, num_results=num_results,
        )  # fmt: skip

    for alpha, num_results in ((2.5, 1), (1.5, 3)):
        beams = jax.device_get(run(tables, alpha, num_results))
        for row, table in enumerate(tables):
            expected = by_hand(table, steps, 3, alpha)[:num_results]
            found = found_in(beams, row)
            assert [tokens for tokens, _ in found] == [tokens[1:] for _, tokens in expected]
            assert_close([score for _, score in found], [score for score, _ in expected])


def test_the_search_stops_when_nothing_better_can_come():
    def step(count, tokens):
        # After the third step there is nothing but NaN.
        logits = jnp.log(jnp.array([0.9, 0.05, 0.05]))
        return count + 1, jnp.where(count[:, None] < 3, logits[None], jnp.nan)

    first = np.array([1, 2])
    beams = beam_search(step, jnp.zeros(2), first, beam_size=2, max_steps=50, end=END)
    assert_close(beams.scores, np.log(np.full((2, 1), 0.9)), tolerance=1e-6)
    assert beams.lengths.tolist() == [[1], [1]]


def test_batch_mates_change_nothing():
    order = np.array([1, 1, 0])
    options: dict[str, Any] = {"beam_size": 3, "max_steps": 6, "num_results": 3}
    first = np.array([1, 2, 3])
    together = search(5, 3, first=first, **options)
    mixed = search(5, carry=rows_of(tiny_carry(3), order), first=first[order], **options)
    for a, b in zip(together, mixed, strict=True):
        np.testing.assert_array_equal(a[order], b)


def test_where_there_are_fewer_sequences_than_asked_for():
    only = np.arange(4)[None] == np.array([[2], [END]])
    beams = search(4, beam_size=3, max_steps=5, num_results=3, constrain=allow(only))
    assert beams.tokens[0].tolist() == [[2, *[END] * 4], [END] * 5, [END] * 5]
    assert beams.lengths.tolist() == [[2, 0, 0]] * 2
    assert np.isneginf(beams.scores).tolist() == [[False, True, True]] * 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"beam_size": 0}, "beam_size must be an integer from 1 on"),
        ({"max_steps": 0}, "max_steps must be an integer from 1 on"),
        ({"num_results": 3}, "num_results must be at most the beam size 2"),
        ({"length_penalty": -0.5}, "length_penalty must be a number from 0 on"),
        ({"end": 1.5}, "end must be an integer"),
        ({"first": np.zeros((2, 2), int)}, "first_tokens must be"),
        ({"carry": tiny_carry(3)}, "needs the batch as its first axis"),
    ],
)
def test_mistakes(options, message):
    with pytest.raises(ValueError, match=message):
        search(4, **({"beam_size": 2, "max_steps": 3} | options))
