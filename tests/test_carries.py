"""The carry after every step, on request."""

from __future__ import annotations

import functools

import jax
import numpy as np
import pytest

import rnnjax
from rnnjax import GRU, LSTM, Bidirectional, Stack
from tests.cells_under_test import draw, random_like
from tests.running import assert_close, dot, quick_jit, unroll

pytestmark = pytest.mark.usefixtures("x64")

unroll_carries = quick_jit(rnnjax.unroll_carries, static_argnames=("reverse", "executor"))
MASK = np.array([[1, 0, 1, 1, 0, 1], [0, 1, 1, 0, 1, 0], [0, 0, 0, 0, 0, 0]], bool).T
RESETS = np.array([[1, 0, 0, 1, 1, 0], [0, 0, 1, 1, 0, 0], [1, 0, 0, 0, 0, 1]], bool).T


@pytest.mark.parametrize("reverse", [False, True])
def test_they_are_the_final_carries_of_the_runs_that_end_there(typical, reverse):
    cell, params, xs, carry = draw(typical)
    flags = {"mask": MASK, "resets": RESETS}
    carries, ys = unroll_carries(cell, params, xs, carry, **flags, reverse=reverse)
    assert_close(ys, unroll(cell, params, xs, carry, **flags, reverse=reverse)[1])
    for t in (0, 2, 5):
        part = slice(t, None) if reverse else slice(t + 1)
        cut = {name: flag[part] for name, flag in flags.items()}
        final, _ = unroll(cell, params, xs[part], carry, **cut, reverse=reverse)
        assert_close(jax.tree.map(lambda a, t=t: a[t], jax.device_get(carries)), final)


def test_their_gradients_are_those_of_a_plain_scan(typical):
    cell, *arguments = draw(typical, steps=35)
    rng = np.random.default_rng(1)
    tangents = random_like(rng, tuple(arguments))

    @quick_jit
    def push(*arguments):
        return jax.jvp(
            lambda *a: rnnjax.unroll_carries(cell, *a, executor="scan"), arguments, tangents
        )

    outputs, pushed = jax.device_get(push(*arguments))
    cotangents = random_like(rng, outputs)

    @quick_jit
    def pull(*arguments):
        return jax.vjp(functools.partial(rnnjax.unroll_carries, cell), *arguments)[1](cotangents)

    gradients = jax.device_get(pull(*arguments))
    np.testing.assert_allclose(dot(gradients, tangents), dot(cotangents, pushed), rtol=1e-9)


def test_layers_made_of_layers_give_those_of_every_layer():
    layer = Stack((Bidirectional(GRU(3, 2)), LSTM(4, 3)))
    rng = np.random.default_rng(5)
    params = random_like(rng, jax.eval_shape(layer.init, jax.random.key(0)), 0.6)
    xs = rng.standard_normal((6, 2, 3))
    (both, lstm), ys = jax.device_get(unroll_carries(layer, params, xs))
    (final_both, final_lstm), expected = unroll(layer, params, xs)
    assert_close(ys, expected)
    assert_close(jax.tree.map(lambda a: a[-1], lstm), final_lstm)
    assert_close(jax.tree.map(lambda a: a[-1], both.forward), final_both.forward)
    assert_close(jax.tree.map(lambda a: a[0], both.backward), final_both.backward)
    np.testing.assert_array_equal(ys, lstm.h)
