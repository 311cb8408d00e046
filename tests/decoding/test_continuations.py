"""The best continuations, beside a stable sort of all of them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rnnjax.decoding import continuations
from rnnjax.decoding.continuations import best_continuations

FIND = jax.jit(best_continuations, static_argnums=3)


def sorted_out(scores, logits, total, num):
    """In NumPy: of equal ones the first."""
    size = logits.shape[-1]
    flat = (scores[..., None] + (logits - total[..., None])).reshape(len(scores), -1)
    order = np.argsort(-flat, axis=1, kind="stable")[:, :num]
    return np.take_along_axis(flat, order, axis=1), order // size, order % size


@pytest.mark.parametrize(
    ("shape", "num"),
    [
        ((2, 3, 7), 6),  # all are sorted
        ((1, 1, 512), 2),  # blocks, of which the last is whole
        ((2, 3, 533), 6),  # one that is not
        ((1, 2, 600), 18),
    ],
)
def test_in_the_order_of_a_stable_sort(shape, num):
    rng = np.random.default_rng(sum(shape))
    # Few values, whose sums are exact, so that many continuations are equally good.
    logits = rng.integers(0, 8, shape) / 2
    scores, total = rng.integers(-4, 0, shape[:2]) / 2, rng.integers(0, 3, shape[:2]) / 2
    # As at the first step, and where tokens are not allowed.
    scores[:, 1:2], logits[..., 3:5] = -np.inf, -np.inf
    logits[..., -1] = 4
    found = FIND(jnp.asarray(scores), jnp.asarray(logits), jnp.asarray(total), num)
    expected = sorted_out(scores, logits, total, num)
    for mine, theirs in zip(found, expected, strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_where_fewer_tokens_are_possible_than_wanted_those_come_first():
    size = continuations.WIDTH * continuations.FEWEST + 5
    logits = np.full((1, 1, size), -np.inf)
    logits[0, 0, [2, size - 1]] = [1.0, 2.0]
    scores, sequences, tokens = FIND(jnp.zeros((1, 1)), jnp.asarray(logits), jnp.zeros((1, 1)), 4)
    assert scores.tolist() == [[2.0, 1.0, -np.inf, -np.inf]]
    assert tokens[0, :2].tolist() == [size - 1, 2]
    assert (np.asarray(tokens) < size).all()
    assert not np.asarray(sequences).any()
