"""Prompts that are read."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rnnjax import length_mask
from rnnjax.decoding import prime
from tests.decoding.tiny import rows_of, tiny_carry, tiny_model
from tests.running import assert_close, quick_jit

V, B, T = 7, 3, 5
MODEL = quick_jit(tiny_model(V))
TOKENS = np.random.default_rng(0).integers(0, V, (T, B))


def by_loop(carry, tokens):
    logits = np.zeros((tokens.shape[1], V))
    for token in tokens:
        carry, logits = MODEL(carry, token)
    return carry, logits


def test_it_is_a_loop_over_the_step():
    assert_close(
        prime(tiny_model(V), tiny_carry(B), TOKENS), by_loop(tiny_carry(B), TOKENS), tolerance=1e-5
    )


def test_rows_of_several_lengths():
    lengths = np.array([5, 2, 0])
    found = prime(tiny_model(V), tiny_carry(B), TOKENS, length_mask(jnp.asarray(lengths), T))
    carry, logits = jax.device_get(found)
    for row, length in enumerate(lengths):
        alone = rows_of(tiny_carry(B), slice(row, row + 1))
        expected = by_loop(alone, TOKENS[:length, row : row + 1])
        assert_close((rows_of(carry, [row]), logits[row : row + 1]), expected, tolerance=1e-5)


def test_what_is_masked_is_not_read():
    mask = np.random.default_rng(1).random((T, B)) < 0.5
    mask[:, 0] = [False, True, False, True, False]
    other = np.where(mask, TOKENS, (TOKENS + 1) % V)
    results = [prime(tiny_model(V), tiny_carry(B), tokens, mask) for tokens in (TOKENS, other)]
    assert_close(*results, tolerance=0)
    assert results[0][0]["count"].tolist() == mask.sum(0).tolist()


def test_nothing_to_read():
    carry, logits = prime(tiny_model(V), tiny_carry(B), TOKENS[:0])
    assert_close(carry, tiny_carry(B))
    assert_close(logits, np.zeros((B, V)))


def test_logits_are_computed_once():
    """The product with the output matrix stands outside of the loop."""
    run = jax.jit(lambda tokens: prime(tiny_model(V), tiny_carry(B), tokens))
    text = run.lower(TOKENS).compile().as_text()
    (loop,) = [line for line in str(text).splitlines() if " while(" in line]
    assert f"[{B},{V}]" not in loop.split(" while(")[0]


@pytest.mark.parametrize(
    ("tokens", "mask", "message"),
    [
        (TOKENS[0], None, r"tokens must be an array of integers \[T, B\]"),
        (TOKENS.astype(float), None, "tokens must be an array of integers"),
        (TOKENS[:, :2], None, "needs the batch as its first axis"),
        (TOKENS, np.ones(T, bool), "booleans of the tokens' shape"),
        (TOKENS, np.ones((T, B)), "booleans of the tokens' shape"),
    ],
)
def test_mistakes(tokens, mask, message):
    with pytest.raises(ValueError, match=message):
        prime(tiny_model(V), tiny_carry(B), tokens, mask)
