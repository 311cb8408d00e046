"""Meshes as JAX makes them: explicit axes, and maps that check what varies."""

# NumPy arrays go where JAX arrays are declared.
# pyright: reportArgumentType=false

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from jax.sharding import AbstractMesh, AxisType, NamedSharding, PartitionSpec

import rnnjax
from rnnjax.cell import param_shapes
from tests.running import assert_close, quick_jit
from tests.unrolling.test_rows import LAYERS, equations

ROWS = PartitionSpec(None, "data")
OPTIONS = {
    "plain": {},
    "scan": {"executor": "scan"},
    "everything": {
        "mask": np.random.default_rng(0).random((40, 2)) < 0.7,
        "resets": np.random.default_rng(1).random((40, 1)) < 0.2,
        "reverse": True,
        "remat_chunk": 20,
    },
}


CASES = [
    pytest.param("lstm", "plain", marks=pytest.mark.slow),
    ("both ways", "scan"),
    ("zoneout", "everything"),
    pytest.param("dropout", "everything", marks=pytest.mark.slow),
    pytest.param("learned carry", "everything", marks=pytest.mark.slow),
]


def sample(layer):
    params = layer.init(jax.random.key(0))
    return params, jax.random.normal(jax.random.key(1), (40, 2, 3))


def outputs_of(layer, name):
    options = dict(OPTIONS[name])
    if "resets" in options:
        options["resets"] = np.broadcast_to(options["resets"], (40, 2))

    def run(params, xs):
        carry, ys = rnnjax.unroll(layer, params, xs, key=jax.random.key(1), **options)
        last, y = rnnjax.unroll_last(layer, params, xs, carry)
        return last, y, ys

    return run


def loss_of(run):
    return lambda *args: sum(jnp.sum(jnp.sin(a)) for a in jax.tree.leaves(run(*args)))


@pytest.fixture
def mesh():
    """As `jax.make_mesh` makes it: its types are those of many devices."""
    with jax.set_mesh(jax.make_mesh((1,), ("data",))) as mesh:
        yield mesh


@pytest.mark.parametrize(("name", "options"), CASES)
def test_explicit_axes(name, options, mesh):
    run = outputs_of(LAYERS[name], options)
    params, xs = sample(LAYERS[name])
    placed = jax.device_put(params, PartitionSpec()), jax.device_put(xs, ROWS)
    found = quick_jit(jax.value_and_grad(loss_of(run), argnums=(0, 1)))(*placed)
    assert jax.typeof(found[1][1]).sharding.spec == PartitionSpec(None, "data", None)
    with jax.set_mesh(jax.make_mesh((), ())):
        expected = quick_jit(jax.value_and_grad(loss_of(run), argnums=(0, 1)))(params, xs)
    assert_close(found, expected, tolerance=1e-5)


def test_a_mask_of_all_rows_is_not_divided():
    cell = rnnjax.GRU(3, 4)
    params = param_shapes(cell)
    two = AbstractMesh((2,), ("data",), (AxisType.Explicit,))
    xs = jax.ShapeDtypeStruct((5, 2, 3), jnp.float32, sharding=NamedSharding(two, ROWS))
    run = jax.jit(lambda params, xs, mask: rnnjax.unroll(cell, params, xs, mask=mask)[1])
    with jax.sharding.use_abstract_mesh(two):
        program = run.trace(params, xs, jax.ShapeDtypeStruct((5,), bool))
    assert program.out_info.sharding.spec == PartitionSpec(None, "data", None)


@pytest.mark.parametrize(("name", "options"), CASES)
def test_within_a_map_that_checks(name, options):
    run = outputs_of(LAYERS[name], options)
    params, xs = sample(LAYERS[name])
    mesh = jax.make_mesh((1,), ("data",), axis_types=(jax.sharding.AxisType.Auto,))
    loss = jax.shard_map(
        lambda *args: lax.psum(loss_of(run)(*args), "data"),
        mesh=mesh,
        in_specs=(PartitionSpec(), ROWS),
        out_specs=PartitionSpec(),
    )
    gradient = quick_jit(jax.value_and_grad(loss, argnums=(0, 1)))
    program, found = gradient.trace(params, xs), gradient(params, xs)
    expected = quick_jit(jax.value_and_grad(loss_of(run), argnums=(0, 1)))(params, xs)
    assert_close(found, expected, tolerance=1e-5)
    sums = [around for e, around in equations(program.jaxpr) if e.primitive.name.startswith("psum")]
    assert not any("scan" in around for around in sums), "a gradient is summed at every step"


def test_a_carry_that_is_given_keeps_its_place(mesh):
    cell = rnnjax.LSTM(3, 4)
    params, xs = sample(cell)
    xs = jax.device_put(xs, ROWS)
    carry, _ = quick_jit(lambda params, xs: rnnjax.unroll(cell, params, xs))(params, xs)
    spec = PartitionSpec("data", None)
    assert jax.typeof(carry.c).sharding.spec == spec
    final, _ = quick_jit(lambda *args: rnnjax.unroll(cell, *args))(params, xs, carry)
    assert jax.typeof(final.h).sharding.spec == spec
