"""The named activation functions against their formulas in NumPy."""

# NumPy arrays go where JAX arrays are declared.
# pyright: reportArgumentType=false

from __future__ import annotations

import math

import jax.numpy as jnp
import numpy as np
import pytest

from rnnjax.activations import ACTIVATIONS, gates
from tests.oracles import NONLINEARITIES

pytestmark = pytest.mark.usefixtures("x64")

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


def test_a_closed_gate_in_half_precision_is_small_but_not_zero():
    x = jnp.full((1, 2), -12.0, jnp.bfloat16)
    (gate,) = gates(x, ("sigmoid",))
    assert (gate > 0).all()
    np.testing.assert_allclose(gate.astype(jnp.float32), 1 / (1 + np.exp(12.0)), rtol=0.02)
