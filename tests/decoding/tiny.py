"""A small random language model, in JAX and, for one row, in NumPy."""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

SIZE = 6
"""Hidden units."""


def tiny_params(num_tokens, dtype: Any = np.float32):
    """An embedding, a recurrent and an output matrix."""
    random = np.random.default_rng(num_tokens)
    shapes = (num_tokens, SIZE), (SIZE, SIZE), (SIZE, num_tokens)
    return tuple(1.5 * random.normal(size=shape).astype(dtype) for shape in shapes)


def tiny_step(params, carry, tokens):
    embedding, recurrent, output = params
    h = jnp.tanh(jnp.asarray(embedding)[tokens] + carry["h"] @ recurrent)
    return {"h": h, "count": carry["count"] + 1}, h @ output


def tiny_model(num_tokens, dtype: Any = np.float32):
    """Its step function."""
    return functools.partial(tiny_step, tiny_params(num_tokens, dtype))


def tiny_carry(num_rows, dtype: Any = np.float32):
    h = np.random.default_rng(7).normal(size=(num_rows, SIZE)).astype(dtype)
    return {"h": h, "count": np.zeros(num_rows, np.int32)}


def log_probs_after(params, h, tokens):
    """The log probabilities of the token after these, from a state ``[H]``, in NumPy."""
    embedding, recurrent, output = (p.astype(np.float64) for p in params)
    for token in tokens:
        h = np.tanh(embedding[token] + h @ recurrent)
    logits = h @ output
    return logits - np.log(np.sum(np.exp(logits)))


def rows_of(tree, index):
    """Some rows of a carry."""
    return jax.tree.map(lambda array: array[index], tree)
