"""Rolls and voices against loops written out; steps say what whole pieces do."""

# NumPy arrays go where JAX arrays are declared, and linen's `apply` returns a union.
# pyright: reportArgumentType=false, reportCallIssue=false, reportIndexIssue=false

from __future__ import annotations

import functools
import math
from typing import Any

import jax
import numpy as np
import pytest

from rnnjax import GRU
from rnnjax.bridges.named import from_named
from rnnjax.models import PianoRollModel, VoicesModel
from rnnjax.models.transposing import transposed_rolls, transposed_voices
from tests.running import assert_close, loop, quick_jit

pytestmark = pytest.mark.usefixtures("x64")

K, H, E, S, V = 5, 4, 2, 6, 3
ROLLS = PianoRollModel(GRU(K, H), K, skip=True)
VOICES = VoicesModel(GRU(VoicesModel.input_size(V, 4, E), H), S, V, 4, E, dense_size=8)


def given(model: Any, width: int, top: int) -> tuple[Any, np.ndarray]:
    rng = np.random.default_rng(0)
    frames = rng.integers(0, top, (2, 4, width))
    kind = float if top == 2 else int
    shapes = jax.eval_shape(model.init, jax.random.key(0), frames.astype(kind))["params"]
    params = jax.tree.map(lambda a: rng.normal(size=a.shape) / 2, shapes)
    return params, frames.astype(kind)


@functools.partial(quick_jit, static_argnums=0)
def outputs(cell: Any, params: Any, xs: jax.Array) -> jax.Array:
    return loop(cell, from_named(cell, params), xs, cell.initial_carry(()))[1]


def affine(params: Any, x: np.ndarray) -> np.ndarray:
    return x @ params["kernel"] + params.get("bias", 0)


def test_keys_are_independent_given_the_past():
    params, frames = given(ROLLS, K, 2)
    cell = ROLLS.layer
    expected = np.zeros((2, 3))
    for row, piece in enumerate(frames):
        ys = outputs(cell, params["rnn"], piece[:-1])
        for t, y in enumerate(np.asarray(ys)):
            logits = affine(params["to_logits"], y) + affine(params["from_frame"], piece[t])
            likely = 1 / (1 + np.exp(-logits))
            for p, x in zip(likely, piece[t + 1], strict=True):
                expected[row, t] -= math.log(p if x else 1 - p)
    run = quick_jit(lambda *xs: ROLLS.apply({"params": params}, *xs, method="losses"))
    assert_close(run(frames), expected)


def test_voices_follow_the_chain_rule():
    params, frames = given(VOICES, V, S)
    cell, table = VOICES.layer, params["embedding"]["embedding"]
    expected = np.zeros((2, 3))
    for row, piece in enumerate(frames):
        notes = table[piece].reshape(4, -1)
        xs = np.concatenate((notes[:-1], np.eye(4)[[1, 2, 3]]), axis=1)
        ys = outputs(cell, params["rnn"], xs)
        for t, y in enumerate(np.asarray(ys)):
            for v in range(V):
                above = table[piece[t + 1, :v]].ravel()
                read = np.concatenate((y, notes[t], above))
                units = np.maximum(affine(params[f"hidden_{v}"], read), 0)
                powers = np.exp(affine(params[f"to_logits_{v}"], units))
                expected[row, t] -= math.log(powers[piece[t + 1, v]] / powers.sum())
    run = quick_jit(lambda *xs: VOICES.apply({"params": params}, *xs, method="losses"))
    assert_close(run(frames), expected)


@pytest.mark.parametrize("name", ["rolls", "voices"])
def test_steps_say_what_a_whole_piece_does_and_what_is_known_stays(name):
    model, width, top = (ROLLS, K, 2) if name == "rolls" else (VOICES, V, S)
    params, frames = given(model, width, top)

    def apply(*inputs: Any, **more: Any) -> Any:
        return model.apply({"params": params}, *inputs, **more)

    def drawn(frames: jax.Array, known: jax.Array) -> tuple[Any, Any, Any]:
        carry = model.begin(2)
        for t in range(3):
            carry, said = apply(carry, frames[:, t], method="step")
        keys = jax.random.split(jax.random.key(1), 4000)
        draw = lambda key: apply(key, said, 1.0, known, method="draw")  # noqa: E731
        likeliest = apply(jax.random.key(2), said, 0, known, method="draw")
        whole = apply(frames[:, :3])[1] if top == 2 else apply(frames, method="logits")
        return jax.vmap(draw)(keys), likeliest, whole[:, -1]

    known = np.full((2, width), -1).astype(frames.dtype)
    known[:, 0] = frames[:, 3, 0]
    found, likeliest, logits = map(np.asarray, quick_jit(drawn)(frames, known))
    assert (found[:, :, 0] == frames[:, 3, 0]).all()
    if name == "rolls":
        shares, expected = found.mean(axis=0), 1 / (1 + np.exp(-logits))
        np.testing.assert_allclose(shares[:, 1:], expected[:, 1:], atol=0.04)
        np.testing.assert_array_equal(likeliest[:, 1:], logits[:, 1:] > 0)
    else:
        powers = np.exp(logits[:, 1])  # of the second voice, where the first is known
        expected = powers / powers.sum(axis=-1, keepdims=True)
        shares = np.stack([(found[:, :, 1] == s).mean(axis=0) for s in range(S)], -1)
        np.testing.assert_allclose(shares, expected, atol=0.04)
        np.testing.assert_array_equal(likeliest[:, 1], expected.argmax(axis=-1))


move_rolls = quick_jit(transposed_rolls, static_argnums=2)
move_voices = quick_jit(transposed_voices, static_argnums=(2, 3))


def test_pieces_move_as_a_whole_and_leave_neither_keyboard_nor_symbols():
    rolls = np.zeros((300, 2, 12), np.uint8)
    rolls[:, 0, 1] = rolls[:, 1, 8] = 1
    rolls[0] = 0
    moved = np.asarray(move_rolls(jax.random.key(0), rolls, 5))
    assert not moved[0].any()
    low, high = moved[1:, 0].argmax(axis=1), moved[1:, 1].argmax(axis=1)
    assert set((high - low).tolist()) == {7}
    assert set(low.tolist()) == set(range(5))
    assert (moved[1:].sum(axis=(1, 2)) == 2).all()
    symbols = np.zeros((300, 3, 2), np.uint8)
    symbols[:, 0], symbols[:, 2] = (3, 7), (0, 8)
    symbols[0] = 0
    moved = np.asarray(move_voices(jax.random.key(0), symbols, 9, 10))
    assert not moved[0].any()
    assert not moved[:, 1].any()
    assert not moved[:, 2, 0].any()
    assert set((moved[1:, 0, 0] - 3.0).tolist()) == {-2, -1, 0, 1}
    assert set((moved[1:, 2, 1] - 1.0 * moved[1:, 0, 0]).tolist()) == {5}
