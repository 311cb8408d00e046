"""Weights of Keras: what they compute, both directions bit for bit, what is refused."""

from __future__ import annotations

import copy
import json
import pathlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rnnjax import GRU, LSTM, LSTMP, Bidirectional, SimpleRNN, Stack
from rnnjax.interop import keras
from tests.interop.samples import random_params
from tests.running import assert_close, pull_back, unroll

GOLDEN = np.load(
    pathlib.Path(__file__).parent.parent / "golden" / "keras_layers.npz", allow_pickle=False
)
CASES = sorted({name.partition("/")[0] for name in GOLDEN.files})


def config_of(case):
    return json.loads(GOLDEN[f"{case}/config"].tobytes())


def numbered(case, what):
    count = sum(name.startswith(f"{case}/{what}/") for name in GOLDEN.files)
    return [GOLDEN[f"{case}/{what}/{k}"] for k in range(count)]


def as_results(layer, carry, arrays):
    """What Keras returns as a list, as what `unroll` returns."""
    num_outputs = len(arrays) - len(jax.tree.leaves(carry))
    outputs = [jnp.asarray(a).swapaxes(0, 1) for a in arrays[:num_outputs]]
    final = jax.tree.unflatten(jax.tree.structure(carry), map(jnp.asarray, arrays[num_outputs:]))
    return final, outputs[0] if num_outputs == 1 else tuple(outputs)


@pytest.mark.parametrize("case", CASES)
def test_a_layer_computes_what_keras_did(x64, case):
    weights, states = numbered(case, "weight"), numbered(case, "state")
    layer, params = keras.from_weights(weights, config_of(case))
    zeros = layer.initial_carry((2,))
    carry = jax.tree.unflatten(jax.tree.structure(zeros), map(jnp.asarray, states))
    inputs = jnp.asarray(GOLDEN[f"{case}/inputs"]).swapaxes(0, 1)
    expected = as_results(layer, carry, numbered(case, "result"))
    assert_close(unroll(layer, params, inputs, carry), expected)

    cotangents = as_results(layer, carry, numbered(case, "cotangent"))
    gradients = numbered(case, "gradient")
    of_weights, of_inputs = gradients[: len(weights)], gradients[len(weights)]
    of_states = gradients[len(weights) + 1 :]
    expected = (
        keras.from_weights(of_weights, config_of(case))[1],
        of_inputs.swapaxes(0, 1),
        jax.tree.unflatten(jax.tree.structure(zeros), of_states),
    )
    assert_close(pull_back(cotangents, layer, params, inputs, carry), expected)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("dtype", ["f4", "f2", jnp.bfloat16])
def test_there_and_back_bit_for_bit(case, dtype):
    weights = [w.astype(dtype) for w in numbered(case, "weight")]
    back = keras.to_weights(*keras.from_weights(weights, config_of(case)))
    assert len(back) == len(weights)
    for actual, expected in zip(back, weights, strict=True):
        assert actual.dtype == expected.dtype
        assert actual.shape == expected.shape
        assert actual.tobytes() == expected.tobytes()


@pytest.mark.parametrize(
    "layer",
    [
        SimpleRNN(3, 2, "relu"),
        LSTM(3, 2, "softsign", "hard_sigmoid", use_bias=False),
        GRU(3, 2, "elu"),
        GRU(3, 2, reset_after=False),
        Bidirectional(GRU(3, 2), merge="none"),
        Bidirectional(LSTM(3, 2), GRU(3, 4), merge="concat"),
        Bidirectional(LSTM(3, 2), SimpleRNN(3, 2, use_bias=False), merge="ave"),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_back_and_there_bit_for_bit(layer):
    params = random_params(layer)
    again, same = keras.from_weights(keras.to_weights(layer, params), keras.to_config(layer))
    assert again == layer
    assert jax.tree.structure(same) == jax.tree.structure(params)
    for a, b in zip(jax.tree.leaves(same), jax.tree.leaves(params), strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)


def test_the_gates_of_a_gru_change_places():
    width = np.repeat([0.0, 1.0, 2.0], 2).astype("f")  # z, r, h
    weights = [np.stack([width] * 3), np.stack([width] * 2), np.stack([width, width + 10])]
    config = {"class_name": "GRU", "config": {"units": 2}}
    _, params = keras.from_weights(weights, config, keras_version=3)
    expected = [1, 1, 0, 0, 2, 2]  # r, z, n
    for row in (*params.w_x, *params.w_h, params.b, params.b_h - 10):
        np.testing.assert_array_equal(row, expected)


def test_a_layer_is_read_through_its_config_and_its_weights():
    weights = numbered("gru", "weight")
    options = config_of("gru")["config"]

    class GRU:
        built = True
        get_config = staticmethod(lambda: options)
        get_weights = staticmethod(lambda: [w.astype("f") for w in weights])

    layer, params = keras.from_keras(GRU())
    assert (type(layer).__name__, layer.input_size, layer.hidden_size) == ("GRU", 3, 4)
    np.testing.assert_array_equal(keras.to_weights(layer, params)[0], weights[0].astype("f"))
    GRU.built = False
    with pytest.raises(ValueError, match="has no weights yet"):
        keras.from_keras(GRU())


def test_a_bidirectional_without_a_second_layer_has_two_equal_ones():
    config = config_of("sum")
    del config["config"]["backward_layer"]
    weights = [w.astype("f") for w in numbered("sum", "weight")]
    layer, params = keras.from_weights(weights, config)
    assert layer == keras.from_weights(weights, config_of("sum"))[0]
    np.testing.assert_array_equal(params.backward.w_x[:, 2:4], weights[3][:, :2])


def changed(case, **options):
    config = copy.deepcopy(config_of(case))
    config["config"] |= options
    return config


def changed_inside(case, name, **options):
    config = copy.deepcopy(config_of(case))
    config["config"][name]["config"] |= options
    return config


@pytest.mark.parametrize(
    ("case", "config", "message"),
    [
        ("lstm", changed("lstm", activation="leaky_relu"), "slope is 0.2 in Keras and 0.01 here"),
        ("lstm", changed("lstm", recurrent_activation="exponential"), "'exponential', which is"),
        ("lstm", changed("lstm", activation={"class_name": "f"}), "which is none of those known"),
        ("lstm", changed("lstm", go_backwards=True), "by rnnjax.unroll"),
        ("lstm", changed("lstm", units=5), r"kernel must have the shape \(3, 20\), not \(3, 16\)"),
        ("gru", changed("gru", reset_after=False), r"bias must have the shape \(12,\)"),
        ("lstm", changed("lstm", use_bias=False), "has 2 weights, but 3 were given"),
        ("sum", changed_inside("sum", "layer", go_backwards=True), "exchange its two layers"),
        ("lstm", config_of("lstm") | {"class_name": "ConvLSTM2D"}, "ConvLSTM2D is none of"),
        ("lstm", {"class_name": "Dense", "config": {"units": 4}}, "Dense is none of"),
        ("sum", changed("sum", layer=config_of("sum")), "Bidirectional is none of"),
        ("lstm", {"class_name": "LSTM", "config": {"seed": 0}}, "hidden_size must be a positive"),
        ("lstm", config_of("lstm")["config"], "has a class_name and a config"),
        ("sum", changed("sum", merge_mode="max"), "unknown merge 'max'"),
    ],
)
def test_a_layer_that_can_not_be_represented_is_refused(case, config, message):
    weights = [w.astype("f") for w in numbered(case, "weight")]
    keras.from_weights(weights, config_of(case))
    with pytest.raises(ValueError, match=message):
        keras.from_weights(weights, config)


def test_float64_is_refused_where_jax_would_round_it():
    with pytest.raises(ValueError, match="w_x is float64, which JAX would round"):
        keras.from_weights(numbered("lstm", "weight"), config_of("lstm"))


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (LSTMP(3, 4, 2), "no layer for LSTMP"),
        (Stack((LSTM(3, 4), LSTM(4, 4))), "convert its layers one by one"),
        (Bidirectional(Stack((LSTM(3, 4),))), "no layer for Stack"),
        (LSTM(3, 4, "leaky_relu"), "LSTM has activation='leaky_relu'"),
        (
            Bidirectional(GRU(3, 4, recurrent_activation="keras2_hard_sigmoid")),
            "a function that Keras 2 calls hard_sigmoid and Keras 3 does not have",
        ),
        (LSTM(3, 4, initialization="torch"), "put them together by rnnjax.interop.merge_biases"),
        (GRU(3, 4, reset_after=False, initialization="torch"), None),
    ],
)
def test_a_layer_that_keras_lacks_is_refused(layer, message):
    params = random_params(layer)
    if message is None:
        assert len(keras.to_weights(layer, params)) == 3
        return
    with pytest.raises(ValueError, match=message):
        keras.to_weights(layer, params)


def test_biases_that_the_cell_does_not_have_are_refused():
    params = random_params(LSTM(3, 4))
    with pytest.raises(ValueError, match="use_bias=False, but there are biases"):
        keras.to_weights(LSTM(3, 4, use_bias=False), params)
    with pytest.raises(ValueError, match=r"kernel must have the shape \(3, 20\)"):
        keras.to_weights(LSTM(3, 5), params)


def test_a_layer_of_keras_has_one_dtype():
    params = random_params(LSTM(3, 4))
    mixed = params._replace(b=params.b.astype(jnp.bfloat16))
    with pytest.raises(ValueError, match="one dtype, but the parameters have bfloat16 and float32"):
        keras.to_keras(LSTM(3, 4), mixed)
