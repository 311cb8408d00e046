"""One sequence into another: what is padding changes nothing, and steps are what a run is."""

# NumPy arrays go where JAX arrays are declared, and linen's `apply` returns a union.
# pyright: reportArgumentType=false, reportCallIssue=false, reportOperatorIssue=false

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rnnjax import GRU, LSTM, Bidirectional, Residual, Stack, unroll
from rnnjax import attention as at
from rnnjax.decoding import beam_search
from rnnjax.models import EncoderDecoder
from rnnjax.models.encoder_decoder import last_outputs
from tests.running import assert_close, quick_jit

pytestmark = pytest.mark.usefixtures("x64")

E, H, V, W = 3, 4, 9, 7
BOTH = Bidirectional(GRU(E, H))

MODELS: dict[str, EncoderDecoder] = {
    "copied": EncoderDecoder(
        V, W, Stack((LSTM(E, H), LSTM(H, H))), Stack((LSTM(E, H), LSTM(H, H))), E, bridge="copy"
    ),
    "context": EncoderDecoder(
        V, W, GRU(E, H), GRU(E + H, H), E, context=True, bridge="copy", readout="wide"
    ),
    "attending": EncoderDecoder(
        V, W, BOTH, at.Attending(GRU(E, H), at.Additive(H, 2 * H, 5)), E, readout="deep", tied=True
    ),
    "input feeding": EncoderDecoder(
        V, W, BOTH, at.InputFeeding(LSTM(E, H), at.General(H, 2 * H), attentional_size=E), E,
        tied=True,
    ),
    "location": EncoderDecoder(
        V, W, BOTH,
        at.Conditional(GRU(E, H), at.LocationAware(H, 2 * H, 5, 2, 3), second=GRU(2 * H, H)), E,
        readout="wide",
    ),
}  # fmt: skip


def given(model: EncoderDecoder) -> tuple[Any, np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    lengths = np.array([5, 2, 1])
    mask = np.arange(6) < lengths[:, None]
    sources = np.where(mask, rng.integers(4, V, (3, 6)), 0)
    before = rng.integers(1, W, (3, 4))
    shapes = jax.eval_shape(model.init, jax.random.key(0), sources, mask, before)["params"]
    params = jax.tree.map(lambda a: rng.normal(size=a.shape), shapes)
    return params, sources, mask, before


@pytest.mark.parametrize("name", MODELS)
def test_padding_and_batch_mates_change_nothing(name):
    model = MODELS[name]
    params, sources, mask, before = given(model)
    run = quick_jit(functools.partial(model.apply, {"params": params}))
    logits = run(sources, mask, before)
    assert logits.shape == (3, 4, W)
    wider = np.pad(sources, ((0, 0), (0, 3)), constant_values=8)
    padded = np.pad(mask, ((0, 0), (0, 3)))
    assert_close(run(np.where(padded, wider, 8), padded, before), logits)
    assert_close(run(sources[1:2, :2], mask[1:2, :2], before[1:2]), logits[1:2])
    later = before.copy()
    later[:, 2] = 1 + before[:, 2] % (W - 1)
    changed = run(sources, mask, later)
    assert_close(changed[:, :2], logits[:, :2])
    assert np.abs(changed[:, 2:] - logits[:, 2:]).min(axis=(1, 2)).max() > 0
    other = sources.copy()
    other[:, 0] = 4 + (sources[:, 0] - 3) % (V - 4)
    assert (np.abs(run(other, mask, before) - logits).max(axis=(1, 2)) > 1e-3).all()


@pytest.mark.parametrize("name", MODELS)
def test_steps_give_what_a_whole_target_gives(name):
    model = MODELS[name]
    params, sources, mask, before = given(model)
    logits = model.apply({"params": params}, sources, mask, before)
    known: Any = model.apply({"params": params}, sources, mask, method="encode")
    encoded, carry = known
    for t in range(before.shape[1]):
        stepped: Any = model.apply({"params": params}, encoded, carry, before[:, t], method="step")
        carry, own, weights = stepped
        assert_close(own, logits[:, t])
        if weights is not None:
            np.testing.assert_allclose(weights.sum(-1), 1)
            assert not weights[~mask].any()


def test_a_beam_finds_the_best_of_all_targets():
    model = MODELS["attending"]
    params, sources, mask, _ = given(model)
    # Peaky enough that greedy search fails, which has to be seen.
    params["bias"] = params["bias"] * 0
    end, start, steps = 2, 1, 3
    known: Any = model.apply({"params": params}, sources, mask, method="encode")
    encoded, carry = known
    group = jax.tree.map(lambda a: a[:, None], encoded)

    def step(carry: Any, tokens: jax.Array) -> Any:
        beams = jax.tree.map(lambda a: a.reshape(3, -1, *a.shape[1:]), carry)
        stepped: Any = model.apply(
            {"params": params}, group, beams, tokens.reshape(3, -1), method="step"
        )
        carry, logits, _ = stepped
        flat = jax.tree.map(lambda a: a.reshape(-1, *a.shape[2:]), carry)
        return flat, logits.reshape(-1, W)

    firsts = np.full(3, start)
    found = beam_search(step, carry, firsts, beam_size=W**2, max_steps=steps, end=end)
    targets = np.stack(np.meshgrid(*[np.arange(W)] * steps, indexing="ij"), -1).reshape(-1, steps)
    for row in range(3):
        count = len(targets)
        before = np.concatenate((np.full((count, 1), start), targets[:, :-1]), 1)
        logits: Any = model.apply(
            {"params": params}, np.repeat(sources[row : row + 1], count, 0),
            np.repeat(mask[row : row + 1], count, 0), before,
        )  # fmt: skip
        each = np.take_along_axis(jax.nn.log_softmax(logits), targets[..., None], 2)[..., 0]
        ended = np.cumsum(targets == end, axis=1) - (targets == end) > 0
        totals = np.where(ended, 0, each).sum(axis=1)
        best = totals.argmax()
        np.testing.assert_allclose(found.scores[row, 0], totals[best], atol=1e-10)
        length = int(found.lengths[row, 0])
        np.testing.assert_array_equal(found.tokens[row, 0, :length], targets[best, :length])


def test_the_last_outputs_are_those_at_each_ones_own_end():
    layer = Stack((LSTM(E, 2), Bidirectional(Residual(LSTM(2, 2)))))
    params = layer.init(jax.random.key(0))
    xs = np.random.default_rng(0).normal(size=(5, 2, E))
    plain = Bidirectional(LSTM(E, 2))
    own = plain.init(jax.random.key(1))
    carry, ys = unroll(plain, own, xs)
    wanted = np.concatenate((ys[-1, :, :2], ys[0, :, 2:]), -1)
    assert_close(last_outputs(plain, carry), wanted)
    carry, _ = unroll(layer, params, xs)
    assert last_outputs(layer, carry).shape == (2, 4)


def test_dropout_is_for_training_alone():
    model = MODELS["attending"].clone(dropout=0.3, memory_dropout=0.3, readout_dropout=0.3)
    params, sources, mask, before = given(model)
    plain = MODELS["attending"].apply({"params": params}, sources, mask, before)
    assert_close(model.apply({"params": params}, sources, mask, before), plain)
    for name in ("dropout", "memory_dropout", "readout_dropout"):
        own = MODELS["attending"].clone(**{name: 0.5})
        key = {"dropout": jax.random.key(2)}
        trained = own.apply({"params": params}, sources, mask, before, training=True, rngs=key)
        assert jnp.abs(trained - plain).max() > 1e-3, name
