"""The named activation functions against their formulas in NumPy."""

# NumPy arrays go where JAX arrays are declared.
# pyright: reportArgumentType=false

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import rnnjax
from rnnjax.activations import ACTIVATIONS, gates
from rnnjax.cells import LSTMParams
from tests.oracles import NONLINEARITIES

pytestmark = pytest.mark.usefixtures("x64", "optimised")

POINTS = np.array([-7.3, -2.9, -1.1, -0.4, -1e-3, 0.0, 1e-3, 0.6, 0.9, 1.3, 2.8, 6.1])


@pytest.mark.parametrize("name", sorted(NONLINEARITIES))
def test_equals_its_formula(name):
    np.testing.assert_allclose(
        ACTIVATIONS[name](POINTS), NONLINEARITIES[name](POINTS), rtol=1e-12, atol=1e-14
    )


def test_gelu_is_the_exact_one():
    exact = [x * 0.5 * (1 + math.erf(x / math.sqrt(2))) for x in POINTS]
    np.testing.assert_allclose(ACTIVATIONS["gelu"](POINTS), exact, rtol=1e-10, atol=1e-14)


def test_none_is_left_out():
    assert set(ACTIVATIONS) == {*NONLINEARITIES, "gelu"}


@pytest.mark.parametrize(
    "names",
    [
        ("sigmoid", "sigmoid", "tanh", "sigmoid"),
        ("tanh", "sigmoid"),
        ("sigmoid", "sigmoid"),
        ("tanh",),
        ("sigmoid", "relu", "tanh"),
    ],
)
def test_gates_are_the_named_functions_of_equal_parts(names):
    x = np.random.default_rng(0).uniform(-9, 9, (2, 3, 4 * len(names)))
    parts = gates(x, names)
    for part, piece, name in zip(parts, np.split(x, len(names), axis=-1), names, strict=True):
        np.testing.assert_allclose(part, NONLINEARITIES[name](piece), rtol=0, atol=1e-14)


EPSILONS = {jnp.bfloat16: 2.0**-7, jnp.float16: 2.0**-10, jnp.float32: 5e-7, jnp.float64: 1e-14}


def sigmoid(x):
    """The sigmoid without cancellation, in float64."""
    return np.exp(np.minimum(x, 0)) / (1 + np.exp(-np.abs(x)))


@pytest.mark.parametrize("dtype", EPSILONS)
def test_gates_are_right_however_far_they_are_closed(dtype):
    small = np.logspace(-30, 0, 61)
    points = np.concatenate([np.linspace(-69, 69, 553), small, -small])
    x = jnp.asarray(points, dtype)[:, None]
    as_given = np.asarray(x, np.float64)
    found = jax.jit(lambda x: gates(jnp.tile(x, (1, 4)), ("sigmoid", "sigmoid", "tanh", "sigmoid")))
    exact = [sigmoid(as_given), sigmoid(as_given), np.tanh(as_given), sigmoid(as_given)]
    for gate, expected in zip(found(x), exact, strict=True):
        gate = np.asarray(gate, np.float64)
        # Below its smallest normal number a type has fewer digits.
        fewest = max(1e-30, float(jnp.finfo(dtype).tiny))
        error = np.abs(gate - expected) / np.maximum(np.abs(expected), fewest)
        assert error.max() < EPSILONS[dtype]
        assert (gate[np.abs(expected) > 1e-7] != 0).all()


def what_the_memory_takes(x):
    """c after one step from c = 0 with the input gate at x, the candidate at 0.3."""
    cell = rnnjax.LSTM(1, 1)
    b = jnp.stack([x, jnp.zeros_like(x), jnp.full_like(x, 0.3), jnp.zeros_like(x)])
    zeros = jnp.zeros((1, 4), x.dtype)
    params = LSTMParams(w_x=zeros, w_h=zeros, b=b)
    carry, _ = rnnjax.unroll(cell, params, jnp.zeros((2, 1), x.dtype), mask=MASK)
    return carry.c[0]


MASK = np.array([True, False])
value_and_slope = jax.jit(jax.value_and_grad(what_the_memory_takes))


@pytest.mark.parametrize("dtype", [jnp.float16, jnp.float32, jnp.float64])
@pytest.mark.parametrize("x", [-3.0, -9.1, -10.5, -13.0, -17.0, -40.0])
def test_a_closed_input_gate_lets_in_what_it_should(dtype, x):
    value, slope = value_and_slope(jnp.asarray(x, dtype))
    expected = float(sigmoid(x)) * math.tanh(0.3)
    rounding = 2 * EPSILONS[dtype] * expected + float(jnp.finfo(dtype).smallest_subnormal)
    assert float(value) == pytest.approx(expected, rel=0, abs=rounding)
    assert float(slope) == pytest.approx(expected * float(sigmoid(-x)), rel=0, abs=2 * rounding)
