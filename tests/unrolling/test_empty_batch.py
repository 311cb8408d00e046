"""A batch without rows, as a filter or the last shard may leave it."""

# NumPy arrays go where JAX arrays are declared.
# pyright: reportArgumentType=false, reportCallIssue=false, reportAttributeAccessIssue=false

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import rnnjax
from rnnjax import (
    GRU,
    LSTM,
    LSTMP,
    Bidirectional,
    Dropout,
    LearnedCarry,
    Residual,
    Reversed,
    Stack,
    Zoneout,
    length_mask,
)
from rnnjax.bridges import linen
from rnnjax.bridges import nnx as nnx_bridge
from rnnjax.cells import BASIC
from rnnjax.models import SequenceClassifier, SequenceTagger, TextClassifier
from rnnjax.models.plain import PlainClassifier
from tests.running import quick_jit

LAYERS = [
    *(cell(3, 4) for cell in BASIC.values()),
    LSTMP(3, 4, 2),
    Stack((LSTM(3, 4), LearnedCarry(GRU(4, 4))), dropout=0.2),
    Stack((Bidirectional(LSTM(3, 2)), Reversed(Residual(GRU(4, 4))))),
    Dropout(LSTM(3, 4), inputs=0.1, state=0.1, update=0.1, weights=0.1),
    Zoneout(LSTM(3, 4), h=0.1, c=0.1),
]

STEPS = 40  # more than one chunk, and a rest
FLAGS = np.ones((STEPS, 0), bool)
KEY = jax.random.key(0)

each_run = pytest.mark.parametrize(
    "run",
    [rnnjax.unroll, rnnjax.unroll_last, rnnjax.unroll_carries],
    ids=lambda run: run.__name__,
)


def total(tree):
    return sum(jnp.sum(a) for a in jax.tree.leaves(tree))


def shapes(function, *arguments):
    return [a.shape for a in jax.tree.leaves(jax.eval_shape(function, *arguments))]


def assert_differentiable(run, layer, steps=STEPS, **options):
    params = jax.eval_shape(layer.init, KEY)
    xs = jax.ShapeDtypeStruct((steps, 0, 3), jnp.float32)
    gradients = jax.grad(lambda *given: total(run(layer, *given, **options)), argnums=(0, 1))
    assert shapes(gradients, params, xs) == [a.shape for a in jax.tree.leaves((params, xs))]


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: type(layer).__name__)
def test_every_layer_has_a_gradient(layer):
    assert_differentiable(rnnjax.unroll_last, layer, mask=FLAGS, resets=FLAGS, key=KEY)


@each_run
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"reverse": True, "mask": np.ones(STEPS, bool)},
        {"executor": "scan", "mask": FLAGS, "resets": FLAGS},
        {"remat_chunk": "auto", "key": KEY},
        {"remat_chunk": 7, "mask": FLAGS},
    ],
    ids=lambda options: " ".join(options),
)
def test_every_option_is_possible(run, options):
    assert_differentiable(run, Dropout(LSTM(3, 4), inputs=0.1, update=0.1), **options)


@pytest.mark.parametrize("run", [rnnjax.unroll, rnnjax.unroll_last], ids=lambda run: run.__name__)
def test_a_single_chunk_of_steps(run):
    # Nothing depends on a row where there is none, which leaves nothing for the backward pass.
    layer = Zoneout(LSTM(3, 4), h=0.1, c=0.1)
    assert_differentiable(run, layer, 5, mask=FLAGS[:5], resets=FLAGS[:5], key=KEY)


@pytest.mark.parametrize("batch", [(0,), (2, 0), (0, 2)], ids=str)
def test_the_loss_of_no_rows_and_its_gradients_are_zero(batch):
    layer = LSTM(3, 4)
    params, xs = layer.init(KEY), np.ones((STEPS, *batch, 3), np.float32)
    mask = np.ones((STEPS, *batch), bool)
    results = quick_jit(
        jax.value_and_grad(lambda params: total(rnnjax.unroll(layer, params, xs, mask=mask)))
    )(params)
    assert all((np.asarray(a) == 0).all() for a in jax.tree.leaves(results))


def test_a_run_outside_of_a_program():
    layer = LSTM(3, 4)
    mask = length_mask(np.zeros(0, int), STEPS)
    xs = np.ones((STEPS, 0, 3), np.float32)
    carry, ys = rnnjax.unroll(layer, layer.init(KEY), xs, mask=mask)
    assert ys.shape == (STEPS, 0, 4)
    assert carry.c.shape == (0, 4)


@pytest.mark.parametrize(
    "cell", [cell(3, 4) for cell in BASIC.values()], ids=lambda c: type(c).__name__
)
def test_a_single_step(cell):
    arguments = jax.eval_shape(cell.init, KEY), cell.initial_carry((0,)), jnp.zeros((0, 3))
    assert set(shapes(cell, *arguments)) == {(0, 4)}


LAYER = Bidirectional(LSTM(3, 4))
MODELS = [
    (SequenceClassifier(LAYER, 3), jnp.float32),
    (SequenceTagger(LAYER, 3), jnp.float32),
    (TextClassifier(10, 3, LAYER, 4, "max_mean", 0.1, 0.1, 0.1), jnp.int32),
    (TextClassifier(10, 3, LAYER, 0, "last", 0.1, 0.1, 0.1), jnp.int32),
    (linen.RNN(LAYER), jnp.float32),
    (linen.LastOutput(LAYER), jnp.float32),
]


@pytest.mark.parametrize(("model", "dtype"), MODELS, ids=lambda value: type(value).__name__)
@pytest.mark.parametrize("masked", [False, True])
def test_models_and_modules_of_flax_linen(model, dtype, masked):
    features = () if dtype == jnp.int32 else (3,)
    xs, full = (jnp.zeros((rows, STEPS, *features), dtype) for rows in (0, 2))
    mask = jnp.ones((0, STEPS), bool) if masked else None
    variables = jax.eval_shape(model.init, KEY, full)
    assert shapes(model.init, KEY, xs) == shapes(lambda: variables)

    def loss(variables):
        results = model.apply(variables, xs, mask=mask, training=True, rngs={"dropout": KEY})
        assert all(0 in a.shape for a in jax.tree.leaves(results))
        return total(results)

    assert shapes(jax.grad(loss), variables) == shapes(lambda: variables)


@pytest.mark.parametrize(
    "module", [nnx_bridge.RNN, nnx_bridge.LastOutput], ids=lambda m: m.__name__
)
def test_modules_of_flax_nnx(module):
    rnn = module(GRU(3, 4), rngs=nnx.Rngs(0))
    mask = jnp.ones((0, STEPS), bool)
    results = jax.eval_shape(lambda: rnn(jnp.zeros((0, STEPS, 3)), mask=mask))
    assert all(0 in a.shape for a in jax.tree.leaves(results))


@pytest.mark.parametrize("hidden_units", [0, 4])
def test_networks_without_memory(hidden_units):
    model = PlainClassifier(3, hidden_units)
    variables = model.init(jax.random.key(0), jnp.ones((2, 5, 3)))
    assert model.apply(variables, jnp.ones((0, 5, 3))).shape == (0, 3)
