"""A layer that reads symbols by their number is one that reads vectors with a single 1."""

# NumPy arrays go where JAX arrays are declared.
# pyright: reportArgumentType=false

from __future__ import annotations

import jax
import jax.export
import jax.numpy as jnp
import numpy as np
import pytest

import rnnjax
from rnnjax import GRU, LSTM, Dropout, LayerNormLSTM, OneHot, Stack
from tests.cells_under_test import random_like
from tests.running import assert_close, quick_jit, unroll

pytestmark = pytest.mark.usefixtures("x64")

KINDS = {
    "cell": LSTM(5, 4),
    "no sum of columns": LayerNormLSTM(5, 4),
    "wrapper": Dropout(GRU(5, 4), state=0.3),
}


def sample(layer, steps, rows=2):
    rng = np.random.default_rng(3)
    params = random_like(rng, jax.eval_shape(layer.init, jax.random.key(0)), 0.6)
    carry = random_like(rng, jax.eval_shape(lambda: layer.initial_carry((rows,))), 0.8)
    return params, rng.integers(layer.input_size, size=(steps, rows)), carry


@pytest.mark.parametrize("steps", [2, 7], ids=["fewer steps than symbols", "more"])
@pytest.mark.parametrize("kind", KINDS)
def test_outputs_and_gradients_are_those_of_vectors(kind, steps):
    layer = KINDS[kind]
    params, symbols, carry = sample(layer, steps)
    key = jax.random.key(1)

    @quick_jit
    def both(params, carry):
        def looked_up(params, carry):
            return rnnjax.unroll(OneHot(layer), params, symbols[..., None], carry, key=key)

        def multiplied(params, carry):
            return rnnjax.unroll(layer, params, jnp.eye(5)[symbols], carry, key=key)

        results = []
        for run in (looked_up, multiplied):
            outputs, pull = jax.vjp(run, params, carry)
            results.append((outputs, pull(jax.tree.map(jnp.cos, outputs))))
        return results

    found, expected = jax.device_get(both(params, carry))
    assert_close(found, expected)


def test_it_is_stepped_and_stacked():
    layer = Stack((OneHot(GRU(5, 4)), LSTM(4, 3)))
    params = layer.init(jax.random.key(0))
    symbols = np.array([[4, 1, 1]])
    carry = layer.initial_carry((3,))
    stepped = layer(params, carry, symbols[0][..., None])
    _, ys = unroll(layer, params, symbols[..., None], carry)
    assert_close(stepped[1], ys[0])
    assert (layer.input_size, layer.output_size) == (1, 3)


def test_vectors_are_refused():
    layer = OneHot(GRU(5, 4))
    with pytest.raises(ValueError, match="OneHot was built for inputs of 1 features"):
        rnnjax.unroll(layer, layer.init(jax.random.key(0)), jnp.eye(5)[None])


def test_any_number_of_steps_is_exported():
    layer = OneHot(GRU(5, 4))
    params = layer.init(jax.random.key(0))
    (steps,) = jax.export.symbolic_shape("steps")
    xs = jax.ShapeDtypeStruct((steps, 2, 1), jnp.int32)
    program = jax.export.export(jax.jit(lambda xs: rnnjax.unroll(layer, params, xs)[1]))(xs)
    symbols = np.array([[4, 1], [0, 2], [3, 3]], np.int32)[..., None]
    assert_close(program.call(symbols), unroll(layer, params, symbols)[1])
