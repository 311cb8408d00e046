"""The language model against a computation by hand."""

from __future__ import annotations

import functools
from typing import Any

import jax
import numpy as np
import pytest
from flax import linen as nn

from rnnjax import GRU, LSTM, OneHot
from rnnjax.bridges.named import from_named
from rnnjax.models import LanguageModel
from tests import oracles
from tests.cells_under_test import random_like
from tests.running import assert_close, quick_jit

SYMBOLS = np.random.default_rng(1).integers(7, size=(3, 9))
SIZES = {"one-hot": 0, "embedded": 4, "tied": 5, "tied through a matrix": 4}


def made(model: LanguageModel) -> Any:
    """Random parameters, biases included."""
    variables: Any = jax.eval_shape(model.init, jax.random.key(0), SYMBOLS)
    return random_like(np.random.default_rng(2), variables, 0.6)["params"]


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("kind", SIZES)
def test_logits_by_hand(kind):
    size = SIZES[kind]
    cell = LSTM(size or 7, 5)
    layer = cell if size else OneHot(cell)
    model = LanguageModel(7, layer, size, tied=kind.startswith("tied"))
    params = made(model)
    vectors = params["embedding"]["embedding"] if size else np.eye(7)
    carry, ys, _ = oracles.run(
        oracles.lstm(), from_named(cell, params["rnn"]), vectors[SYMBOLS.T],
        cell.initial_carry((3,)),
    )  # fmt: skip
    ys = ys.swapaxes(0, 1)
    if not model.tied:
        expected = ys @ params["to_logits"]["kernel"] + params["to_logits"]["bias"]
    else:
        if kind == "tied through a matrix":
            ys = ys @ params["to_embedding"]["kernel"]
        expected = ys @ vectors.T + params["bias"]
    found = jax.device_get(quick_jit(model.apply)({"params": params}, SYMBOLS))
    assert_close(found, (carry, expected))
    assert ("to_logits" in params) != model.tied


def test_outputs_come_as_they_are_and_as_they_are_read():
    model = LanguageModel(7, OneHot(GRU(7, 40)), dropout=0.5)
    params = made(model)

    @functools.partial(quick_jit, static_argnums=0)
    def run(method: str, key: Any) -> Any:
        return model.apply(
            {"params": params}, SYMBOLS, (SYMBOLS + 1) % 7, training=True, rngs={"dropout": key},
            method=method,
        )  # fmt: skip

    found = jax.device_get(run("losses_and_outputs", jax.random.key(0)))
    assert_close(found[:2], jax.device_get(run("losses", jax.random.key(0))))
    ys, dropped = found[2]
    assert ys.shape == (3, 9, 40)
    np.testing.assert_array_equal(ys[:, -1], found[0].h)
    np.testing.assert_array_equal(dropped, np.where(dropped == 0, 0, 2 * ys))
    assert 0.4 < (dropped == 0).mean() < 0.6


@pytest.mark.parametrize("variational", [False, True])
def test_dropout_leaves_features_out_at_each_step_or_throughout(variational):
    # Each symbol's features are ones, so what the layer reads shows what was left out.
    model = LanguageModel(7, GRU(64, 64), 64, tied=True, dropout=0.5, variational=variational)
    params = jax.tree.map(np.ones_like, made(model))
    read = []

    def spy(call: Any, args: Any, kwargs: Any, context: Any) -> Any:
        if context.module.name == "rnn" and context.method_name == "__call__":
            read.append(np.asarray(args[0]))
        return call(*args, **kwargs)

    with nn.intercept_methods(spy):
        rngs = {"dropout": jax.random.key(0)}
        model.apply({"params": params}, SYMBOLS, training=True, rngs=rngs)
    (xs,) = read
    assert set(np.unique(xs)) == {0.0, 2.0}
    assert (xs == xs[:, :1]).all() == variational
    assert 0.4 < (xs == 0).mean() < 0.6


def test_the_state_begins_anew_where_something_new_does():
    model = LanguageModel(7, OneHot(GRU(7, 4)), starts=(3, 5))
    params = made(model)
    symbols = np.array([[1, 2, 3, 0, 6, 5, 1]])

    def logits_of(model: LanguageModel, symbols: np.ndarray) -> np.ndarray:
        outputs: Any = model.apply({"params": params}, symbols)
        return np.asarray(outputs[1])

    logits = logits_of(model, symbols)
    for begin, end in ((0, 2), (2, 5), (5, 7)):
        alone = logits_of(model, symbols[:, begin:end])
        assert_close(logits[:, begin:end], alone, tolerance=1e-5)
    carried = logits_of(model.clone(starts=()), symbols)
    assert np.abs(carried - logits)[:, 2:].max() > 1e-3
