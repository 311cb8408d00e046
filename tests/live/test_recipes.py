"""The README's recipes for frameworks without a bridge: the code there, run."""

from __future__ import annotations

import pathlib
import re
from typing import Any

import equinox as eqx  # pyright: ignore[reportMissingImports]
import haiku as hk  # pyright: ignore[reportMissingImports]
import jax
import numpy as np
import pytest

from rnnjax import GRU, LSTM, Bidirectional, SimpleRNN, Stack
from tests.interop.samples import random_params
from tests.running import assert_close, pull_back, unroll

README = (pathlib.Path(__file__).parents[2] / "README.md").read_text()
LAYERS = [LSTM(3, 4), Stack((Bidirectional(GRU(3, 2)), SimpleRNN(4, 2, use_bias=False)))]


def recipe(package):
    """What the README's one Python block that imports a package defines."""
    blocks = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    (code,) = [block for block in blocks if re.search(rf"^import {package}\b", block, re.MULTILINE)]
    defined: dict[str, Any] = {"__name__": package}
    exec(code, defined)
    return defined


def sample(layer):
    xs = np.random.default_rng(1).standard_normal((5, 2, 3))
    expected = unroll(layer, random_params(layer), xs)
    return random_params(layer), xs, expected


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: type(layer).__name__)
def test_equinox(x64, layer):
    params, xs, expected = sample(layer)
    module = recipe("equinox")["RNN"](layer, params)
    assert_close(eqx.filter_jit(module)(xs), expected)
    carry = jax.tree.map(np.ones_like, expected[0])
    assert_close(module(xs, carry), unroll(layer, params, xs, carry))

    @eqx.filter_jit
    @eqx.filter_grad
    def gradient(module):
        return module(xs, carry)[1].sum()

    cotangents = jax.tree.map(np.zeros_like, expected[0]), np.ones_like(expected[1])
    assert_close(gradient(module).params, pull_back(cotangents, layer, params, xs, carry)[0])


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: type(layer).__name__)
def test_haiku(x64, layer):
    params, xs, expected = sample(layer)
    rnn = recipe("haiku")["RNN"]
    transformed = hk.without_apply_rng(hk.transform(lambda xs, carry=None: rnn(layer)(xs, carry)))
    drawn = transformed.init(jax.random.key(0), xs)
    assert len(drawn["rnn"]) == len(jax.tree.leaves(params))
    paths = jax.tree_util.tree_leaves_with_path(params)
    named = {jax.tree_util.keystr(path, simple=True, separator="."): a for path, a in paths}
    assert jax.tree.map(np.shape, drawn) == {"rnn": jax.tree.map(np.shape, named)}
    w_h = next(a for name, a in drawn["rnn"].items() if name.endswith("w_h"))
    np.testing.assert_allclose(w_h @ w_h.T, np.eye(len(w_h)), atol=1e-12)
    assert_close(jax.jit(transformed.apply)({"rnn": named}, xs), expected)
    carry = jax.tree.map(np.ones_like, expected[0])
    assert_close(transformed.apply({"rnn": named}, xs, carry), unroll(layer, params, xs, carry))
