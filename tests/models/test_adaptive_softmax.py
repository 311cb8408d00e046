"""The adaptive softmax against a loop over words in NumPy, and against itself computed in full."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rnnjax import LSTM
from rnnjax.models import AdaptiveEmbedding, AdaptiveSoftmax, LanguageModel, adaptive_softmax
from tests.cells_under_test import random_like
from tests.running import assert_close, quick_jit

V, D, CUTOFFS = 23, 8, (5, 11)
SOFTMAX = AdaptiveSoftmax(AdaptiveEmbedding(V, D, CUTOFFS, div_value=3.0))
YS = np.random.default_rng(0).normal(size=(3, 7, D))
TARGETS = {
    "of all bands": np.random.default_rng(1).integers(V, size=(3, 7)),
    "of the head": np.random.default_rng(1).integers(5, size=(3, 7)),
    "of the first tail": np.random.default_rng(1).integers(5, 11, size=(3, 7)),
    "of the last tail": np.random.default_rng(1).integers(11, V, size=(3, 7)),
    "of both ends of bands": np.resize([0, 4, 5, 10, 11, V - 1], (3, 7)),
}


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    """So that a tail fills several blocks, the last of them in part."""
    monkeypatch.setattr(adaptive_softmax, "BLOCK", 4)


def made(module: Any, *inputs: Any) -> Any:
    """Random parameters, biases included."""
    variables: Any = jax.eval_shape(module.init, jax.random.key(0), *inputs)
    return random_like(np.random.default_rng(2), variables, 0.6)["params"]


def losses(params: Any, ys: Any, targets: Any) -> Any:
    return SOFTMAX.apply({"params": params}, ys, targets, method="losses")


def in_full(params: Any, ys: Any, targets: Any) -> Any:
    logs: Any = SOFTMAX.apply({"params": params}, ys)
    return -jnp.take_along_axis(logs, targets[..., None], axis=-1)[..., 0]


def by_hand(params: Any, y: np.ndarray, word: int) -> float:
    """The negative log-probability of one word."""

    def softmax(logits: np.ndarray) -> np.ndarray:
        return np.exp(logits) / np.exp(logits).sum()

    words = params["words"]
    rows = [*words["table_0"], *params["clusters"]]
    head = softmax(np.array([row @ y for row in rows]) + params["bias"])
    if word < 5:
        return -np.log(head[word])
    tail, begin = (1, 5) if word < 11 else (2, 11)
    features = words[f"projection_{tail}"] @ y
    rest = softmax(np.array([row @ features for row in words[f"table_{tail}"]]))
    return -np.log(head[5 + tail - 1] * rest[word - begin])


@pytest.mark.usefixtures("x64")
def test_losses_and_probabilities_by_hand():
    params, targets = made(SOFTMAX, YS), TARGETS["of all bands"]
    assert params["words"]["table_1"].shape == (6, 2)  # 8 / 3 features
    assert params["words"]["table_2"].shape == (12, 1)  # at least one
    expected = [
        by_hand(params, y, word) for y, word in zip(YS.reshape(-1, D), targets.flat, strict=True)
    ]
    assert_close(quick_jit(losses)(params, YS, targets), np.reshape(expected, (3, 7)))
    logs = np.asarray(quick_jit(SOFTMAX.apply)({"params": params}, YS))
    assert_close(logs[1, 2], np.array([-by_hand(params, YS[1, 2], word) for word in range(V)]))
    assert_close(np.exp(logs).sum(axis=-1), np.ones((3, 7)))


@pytest.fixture(scope="module")
def pulled():
    """Losses and gradients: a function; it compiled; and the same of the computation in full."""
    weights = np.random.default_rng(3).normal(size=(3, 7))

    def of(function: Any) -> Any:
        def run(params: Any, ys: Any, targets: Any) -> Any:
            found, pull = jax.vjp(lambda *to: function(*to, targets), params, ys)
            return found, pull(weights.astype(found.dtype))

        return run

    return of(losses), quick_jit(of(losses)), quick_jit(of(in_full))


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("kind", TARGETS)
def test_gradients_are_those_of_the_computation_in_full(pulled, kind):
    params = made(SOFTMAX, YS)
    sparing, full = (run(params, YS, TARGETS[kind]) for run in pulled[1:])
    assert_close(sparing, full)
    tail = sparing[1][0]["words"]["table_2"]
    assert np.any(tail) == (TARGETS[kind].max() >= 11)


@pytest.mark.usefixtures("x64")
def test_of_many_at_once_each_is_as_by_itself(pulled):
    # Side by side some need more blocks than others.
    function, sparing, _ = pulled
    params, targets = made(SOFTMAX, YS), np.stack([*TARGETS.values()])
    several = jax.tree.map(lambda a: np.stack([a * s for s in (1, 0.5, 2, -1, 0.3)]), params)
    found = quick_jit(jax.vmap(function, in_axes=(0, None, 0)))(several, YS, targets)
    for i, words in enumerate(targets):
        one = jax.tree.map(lambda a, i=i: a[i], several)
        assert_close(jax.tree.map(lambda a, i=i: a[i], found), sparing(one, YS, words))


def test_losses_are_of_float32_and_gradients_of_the_type_of_what_they_are_of(pulled):
    params, ys = jax.tree.map(lambda a: a.astype(jnp.bfloat16), (made(SOFTMAX, YS), YS))
    sparing, full = (run(params, ys, TARGETS["of all bands"]) for run in pulled[1:])
    assert sparing[0].dtype == jnp.float32
    assert jax.eval_shape(SOFTMAX.apply, {"params": params}, ys).dtype == jnp.float32
    assert {a.dtype for a in jax.tree.leaves(sparing[1])} == {jnp.dtype(jnp.bfloat16)}
    for a, b in zip(jax.tree.leaves(sparing), jax.tree.leaves(full), strict=True):
        a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
        assert np.abs(a - b).max() < 0.05 * np.abs(b).max()


def test_a_tail_costs_what_its_words_cost(monkeypatch):
    """What is computed of the last tail, with as many words of it as are asked for."""
    computed = []
    logits = adaptive_softmax._logits

    def spy(band: Any, ys: Any) -> Any:
        if band.table.shape == (12, 1):
            jax.debug.callback(lambda: computed.append(len(ys)))
        return logits(band, ys)

    monkeypatch.setattr(adaptive_softmax, "_logits", spy)
    params = made(SOFTMAX, YS)
    run = quick_jit(losses)
    blocks = {0: [], 1: [2], 2: [2], 3: [4], 4: [4], 5: [4, 2], 7: [4, 4], 21: [4] * 5 + [2]}
    for count, sizes in blocks.items():
        computed.clear()
        words = np.where(np.arange(21) < count, V - 1, 0).reshape(3, 7)
        jax.block_until_ready(run(params, YS, words))
        jax.effects_barrier()
        assert computed == sizes


@pytest.mark.parametrize("cutoffs", [(), (0, 5), (5, 5), (9, 5), (5, V), (5, V + 1)])
def test_what_cannot_be_cut_is_told(cutoffs):
    layer = AdaptiveSoftmax(AdaptiveEmbedding(V, D, cutoffs))
    with pytest.raises(ValueError, match="must be whole numbers that rise"):
        jax.eval_shape(layer.init, jax.random.key(0), YS)


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("div_value", [1.0, 3.0])
def test_embeddings_by_hand(div_value):
    module = AdaptiveEmbedding(V, D, CUTOFFS, div_value)
    words = TARGETS["of all bands"]
    params = made(module, words)
    assert ("projection_1" in params) == (div_value > 1)

    def vector(word: int) -> np.ndarray:
        i, begin = next((i, c) for i, c in ((2, 11), (1, 5), (0, 0)) if word >= c)
        found = params[f"table_{i}"][word - begin]
        return params[f"projection_{i}"].T @ found if f"projection_{i}" in params else found

    expected = np.array([[vector(word) for word in row] for row in words])
    assert_close(quick_jit(module.apply)({"params": params}, words), expected)


KINDS: dict[str, dict[str, Any]] = {
    "in full": {"tied": True, "embedding_size": 6, "cutoffs": ()},
    "untied": {"embedding_size": 8},
    "tied": {"embedding_size": 8, "tied": True},
    "tied through a matrix": {"embedding_size": 6, "tied": True, "div_value": 1.0},
}


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("kind", KINDS)
def test_a_language_model_has_the_losses_of_its_logits(kind):
    options: dict[str, Any] = {"cutoffs": CUTOFFS} | KINDS[kind]
    model = LanguageModel(V, LSTM(options["embedding_size"], 8), **options)
    words, targets = TARGETS["of all bands"], TARGETS["of both ends of bands"]
    params = made(model, words)
    adaptive, tied = bool(options["cutoffs"]), options.get("tied", False)
    assert ("words" in params) == (not tied)
    assert ("table_0" in params["embedding"]) == (tied and adaptive)
    assert ("softmax" in params) == adaptive

    def both(params: Any) -> Any:
        variables = {"params": params}
        carry, logits = model.apply(variables, words)
        return (carry, logits), model.apply(variables, words, targets, method="losses")

    (carry, logits), (same, found) = jax.device_get(quick_jit(both)(params))
    logs = jax.nn.log_softmax(logits)
    assert_close(carry, same)
    assert_close(found, -np.take_along_axis(np.asarray(logs), targets[..., None], axis=-1)[..., 0])
    if adaptive:
        assert_close(logits, np.asarray(logs))
