"""The documentation's code that needs other frameworks, run."""

from __future__ import annotations

import re
from typing import Any

import equinox as eqx  # pyright: ignore[reportMissingImports]
import haiku as hk  # pyright: ignore[reportMissingImports]
import jax
import numpy as np
import pytest
import torch  # pyright: ignore[reportMissingImports]

from rnnjax import GRU, LSTM, Bidirectional, SimpleRNN, Stack
from tests.documents import PAGES, PREPARE, blocks
from tests.interop.samples import random_params
from tests.running import assert_close, pull_back, unroll

LAYERS = [LSTM(3, 4), Stack((Bidirectional(GRU(3, 2)), SimpleRNN(4, 2, use_bias=False)))]


def recipe(package):
    """What the one block that imports a package defines."""
    (block,) = [
        block
        for page in PAGES
        for block in blocks(page)
        if block.mark == "live" and re.search(rf"^import {package}\b", block.text, re.MULTILINE)
    ]
    defined: dict[str, Any] = {"__name__": package}
    block.run(defined)
    return defined


def whole_page(name, folder):
    """What all Python of a page defines, run in a folder with the files that it needs."""
    (page,) = [page for page in PAGES if page.name == name]
    PREPARE[name](folder)
    defined: dict[str, Any] = {"__name__": page.stem}
    for block in blocks(page):
        if block.language == "python":
            block.run(defined)
    return defined


def test_every_page_with_such_code_is_run():
    marked = {page.name for page in PAGES for block in blocks(page) if block.mark == "live"}
    assert marked == {"export.md", "interop.md"}


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


def test_weights_from_a_module(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    defined = whole_page("interop.md", tmp_path)
    module, layer, params = (defined[name] for name in ("module", "torch_layer", "torch_params"))
    xs = np.random.default_rng(0).standard_normal((5, 2, 3)).astype(np.float32)
    expected = module(torch.tensor(xs))[0].detach().numpy()
    assert_close(unroll(layer, params, xs)[1], expected, tolerance=1e-5)


@pytest.mark.filterwarnings("default")  # those of jax2onnx and what it imports
def test_an_exported_model_elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    defined = whole_page("export.md", tmp_path)
    images = defined["images"]
    assert_close(defined["logits"], defined["model"].call(images)["logits"], tolerance=1e-5)
    xs = np.random.default_rng(0).random((2, 5, 28), np.float32)
    ys = defined["module"](torch.tensor(xs.swapaxes(0, 1)))[0].detach().numpy()
    expected = unroll(defined["gru"], defined["params"], xs.swapaxes(0, 1))[1]
    assert_close(ys, expected, tolerance=1e-5)
