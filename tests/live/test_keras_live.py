"""Keras beside this library, on randomly drawn layers: the same values, carries, gradients."""

# The stubs of TensorFlow know no NumPy.
# pyright: reportArgumentType=false, reportCallIssue=false

from __future__ import annotations

import hypothesis
import hypothesis.extra.numpy as hnp
import hypothesis.strategies as st
import jax
import jax.numpy as jnp
import keras  # pyright: ignore[reportMissingImports]
import numpy as np
import pytest
import tensorflow as tf  # pyright: ignore[reportMissingModuleSource]

from rnnjax import GRU, LSTM, Bidirectional, SimpleRNN
from rnnjax.activations import ACTIVATIONS
from rnnjax.interop import keras as interop
from tests.interop.samples import random_params
from tests.running import assert_close, pull_back, unroll

EXACT = sorted(set(ACTIVATIONS) - {"leaky_relu", "gelu", "keras2_hard_sigmoid"})
SMOOTH = [name for name in EXACT if name in ("elu", "sigmoid", "silu", "softplus", "tanh")]


def cell_layer(kind, units, **options):
    always = {"return_sequences": True, "return_state": True, "zero_output_for_mask": True}
    return getattr(keras.layers, kind)(units, dtype="float64", **always, **options)


@st.composite
def cells(draw, kind=None):
    """A kind of layer and its options."""
    kind = kind or draw(st.sampled_from(["SimpleRNN", "LSTM", "GRU"]))
    options = {
        "use_bias": draw(st.booleans()),
        "activation": draw(st.sampled_from(SMOOTH)),
        "dropout": draw(st.sampled_from([0.0, 0.4])),
        "recurrent_dropout": draw(st.sampled_from([0.0, 0.4])),
    }
    if kind != "SimpleRNN":
        options["recurrent_activation"] = draw(st.sampled_from(["sigmoid", "hard_sigmoid"]))
    if kind == "GRU":
        options["reset_after"] = draw(st.booleans())
    return kind, options


@st.composite
def layers(draw):
    """What `build` takes: a layer in one or in both directions."""
    forward = draw(cells())
    merge = draw(st.sampled_from(["no wrapper", "concat", "sum", "mul", "ave", None]))
    # Keras wants as many states in both directions.
    backward = draw(st.none() | cells(forward[0]))
    return draw(st.integers(1, 5)), forward, merge, backward, draw(st.integers(0, 9))


def build(input_size, drawn):
    """The layer of Keras, with normal weights, biases included."""
    units, (kind, options), merge, backward, seed = drawn
    layer = cell_layer(kind, units, **options)
    if merge != "no wrapper":
        if backward is not None:
            kind, options = backward
            backward = cell_layer(kind, units, go_backwards=True, **options)
        layer = keras.layers.Bidirectional(
            layer, merge_mode=merge, backward_layer=backward, dtype="float64"
        )
    layer.build((None, None, input_size))
    return with_random_weights(layer, seed)


def with_random_weights(layer, seed=0):
    rng = np.random.default_rng(seed)
    layer.set_weights([0.6 * rng.standard_normal(w.shape) for w in layer.get_weights()])
    return layer


def ours(carry, results):
    """What Keras returns as a list, as what `unroll` returns."""
    results = [jnp.asarray(r) for r in results]
    leaves, structure = jax.tree.flatten(carry)
    outputs = [r.swapaxes(0, 1) for r in results[: len(results) - len(leaves)]]
    final = jax.tree.unflatten(structure, results[len(outputs) :])
    return final, outputs[0] if len(outputs) == 1 else tuple(outputs)


@hypothesis.given(
    drawn=layers(),
    steps=st.integers(1, 5),
    batch=st.integers(1, 3),
    input_size=st.integers(1, 4),
    data=st.data(),
)
def test_values_carries_and_gradients_are_the_same(x64, drawn, steps, batch, input_size, data):
    layer = build(input_size, drawn)
    mask = data.draw(st.none() | hnp.arrays(bool, (batch, steps)), label="mask")
    rng = np.random.default_rng(0)
    mine, params = interop.from_keras(layer)
    shapes = [a.shape for a in jax.tree.leaves(mine.initial_carry((batch,)))]
    initial = [tf.Variable(rng.standard_normal(shape)) for shape in shapes]
    inputs = tf.Variable(rng.standard_normal((batch, steps, input_size)))
    with tf.GradientTape() as tape:
        results = list(layer(inputs, initial_state=list(initial), mask=mask))
    cotangents = [rng.standard_normal(r.shape) for r in results]
    weights = [w.value for w in layer.weights]
    gradients = tape.gradient(results, [*weights, inputs, *initial], output_gradients=cotangents)

    structure = jax.tree.structure(mine.initial_carry())
    carry = jax.tree.unflatten(structure, [jnp.asarray(s) for s in initial])
    xs = jnp.asarray(inputs).swapaxes(0, 1)
    flags = {} if mask is None else {"mask": mask.T}
    assert_close(unroll(mine, params, xs, carry, **flags), ours(carry, results))
    pulled = pull_back(ours(carry, cotangents), mine, params, xs, carry, **flags)
    by_weights = gradients[: len(weights)]
    expected = (
        interop.from_weights(by_weights, keras.layers.serialize(layer))[1],
        np.asarray(gradients[len(weights)]).swapaxes(0, 1),
        jax.tree.unflatten(structure, [np.asarray(g) for g in gradients[len(weights) + 1 :]]),
    )
    assert_close(pulled, expected)


@hypothesis.given(drawn=layers())
def test_layers_there_and_back_bit_for_bit(x64, drawn):
    layer = build(3, drawn)
    back = interop.to_keras(*interop.from_keras(layer))
    assert type(back) is type(layer)
    for actual, expected in zip(back.get_weights(), layer.get_weights(), strict=True):
        assert actual.dtype == expected.dtype == np.float64
        np.testing.assert_array_equal(actual, expected)
    ours_again, theirs = interop.from_keras(back)[0], interop.from_keras(layer)[0]
    assert ours_again == theirs
    names = ("dropout", "recurrent_dropout", "seed")  # which are left out
    left_out = [*names, *(n for n in layer.get_config() if "initializer" in n), "return_state"]
    if not isinstance(layer, keras.layers.Bidirectional):
        for name, value in back.get_config().items():
            if name not in (*left_out, "name", "dtype"):
                assert layer.get_config()[name] == value, name


@pytest.mark.parametrize("activation", [*EXACT, "gelu"])
def test_activations_of_one_name_are_one_function(x64, activation):
    layer = cell_layer("LSTM", 3, activation=activation, recurrent_activation=activation)
    layer.build((None, None, 2))
    xs = np.random.default_rng(1).standard_normal((3, 4, 2))
    outputs, *_ = with_random_weights(layer)(tf.constant(xs))
    _, ys = unroll(*interop.from_keras(layer), jnp.asarray(xs).swapaxes(0, 1))
    # TensorFlow rounds a constant in its gelu to float32.
    tolerance = 1e-6 if activation == "gelu" else 1e-10
    assert_close(ys.swapaxes(0, 1), np.asarray(outputs), tolerance=tolerance)


@pytest.mark.parametrize(
    "layer",
    [
        SimpleRNN(3, 4, "relu"),
        GRU(3, 4, reset_after=False),
        Bidirectional(LSTM(3, 4), SimpleRNN(3, 2), merge="concat"),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_a_layer_of_ours_computes_the_same_in_keras(x64, layer):
    params = random_params(layer)
    xs = np.random.default_rng(1).standard_normal((5, 2, 3))
    made = interop.to_keras(layer, params)
    _, ys = unroll(layer, params, xs)
    assert_close(ys.swapaxes(0, 1), np.asarray(made(tf.constant(xs.swapaxes(0, 1)))))


def test_the_options_of_a_saved_layer_are_enough():
    layer = keras.layers.Bidirectional(keras.layers.GRU(4, activation="relu"), merge_mode="sum")
    layer.build((None, None, 3))
    from_layer = interop.from_keras(layer)
    from_config = interop.from_weights(layer.get_weights(), keras.layers.serialize(layer))
    assert from_layer[0] == from_config[0]
    assert_close(from_layer[1], from_config[1], tolerance=0)


def custom(x):
    return x


def test_layers_that_can_not_be_represented_are_refused():
    layers = keras.layers
    for layer, message in (
        (layers.LSTM(2, go_backwards=True), "go_backwards=True"),
        (layers.LSTM(2, activation="leaky_relu"), "slope is 0.2"),
        (layers.LSTM(2, activation=custom), "none of those known here"),
        (layers.RNN(layers.LSTMCell(2)), "RNN is none of"),
        (layers.Dense(2), "Dense is none of"),
        (layers.Bidirectional(layers.GRU(2, activation="mish")), "activation='mish'"),
    ):
        layer.build((None, None, 3))
        with pytest.raises(ValueError, match=message):
            interop.from_keras(layer)
    with pytest.raises(ValueError, match="has no weights yet"):
        interop.from_keras(layers.LSTM(2))


@pytest.mark.parametrize("kind", ["SimpleRNN", "LSTM", "GRU"])
@pytest.mark.parametrize("hard", ["activation", "recurrent_activation"])
@pytest.mark.parametrize("both", [False, True])
def test_layers_of_keras_2_compute_the_same(x64, kind, hard, both):
    keras_2 = pytest.importorskip("tf_keras", exc_type=ImportError).layers
    options = {hard: "hard_sigmoid"} if kind != "SimpleRNN" else {"activation": "hard_sigmoid"}
    if kind == "GRU":
        options["reset_after"] = both
    made = getattr(keras_2, kind)(4, return_sequences=True, dtype="float64", **options)
    made = keras_2.Bidirectional(made, dtype="float64") if both else made
    made.build((None, None, 3))
    xs = 2 * np.random.default_rng(1).standard_normal((2, 5, 3))
    expected = np.asarray(with_random_weights(made)(tf.constant(xs)))
    by_object = interop.from_keras(made)
    by_config = interop.from_weights(made.get_weights(), keras_2.serialize(made))
    assert by_config[0] == by_object[0]
    _, ys = unroll(*by_object, jnp.asarray(xs).swapaxes(0, 1))
    assert_close(ys.swapaxes(0, 1), expected)
