"""Sequences that are sampled: at once, in pieces, with an end, in a form."""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rnnjax.decoding import Sampling, allow, resume, sample, stream
from rnnjax.decoding.row_keys import row_keys
from rnnjax.decoding.step_functions import as_data
from tests.decoding.tiny import (
    log_probs_after,
    rows_of,
    tiny_carry,
    tiny_model,
    tiny_params,
    tiny_step,
)
from tests.running import quick_jit

V, B, T, END = 7, 4, 12, 6
KEY = jax.random.key(3)
FIRST = np.array([1, 2, 3, 1])
MODEL = as_data(tiny_model(V), "step")
quick_sample = quick_jit(sample, static_argnames=("num_steps", "end"))


def write(
    step: Any = MODEL,
    carry=None,
    first=FIRST,
    key=KEY,
    num_steps=T,
    run: Any = quick_sample,
    **options,
):
    carry = tiny_carry(len(first)) if carry is None else carry
    if run is quick_sample:
        key = row_keys("write", key, len(first))  # so that both kinds share a program
    return fetched(run(step, carry, first, key, num_steps=num_steps, **options))


def fetched(samples):
    """With NumPy arrays: an operation of JAX's outside of a program is a program, too."""
    carry = jax.device_get(samples.state.carry)
    arrays = jax.device_get(samples._replace(state=None))
    return arrays._replace(state=samples.state._replace(carry=carry))


def same(a, b):
    """Whether two trees of arrays are equal bit for bit."""
    return all(map(np.array_equal, jax.tree.leaves(a), jax.tree.leaves(b)))


def test_it_is_a_loop_over_the_step():
    samples = write(sampling=Sampling(0.8, top_k=5))
    step, carry, tokens = tiny_model(V), tiny_carry(B), jnp.asarray(FIRST)

    @quick_jit
    def advance(carry, tokens, t):
        carry, logits = step(carry, tokens)
        keys = [jax.random.fold_in(jax.random.fold_in(KEY, row), t) for row in range(B)]
        drawn = [Sampling(0.8, top_k=5).draw(keys[row], logits[row]) for row in range(B)]
        return carry, jnp.stack(drawn)

    for t in range(3):
        carry, tokens = advance(carry, tokens, t)
        np.testing.assert_array_equal(samples.tokens[t], tokens)
    assert samples.tokens.dtype == jnp.int32


def test_the_log_probabilities_are_the_models_own():
    samples = write(sampling=Sampling(2.0, top_p=0.9), constrain=allow(np.arange(V)[None] != 2))
    h = np.asarray(tiny_carry(B)["h"], np.float64)
    expected = np.empty((T, B))
    for row in range(B):
        read = [FIRST[row], *samples.tokens[:, row].tolist()]
        for t in range(T):
            expected[t, row] = log_probs_after(tiny_params(V), h[row], read[: t + 1])[read[t + 1]]
    np.testing.assert_allclose(samples.log_probs, expected, atol=2e-5)


def test_greedy_needs_no_luck():
    greedy = Sampling(temperature=0)
    once, again = (write(sampling=greedy, key=jax.random.key(k)).tokens for k in (0, 1))
    np.testing.assert_array_equal(once, again)
    h = np.asarray(tiny_carry(B)["h"], np.float64)
    for row in range(B):
        read = [FIRST[row]]
        for _ in range(T):
            read.append(int(log_probs_after(tiny_params(V), h[row], read).argmax()))
        assert read[1:] == once[:, row].tolist()


@pytest.mark.usefixtures("optimised")
def test_pieces_and_chunks_are_the_whole():
    # As users' programs are compiled: here several of them have to round alike.
    options = {"sampling": Sampling(0.9, top_k=6), "end": END}
    options |= {"forced": np.where(np.arange(T)[:, None] == 5, 2, -np.ones((T, B), int))}
    options |= {"constrain": allow(np.arange(V)[None] != np.arange(T)[:, None] % 4)}
    whole = write(run=sample, **options)
    begun = write(run=sample, num_steps=6, **options)
    rest = fetched(resume(MODEL, begun.state, num_steps=6, **options))
    joined = np.concatenate([begun.tokens, rest.tokens])
    np.testing.assert_array_equal(joined, whole.tokens)
    assert same(np.concatenate([begun.log_probs, rest.log_probs]), whole.log_probs)
    assert same(rest.state.carry, whole.state.carry)
    assert same(rest.state.ended, whole.state.ended)
    assert same(begun.lengths + rest.lengths, whole.lengths)
    chunks = list(stream(MODEL, tiny_carry(B), FIRST, KEY, num_steps=T, chunk=6, **options))
    taken = int(whole.state.position)
    np.testing.assert_array_equal(np.concatenate(chunks), whole.tokens[:taken])


def test_batch_mates_change_nothing():
    keys = jax.random.split(KEY, B)
    together = write(key=keys, end=END)
    order = np.array([2, 0, 0, 3])  # row 2 comes first, and row 0 twice
    mixed = write(carry=rows_of(tiny_carry(B), order), first=FIRST[order], key=keys[order], end=END)
    assert same(mixed.tokens, together.tokens[:, order])
    assert same(mixed.log_probs, together.log_probs[:, order])
    assert same(mixed.lengths, together.lengths[order])
    assert same(rows_of(together.state.carry, order), mixed.state.carry)


def test_a_row_draws_alike_whatever_the_number_of_rows():
    few = write(carry=rows_of(tiny_carry(B), slice(2)), first=FIRST[:2])
    np.testing.assert_array_equal(few.tokens, write().tokens[:, :2])


def test_an_end_stops_a_row_and_then_the_program():
    free = write()
    ended = write(end=END)
    for row in range(B):
        column = free.tokens[:, row].tolist()
        length = column.index(END) + 1 if END in column else T
        assert ended.lengths[row] == length
        assert ended.tokens[:, row].tolist() == column[:length] + [END] * (T - length)
        np.testing.assert_array_equal(ended.log_probs[:length, row], free.log_probs[:length, row])
        assert not ended.log_probs[length:, row].any()
        # The carry has read all that was written but the last token, and then rests.
        assert ended.state.carry["count"][row] == length
    assert 0 < ended.lengths.min() < T, "a case without an early end shows nothing"
    long = write(end=END, num_steps=5 * T)
    assert long.state.ended.all()
    assert int(long.state.position) == int(long.lengths.max()) < 5 * T


def test_a_first_token_that_is_the_end_begins_a_text():
    assert (write(first=np.full(B, END), end=END).lengths >= 1).all()


def test_forced_tokens_are_written_and_read():
    forced = -np.ones((4, B), int)
    forced[0], forced[3, 1] = 4, 0
    samples = write(forced=forced)
    where = forced >= 0
    np.testing.assert_array_equal(samples.tokens[:4][where], forced[where])
    assert (samples.log_probs < 0).all()
    assert samples.tokens[4:, 1].any(), "behind the last position all rows are free"
    free = write()
    assert not np.array_equal(free.tokens[1:, 0], samples.tokens[1:, 0])


def test_a_form():
    """Lines of five or seven letters, each row by its own measure, and a given first letter."""
    newline, measures = 0, np.array([5, 7, 5, 7])
    positions = np.arange(16)[:, None]
    is_line_end = positions % (measures + 1) == measures
    allowed = is_line_end[:, :, None] == (np.arange(V) == newline)
    forced = np.where(positions % (measures + 1) == 0, 3, -1)
    one = write(num_steps=16, constrain=allow(allowed), forced=forced)
    # The same form in less memory: ends of lines are forced, and elsewhere forbidden.
    both = np.where(is_line_end, newline, forced)
    other = write(num_steps=16, constrain=allow(np.arange(V)[None] != newline), forced=both)
    np.testing.assert_array_equal(one.tokens, other.tokens)
    np.testing.assert_array_equal(one.tokens == newline, is_line_end)
    assert (one.tokens[positions[:, 0] % 6 == 0, 0] == 3).all()


def test_a_constraint_is_any_function():
    def no_repeats(position, logits):
        return jnp.where(jnp.arange(V)[None] == position % V, logits, -jnp.inf)

    np.testing.assert_array_equal(
        write(constrain=as_data(no_repeats, "constrain")).tokens[:, 1], np.arange(T) % V
    )


def test_behind_the_last_position_what_it_allows_is_allowed():
    allowed = quick_jit(lambda t: allow(np.eye(3, V, dtype=bool))(t, jnp.zeros((B, V))))(
        np.arange(5)[3]
    )
    np.testing.assert_array_equal(np.isfinite(allowed), np.tile(np.arange(V) == 2, (B, 1)))


def test_new_parameters_and_keys_need_no_new_program():
    traces = []

    def step(params, carry, tokens):
        traces.append(0)
        return tiny_step(params, carry, tokens)

    params = tiny_params(V)
    first = write(functools.partial(step, params), run=sample)
    count = len(traces)
    turned = tuple(-p for p in params)
    other = write(functools.partial(step, turned), key=jax.random.key(8), run=sample)
    assert len(traces) == count
    assert not np.array_equal(first.tokens, other.tokens)


def test_seeds_at_once():
    keys = jax.random.split(jax.random.key(0), 3)
    many = jax.vmap(
        lambda key: sample(MODEL, tiny_carry(B), FIRST, key, num_steps=T, end=END)._replace(
            state=None
        )
    )(keys)
    for i, key in enumerate(keys):
        one = write(key=key, end=END)
        np.testing.assert_array_equal(many.tokens[i], one.tokens)
        np.testing.assert_array_equal(many.lengths[i], one.lengths)


def test_raw_keys_are_keys():
    rows = row_keys("sample", KEY, B)
    second = jax.random.fold_in(KEY, 1)
    np.testing.assert_array_equal(jax.random.key_data(rows[1]), jax.random.key_data(second))
    for key in (jax.random.key_data(KEY), rows, jax.random.key_data(rows)):
        same_keys = row_keys("sample", key, B)
        found, expected = map(jax.random.key_data, (same_keys, rows))
        np.testing.assert_array_equal(found, expected)


def test_half_precision():
    params = jax.tree.map(lambda p: jnp.asarray(p, jnp.bfloat16), tiny_params(V))
    carry = tiny_carry(B, jnp.bfloat16)
    samples = write(as_data(functools.partial(tiny_step, params), "step"), carry)
    assert samples.log_probs.dtype == jnp.float32
    assert samples.state.carry["h"].dtype == jnp.bfloat16


def test_a_step_without_a_carry_and_nothing_to_write():
    samples = write(lambda carry, tokens: (carry, jnp.zeros((B, V))), (), num_steps=0, run=sample)
    assert samples.tokens.shape == (0, B)
    assert not samples.lengths.any()


def test_a_stream_goes_on_for_ever_with_one_program():
    traces = []

    def step(carry, tokens):
        traces.append(0)
        return MODEL(carry, tokens)

    chunks = stream(step, tiny_carry(B), FIRST, KEY, chunk=5)
    begun = [next(chunks)]
    count = len(traces)
    begun += [next(chunks) for _ in range(2)]
    np.testing.assert_array_equal(np.concatenate(begun)[:T], write().tokens)
    few = list(stream(step, tiny_carry(B), FIRST, KEY, chunk=5, num_steps=T))
    assert [len(tokens) for tokens in few] == [5, 5, 2]
    np.testing.assert_array_equal(np.concatenate(few), write().tokens)
    assert len(traces) == count


def bad_step(carry, tokens):
    return carry


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"step": 3}, "step must be a function"),
        ({"step": bad_step}, "must give a pair"),
        ({"step": lambda c, t: (c["h"], jnp.zeros((B, V)))}, "same structure, shapes and types"),
        ({"step": lambda c, t: (c, jnp.zeros((B, V), int))}, r"logits \[B, V\] of a float type"),
        ({"step": lambda c, t: (c, jnp.zeros(V))}, r"logits \[B, V\] of a float type"),
        ({"first": np.zeros((B, 1), int)}, r"first_tokens must be an array of integers \[B\]"),
        ({"first": np.zeros(B)}, "first_tokens"),
        ({"first": np.zeros(3, int), "carry": tiny_carry(4)}, "needs the batch as its first axis"),
        ({"key": 3}, "key must be one random key"),
        ({"key": jax.random.split(KEY, 3)}, "one for each of the 4 rows"),
        ({"num_steps": -1}, "num_steps must be an integer from 0 on"),
        ({"num_steps": 2.0}, "num_steps"),
        ({"end": -1}, "end must be an integer from 0 on"),
        ({"sampling": 0.8}, "sampling must be a Sampling"),
        ({"forced": np.zeros((3, B + 1), int)}, "forced must have the axes"),
        ({"forced": np.full((3, B), V)}, "forced must hold tokens from 0 to 6"),
        ({"forced": np.full((3, B), -2)}, "but holds -2"),
        ({"constrain": "vowels"}, "constrain must be a function"),
    ],
)
def test_mistakes(options, message):
    with pytest.raises(ValueError, match=message):
        write(run=sample, **options)


def test_mistakes_in_a_stream_are_told_at_once():
    with pytest.raises(ValueError, match="chunk must be an integer from 1 on"):
        stream(tiny_model(V), tiny_carry(B), FIRST, KEY, chunk=0)


@pytest.mark.parametrize(
    ("allowed", "message"),
    [
        (np.ones((2, V)), "wants booleans"),
        (np.ones(V, bool), "wants booleans"),
        (np.eye(3, V, k=-1, dtype=bool), "at position 0 no token is allowed"),
        (np.ones((0, V), bool), "at least one position"),
    ],
)
def test_mistakes_in_what_is_allowed(allowed, message):
    with pytest.raises(ValueError, match=message):
        allow(allowed)
