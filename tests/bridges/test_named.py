"""Parameters by name: every array is seen by Flax's own tools, in linen and in nnx."""

# NumPy arrays go where JAX arrays are declared, and Flax and optax declare unions.
# pyright: reportArgumentType=false, reportAssignmentType=false, reportAttributeAccessIssue=false
# pyright: reportCallIssue=false, reportIndexIssue=false, reportOperatorIssue=false

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import core, nnx, serialization, traverse_util
from flax import linen as nn

import rnnjax
from rnnjax.bridges import linen
from rnnjax.bridges import nnx as bridge
from rnnjax.bridges.named import from_named, to_named
from rnnjax.cell import param_shapes
from tests.running import assert_close
from tests.slow import slow_but

CELL = {"w_x", "w_h", "b"}
LAYERS = {
    "cell": (rnnjax.LSTM(3, 4), CELL),
    "two biases": (rnnjax.GRU(3, 4, initialization="torch"), CELL | {"b_h"}),
    "no bias": (rnnjax.SimpleRNN(3, 4, use_bias=False), {"w_x", "w_h"}),
    "projected": (
        rnnjax.LSTMP(3, 4, 2, initialization="torch"),
        CELL | {"b_h", "w_p"},
    ),
    "wrapped": (rnnjax.Dropout(rnnjax.Residual(rnnjax.LSTM(3, 3)), inputs=0.5), CELL),
    "zoneout": (rnnjax.Reversed(rnnjax.Zoneout(rnnjax.LSTM(3, 4), h=0.1)), CELL),
    "both ways": (
        rnnjax.Bidirectional(rnnjax.LSTM(3, 4)),
        {f"{way}/{name}" for way in ("forward", "backward") for name in CELL},
    ),
    "stack": (
        rnnjax.Stack((rnnjax.LSTM(3, 4), rnnjax.Bidirectional(rnnjax.LSTM(4, 2)))),
        {f"{place}/{name}" for place in ("0", "1/forward", "1/backward") for name in CELL},
    ),
    "learned carry": (
        rnnjax.LearnedCarry(rnnjax.LSTM(3, 4)),
        {f"layer/{name}" for name in CELL} | {"carry/h", "carry/c"},
    ),
}
by_kind = pytest.mark.parametrize(
    "kind", slow_but({"two biases", "wrapped", "stack", "learned carry"}, LAYERS)
)
XS = np.random.default_rng(0).standard_normal((2, 5, 3)).astype(np.float32)


class Model(nn.Module):
    """A recurrent layer and a dense one."""

    layer: rnnjax.Layer

    @nn.compact
    def __call__(self, xs):
        return nn.Dense(1, name="dense")(linen.LastOutput(self.layer, name="rnn")(xs))


class NnxModel(nnx.Module):
    """The same."""

    def __init__(self, layer, rngs):
        self.rnn = bridge.LastOutput(layer, rngs=rngs)
        self.dense = nnx.Linear(layer.output_size, 1, rngs=rngs)

    def __call__(self, xs):
        return self.dense(self.rnn(xs))


@by_kind
def test_linen_parameters_are_leaves_of_plain_dicts(kind):
    layer, names = LAYERS[kind]
    variables = Model(layer).init(jax.random.key(0), XS)
    flat = traverse_util.flatten_dict(variables["params"], sep="/")
    assert set(flat) == {f"rnn/{name}" for name in names} | {"dense/kernel", "dense/bias"}
    assert all(isinstance(leaf, jax.Array) for leaf in flat.values())
    again = traverse_util.unflatten_dict(flat, sep="/")
    expected = Model(layer).apply(variables, XS)
    for same in ({"params": again}, core.freeze(variables)):
        assert_close(Model(layer).apply(same, XS), expected, tolerance=0)
    stored = serialization.to_bytes(variables)
    read = serialization.from_bytes(jax.tree.map(jnp.zeros_like, variables), stored)
    assert_close(read, variables, tolerance=0)


@by_kind
def test_nnx_parameters_have_the_same_names(kind):
    layer, names = LAYERS[kind]
    model = NnxModel(layer, nnx.Rngs(0))
    flat = {"/".join(path): leaf for path, leaf in nnx.to_flat_state(nnx.state(model.rnn))}
    # The module has a `layer` of its own.
    assert {name.replace("layer_", "layer") for name in flat} == names
    assert all(type(leaf) is nnx.Param for leaf in flat.values())
    assert model.rnn.layer == layer
    assert_close(bridge.RNN(layer, model.rnn.params).params, model.rnn.params, tolerance=0)


@by_kind
def test_there_and_back(kind):
    layer, _ = LAYERS[kind]
    params = layer.init(jax.random.key(0))
    back = from_named(layer, to_named(params))
    assert jax.tree.structure(back) == jax.tree.structure(params)
    assert_close(back, params, tolerance=0)


@by_kind
def test_linen_draws_what_the_layer_draws_from_the_key_of_the_module(kind):
    layer, names = LAYERS[kind]

    class Drawn(nn.Module):
        """One parameter, whose value is the whole."""

        @nn.compact
        def __call__(self):
            return self.param("whole", layer.init)

    del names
    expected = Drawn().init(jax.random.key(3))["params"]["whole"]
    for module in (linen.RNN(layer), linen.LastOutput(layer)):
        variables = module.init(jax.random.key(3), XS)
        assert_close(from_named(layer, variables["params"]), expected, tolerance=0)
    drawn_late = linen.RNN(layer).apply({}, XS, mutable=True, rngs={"params": jax.random.key(3)})[1]
    assert_close(from_named(layer, drawn_late["params"]), expected, tolerance=0)


def test_path_aware_map_finds_the_matrices_of_one_direction():
    layer, _ = LAYERS["stack"]
    params = Model(layer).init(jax.random.key(0), XS)["params"]
    for tree in (params, core.freeze(params)):
        halved = traverse_util.path_aware_map(
            lambda path, a: a / 2 if path[:3] == ("rnn", "1", "backward") else a, tree
        )
        was, now = (from_named(layer, tree["rnn"]) for tree in (params, halved))
        assert_close(now[1].backward, jax.tree.map(lambda a: a / 2, was[1].backward), tolerance=0)
        assert_close((now[0], now[1].forward), (was[0], was[1].forward), tolerance=0)


@by_kind
def test_weight_decay_by_name_leaves_the_biases_alone(kind):
    layer, names = LAYERS[kind]
    params = Model(layer).init(jax.random.key(0), XS)["params"]
    matrices = traverse_util.path_aware_map(lambda path, _: path[-1].startswith("w_"), params)
    optimizer = optax.masked(optax.add_decayed_weights(0.5), matrices)
    ones = jax.tree.map(jnp.ones_like, params)
    updates, _ = optimizer.update(ones, optimizer.init(params), params)
    flat = traverse_util.flatten_dict(updates["rnn"], sep="/")
    for name, before in traverse_util.flatten_dict(params["rnn"], sep="/").items():
        decayed = name.rpartition("/")[2].startswith("w_")
        expected = before / 2 + 1 if decayed else jnp.ones_like(before)
        assert_close(flat[name], expected, tolerance=1e-6)
    assert set(flat) == names


def test_freezing_by_name_moves_only_the_rest():
    layer, _ = LAYERS["both ways"]
    model = Model(layer)
    params = model.init(jax.random.key(0), XS)["params"]
    labels = traverse_util.path_aware_map(
        lambda path, _: "frozen" if "forward" in path else "trained", params
    )
    optimizer = optax.multi_transform(
        {"frozen": optax.set_to_zero(), "trained": optax.sgd(0.1)}, labels
    )
    gradient = jax.grad(lambda p: (model.apply({"params": p}, XS) ** 2).sum())(params)
    updates, _ = optimizer.update(gradient, optimizer.init(params), params)
    for path, update in traverse_util.flatten_dict(updates).items():
        assert bool((update != 0).any()) == ("forward" not in path), path


def test_filters_of_nnx_take_arrays_by_name():
    layer, names = LAYERS["both ways"]
    model = NnxModel(layer, nnx.Rngs(0))
    backward, rest = nnx.state(model, nnx.PathContains("backward"), ...)
    assert {"/".join(path) for path, _ in nnx.to_flat_state(backward)} == {
        f"rnn/{name}" for name in names if name.startswith("backward")
    }
    assert len(nnx.to_flat_state(rest)) == 5
    only = nnx.All(nnx.Param, lambda path, _: path[-1] == "w_h")
    optimizer = nnx.Optimizer(model, optax.sgd(0.1), wrt=only)
    before = model.rnn.params

    def loss(model):
        return (model(XS) ** 2).sum()

    optimizer.update(model, nnx.grad(loss, argnums=nnx.DiffState(0, only))(model))
    after = model.rnn.params
    for was, now in zip(before, after, strict=True):
        assert (was.w_h != now.w_h).any()
        assert_close((was.w_x, was.b), (now.w_x, now.b), tolerance=0)


class Single(rnnjax.Cell):
    """A cell whose parameters are one bare array, or a dict with the names of a module's own."""

    input_size = output_size = 3

    def __init__(self, params):
        self.drawn = params

    def init(self, key):
        return self.drawn

    def initial_carry(self, batch_shape=(), dtype=None):
        return jnp.zeros((*batch_shape, 3), dtype)

    def project(self, params, x):
        return x * sum(jnp.sum(leaf) for leaf in jax.tree.leaves(params))

    def step(self, params, carry, z):
        return carry + z, carry + z


class Crossing(NamedTuple):
    """Names that modules of Flax have themselves."""

    layer: jax.Array
    apply: jax.Array
    train: jax.Array
    name: jax.Array


@pytest.mark.parametrize(
    "params",
    [
        jnp.ones(3),
        Crossing(*(jnp.full(3, float(k)) for k in range(4))),
        [jnp.ones(3), {"a": jnp.ones(2)}],
    ],
    ids=["one array", "crossing names", "a list of a dict"],
)
def test_own_cells_may_have_any_parameters(params):
    layer = Single(params)
    variables = linen.RNN(layer).init(jax.random.key(0), XS)
    assert_close(from_named(layer, variables["params"]), params, tolerance=0)
    module = bridge.RNN(layer, params)
    assert_close(module.params, params, tolerance=0)
    assert jax.tree.structure(module.params) == jax.tree.structure(params)
    expected = rnnjax.unroll(layer, params, XS.swapaxes(0, 1))[1].swapaxes(0, 1)
    assert_close(linen.RNN(layer).apply(variables, XS)[1], expected, tolerance=0)
    assert_close(module(XS)[1], expected, tolerance=0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"w_y": 1.0}, r"has the parameters w_x, w_h, b, but these have also w_y\."),
        ({"b": None}, r"but these lack b\."),
        ({"b": None, "bias": 1.0}, r"but these lack b and have also bias\."),
        ({"b": {"c": 1.0}}, r"but these lack b and have also b/c\."),
    ],
)
def test_other_names_are_refused(change, message):
    layer = rnnjax.LSTM(3, 4)
    named = to_named(param_shapes(layer)) | change
    with pytest.raises(ValueError, match=message):
        from_named(layer, {name: value for name, value in named.items() if value is not None})


class Key:
    """A key of a dict that is written as another one is."""

    def __init__(self, rank):
        self.rank = rank

    def __lt__(self, other):
        return self.rank < other.rank

    def __repr__(self):
        return "w"


def test_two_parameters_of_one_name_are_refused():
    with pytest.raises(ValueError, match="the one name w"):
        to_named({Key(0): jnp.ones(1), Key(1): jnp.ones(1)})
