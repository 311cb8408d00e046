"""How alike two sentences are, against a transcription in NumPy."""

from typing import Any

import jax
import numpy as np
import pytest

import rnnjax
from rnnjax.models import PairScorer
from tests.running import quick_jit

V, D, H, T = 6, 3, 4, 5
LENGTHS = np.array([[5, 3], [1, 4]])


def drawn(model, sides, seed=0):
    shapes = jax.eval_shape(model.init, jax.random.key(0), *sides)["params"]
    rng = np.random.default_rng(seed)
    return jax.tree.map(lambda a: rng.normal(size=a.shape) * 0.6, shapes)


def some_sentences():
    rng = np.random.default_rng(1)
    masks = [np.arange(T) < own[:, None] for own in LENGTHS]
    return [a for mask in masks for a in (rng.integers(0, V, mask.shape), mask)]


def outputs(params, numbers):
    """Of an LSTM of one sentence without padding, ``[T, H]``."""
    h, c, found = np.zeros(H), np.zeros(H), []
    for number in numbers:
        gates = params["vectors"][number] @ params["rnn"]["w_x"] + h @ params["rnn"]["w_h"]
        i, f, g, o = np.split(gates + params["rnn"]["b"], 4)
        i, f, o = (1 / (1 + np.exp(-gate)) for gate in (i, f, o))
        c = f * c + i * np.tanh(g)
        h = o * np.tanh(c)
        found.append(h)
    return np.stack(found)


@pytest.mark.parametrize("head", ["manhattan", "product_difference"])
@pytest.mark.parametrize(("pooling", "pool"), [("last", None), ("max", np.max), ("mean", np.mean)])
@pytest.mark.usefixtures("x64")
def test_both_sentences_are_read_alike_and_compared(head, pooling, pool):
    model = PairScorer(rnnjax.LSTM(D, H), V, D, head, pooling, hidden_units=3)
    sides = some_sentences()
    params = drawn(model, sides)
    found = quick_jit(lambda p, *xs: model.apply({"params": p}, *xs))(params, *sides)
    for row in range(2):
        h, g = (
            own[-1] if pool is None else pool(own, axis=0)
            for own in (
                outputs(params, numbers[row, : lengths[row]])
                for numbers, lengths in zip(sides[::2], LENGTHS, strict=True)
            )
        )
        if head == "manhattan":
            expected = np.exp(-abs(h - g).sum())
        else:
            both = np.concatenate((h * g, abs(h - g)))
            u = both @ params["to_hidden"]["kernel"] + params["to_hidden"]["bias"]
            expected = (1 / (1 + np.exp(-u))) @ params["to_logits"]["kernel"]
            expected += params["to_logits"]["bias"]
        np.testing.assert_allclose(found[row], expected, atol=1e-10)


@pytest.mark.parametrize("tuned", [False, True])
def test_vectors_are_learnt_on_only_where_that_is_wanted(tuned):
    model = PairScorer(rnnjax.LSTM(D, H), V, D, "manhattan", tune_vectors=tuned)
    sides = some_sentences()
    params = jax.tree.map(lambda a: a.astype(np.float32), drawn(model, sides))

    def total(params):
        found: Any = model.apply({"params": params}, *sides)
        return found.sum()

    gradient = quick_jit(jax.grad(total))(params)
    assert (np.asarray(gradient["vectors"]) != 0).any() == tuned
    assert (np.asarray(gradient["rnn"]["w_x"]) != 0).any()
