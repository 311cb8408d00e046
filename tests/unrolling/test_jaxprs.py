"""Products written the other way round: the same values, in another form."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import rnnjax
from rnnjax.unrolling.jaxprs import gradient_sums
from tests.unrolling.test_rows import equations

RNG = np.random.default_rng(0)
X, G, W = (jnp.asarray(RNG.normal(size=shape)) for shape in ((5, 2, 3), (5, 2, 4), (3, 4)))


def weight_gradient(g):
    return jax.vjp(lambda w: jnp.matmul(X, w), W)[1](g)[0]


def primitives(function, *arguments):
    return [eqn.primitive.name for eqn in jax.make_jaxpr(function)(*arguments).eqns]


def test_a_weight_gradient_is_one_product():
    assert primitives(weight_gradient, G)[-2:] == ["dot_general", "transpose"]
    swapped = gradient_sums(weight_gradient)
    assert primitives(swapped, G) == ["dot_general"]
    np.testing.assert_allclose(swapped(G), weight_gradient(G), rtol=1e-6)


@pytest.mark.parametrize(
    "function",
    {
        "other axes": lambda g: jnp.tensordot(X, g, ((0,), (0,))).transpose(2, 1, 0, 3),
        "used besides": lambda g: (jnp.tensordot(X[0], g[0], ((0,), (0,))),) * 2,
        "both ways": lambda g: [p := jnp.tensordot(X[0], g[0], ((0,), (0,))), p.T],
        "in batches": lambda g: jnp.transpose(jnp.matmul(X, W), (1, 0, 2)) + g.transpose(1, 0, 2),
        "no product": lambda g: {"turned": g.T, "also": 1.0},
    }.values(),
)  # fmt: skip
def test_other_functions_stay(function):
    found = gradient_sums(function)(G)
    expected = function(G)
    assert jax.tree.structure(found) == jax.tree.structure(expected)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-6), found, expected)


@pytest.mark.parametrize("name", rnnjax.cells.BASIC)
def test_no_step_back_transposes_a_weight(name):
    """On the CPU a product with a transposed matrix takes nearly twice as long."""
    kind: Any = rnnjax.cells.BASIC[name]
    cell = kind(3, 4)
    params = cell.init(jax.random.key(0))
    xs = jnp.asarray(RNG.normal(size=(40, 2, 3)), jnp.float32)

    def loss(params):
        return (rnnjax.unroll(cell, params, xs)[1] ** 2).sum()

    products = [
        eqn.params["dimension_numbers"][0][1]
        for eqn, around in equations(jax.make_jaxpr(jax.grad(loss))(params).jaxpr)
        if eqn.primitive.name == "dot_general" and around.count("scan") == 2
    ]
    assert len(products) >= 2
    assert set(products) == {(0,)}
