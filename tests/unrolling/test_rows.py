"""Rows over devices: the programs, and where they are divided. What they compute is compared in
tests/parallel, on several devices."""

import jax
import jax.numpy as jnp
import pytest
from jax.extend.core import jaxprs_in_params
from jax.sharding import AbstractMesh, AxisType, PartitionSpec

import rnnjax

TWO = AbstractMesh((2,), ("rows",), (AxisType.Auto,))
LAYERS = {
    "lstm": rnnjax.LSTM(3, 4),
    "both ways": rnnjax.Bidirectional(rnnjax.GRU(3, 4)),
    "dropout": rnnjax.Dropout(rnnjax.LSTM(3, 4), inputs=0.2, state=0.3, update=0.1),
    "zoneout": rnnjax.Zoneout(rnnjax.LSTM(3, 4), c=0.2, h=0.1),
    "learned carry": rnnjax.LearnedCarry(rnnjax.LSTM(3, 4)),
}


def equations(jaxpr, within=()):
    """Every equation, with the names of the loops and maps that it is in."""
    for eqn in jaxpr.eqns:
        yield eqn, within
        for inner in jaxprs_in_params(eqn.params):
            yield from equations(inner, (*within, eqn.primitive.name))


def gradient_program(layer, *, batch_shape=(6,), mesh=TWO, **options):
    params = jax.eval_shape(layer.init, jax.random.key(0))
    xs = jax.ShapeDtypeStruct((40, *batch_shape, 3), jnp.float32)

    def loss(params, xs):
        _, ys = rnnjax.unroll(layer, params, xs, key=jax.random.key(1), **options)
        return (ys**2).sum()

    with jax.sharding.use_abstract_mesh(mesh):
        return jax.make_jaxpr(jax.grad(loss))(params, xs).jaxpr


def names(program, within=None):
    return {
        eqn.primitive.name
        for eqn, around in equations(program)
        if within is None or within in around
    }


@pytest.mark.parametrize("name", LAYERS)
def test_weight_gradients_are_summed_once_after_the_sequence(name):
    mask, resets = jnp.ones((2, 40, 6), bool)
    program = gradient_program(LAYERS[name], mask=mask, resets=resets)
    assert "scan" in names(program, "shard_map")
    sums = [around for eqn, around in equations(program) if eqn.primitive.name.startswith("psum")]
    assert sums
    assert not any("scan" in around for around in sums)


def test_a_mask_of_all_rows_is_whole():
    program = gradient_program(LAYERS["lstm"], mask=jnp.ones(40, bool))
    assert "shard_map" in names(program)


@pytest.mark.parametrize(
    ("why", "options"),
    {
        "rows that can't be divided": {"batch_shape": (5,)},
        "no rows": {"batch_shape": ()},
        "another axis": {"mesh": AbstractMesh((2,), ("model",), (AxisType.Auto,))},
        "one device": {"mesh": AbstractMesh((1,), ("rows",), (AxisType.Auto,))},
    }.items(),
)
def test_not_divided(why, options):
    assert "shard_map" not in names(gradient_program(LAYERS["lstm"], **options)), why


def test_not_divided_again_within_a_map():
    layer = LAYERS["lstm"]
    params = layer.init(jax.random.key(0))
    spec = PartitionSpec(None, "rows")
    with jax.sharding.use_abstract_mesh(TWO):
        mapped = jax.shard_map(
            lambda xs: rnnjax.unroll(layer, params, xs)[1],
            in_specs=spec,
            out_specs=spec,
            check_vma=False,
        )
        program = jax.make_jaxpr(mapped)(jnp.ones((5, 4, 3))).jaxpr
    assert "shard_map" in names(program)
    assert "shard_map" not in names(program, "shard_map")
