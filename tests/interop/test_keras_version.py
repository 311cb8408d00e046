"""Keras 2 and Keras 3: told apart where they can be, asked for where it makes a difference."""

from __future__ import annotations

import copy
import sys
import types
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from rnnjax import GRU, LSTM, Bidirectional, SimpleRNN
from rnnjax.interop import keras
from tests.interop.samples import random_params
from tests.oracles import NONLINEARITIES
from tests.running import unroll

OF_2: dict[str, Any] = {"units": 2, "implementation": 2, "time_major": False, "dtype": "float32"}
OF_3: dict[str, Any] = {"units": 2, "seed": None, "zero_output_for_mask": False}
HARD = {"activation": "tanh", "recurrent_activation": "hard_sigmoid"}
NUM_GATES = {"SimpleRNN": 1, "LSTM": 4, "GRU": 3}


def config(kind="LSTM", **options):
    return {"module": "keras.layers", "class_name": kind, "config": options}


def weights_of(kind="LSTM", *, bias: Any = 1):
    rng = np.random.default_rng(0)
    width = 2 * NUM_GATES[kind]
    arrays = [rng.standard_normal(shape, np.float32) for shape in ((3, width), (2, width))]
    rows = {0: [], 1: [rng.standard_normal(width, np.float32)]}
    rows[2] = [rng.standard_normal((2, width), np.float32)]
    return arrays + rows[bias]


def both_ways(**options):
    inner = config(**options)
    return config("Bidirectional", layer=inner, merge_mode="concat", name="both")


def object_of(module, options):
    """An LSTM whose class says that it was defined in this module."""
    own = {"get_config": staticmethod(lambda: options), "get_weights": staticmethod(weights_of)}
    return type("LSTM", (), {"__module__": module, **own})()


def recurrent_activations(layer):
    inner: Any = layer.forward if isinstance(layer, Bidirectional) else layer
    return {inner.recurrent_activation}


@pytest.mark.parametrize(
    ("given", "stated", "expected"),
    [
        (config(**OF_2, **HARD), None, "keras2_hard_sigmoid"),
        (config(units=2, implementation=1, **HARD), None, "keras2_hard_sigmoid"),
        (config(**OF_2, **HARD, zero_output_for_mask=True), None, "keras2_hard_sigmoid"),
        (config(**OF_3, **HARD), None, "hard_sigmoid"),
        (config(units=2, zero_output_for_mask=True, **HARD), None, "hard_sigmoid"),
        (config(units=2, **HARD) | {"keras_version": "2.3.1"}, None, "keras2_hard_sigmoid"),
        (config(units=2, **HARD) | {"keras_version": "3.15.1"}, None, "hard_sigmoid"),
        (config(units=2, **HARD), 2, "keras2_hard_sigmoid"),
        (config(units=2, **HARD), "2.15.0", "keras2_hard_sigmoid"),
        (config(units=2, **HARD), "3", "hard_sigmoid"),
        (config(**OF_2, **HARD), 2, "keras2_hard_sigmoid"),
        (both_ways(**OF_2, **HARD), None, "keras2_hard_sigmoid"),
        (both_ways(**OF_3, **HARD), None, "hard_sigmoid"),
        (both_ways(units=2, **HARD), 2, "keras2_hard_sigmoid"),
    ],
)
def test_one_name_is_the_function_of_its_version(given, stated, expected):
    weights = weights_of() * (2 if given["class_name"] == "Bidirectional" else 1)
    layer, _ = keras.from_weights(weights, given, keras_version=stated)
    assert recurrent_activations(layer) == {expected}


@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
@pytest.mark.parametrize("options", [{"units": 2}, {"units": 2, "use_bias": True}])
def test_one_name_of_two_functions_is_refused_where_nothing_tells(kind, options):
    weights = weights_of(kind)
    for given in (config(kind, **options, **HARD), config(kind, **options)):
        with pytest.raises(ValueError, match=r"add keras_version=2 .* or keras_version=3") as error:
            keras.from_weights(weights, given)
        assert "recurrent_activation" in str(error.value)
    with pytest.raises(ValueError, match="activation='hard_sigmoid', which is"):
        keras.from_weights(
            weights_of("SimpleRNN"), config("SimpleRNN", units=2, activation="hard_sigmoid")
        )
    # Where both versions agree, nothing is asked.
    layer, _ = keras.from_weights(weights_of("SimpleRNN"), config("SimpleRNN", units=2))
    assert layer == SimpleRNN(3, 2)


@pytest.mark.parametrize(
    ("module", "version", "expected"),
    [
        ("tf_keras.src.layers.rnn.lstm", None, "keras2_hard_sigmoid"),
        ("tensorflow.python.keras.layers.recurrent_v2", None, "keras2_hard_sigmoid"),
        ("keras.src.layers.rnn.lstm", "2.15.0", "keras2_hard_sigmoid"),
        ("keras.layers.recurrent", "2.2.4", "keras2_hard_sigmoid"),
        ("keras.src.layers.rnn.lstm", "3.15.1", "hard_sigmoid"),
    ],
)
def test_the_class_of_an_object_tells_its_version(monkeypatch, module, version, expected):
    if version is not None:
        fake = types.SimpleNamespace(__version__=version)
        monkeypatch.setitem(sys.modules, "keras", fake)
    # Not even its options say it.
    layer, _ = keras.from_keras(object_of(module, {"units": 2, **HARD}))
    assert recurrent_activations(layer) == {expected}
    kind = type(object_of(module, {"units": 2, **HARD}))
    derived = type("LSTM", (kind,), {"__module__": "mine"})()
    assert keras.from_keras(derived)[0] == layer


def test_another_object_is_asked_for_its_version():
    unknown = object_of("mine", {"units": 2, **HARD})
    with pytest.raises(ValueError, match="add keras_version=2"):
        keras.from_keras(unknown)
    layer, _ = keras.from_keras(unknown, keras_version=2)
    assert recurrent_activations(layer) == {"keras2_hard_sigmoid"}
    of_2 = object_of("tf_keras.layers", {"units": 2, **HARD})
    with pytest.raises(ValueError, match="keras_version=3 was given, but this LSTM is one of Ker"):
        keras.from_keras(of_2, keras_version=3)
    with pytest.raises(ValueError, match="is one of Keras 3; leave keras_version out"):
        keras.from_weights(weights_of(), config(**OF_3), keras_version="2.1")
    wrong: Any
    for wrong in (1, "1.2", 4, "two", True, [2]):
        with pytest.raises(ValueError, match="keras_version must be 2 or 3, or such as"):
            keras.from_keras(unknown, keras_version=wrong)


def test_a_missing_option_has_a_default_only_where_the_version_has_one():
    layer, _ = keras.from_weights(weights_of(), config(**OF_3))
    assert layer == LSTM(3, 2)
    with pytest.raises(ValueError, match="write recurrent_activation into its configuration"):
        keras.from_weights(weights_of(), config(**OF_2))
    hard = {"recurrent_activation": "sigmoid"}
    for bias, reset_after in ((1, False), (2, True)):
        # The shape of the bias tells which of the two a GRU is.
        for options in (OF_2, {"units": 2}):
            given = config("GRU", **options, **hard)
            layer, _ = keras.from_weights(weights_of("GRU", bias=bias), given)
            assert layer == GRU(3, 2, reset_after=reset_after)
    bare = {"use_bias": False, **hard}
    with pytest.raises(ValueError, match="write reset_after into its configuration"):
        keras.from_weights(weights_of("GRU", bias=0), config("GRU", **OF_2, **bare))
    with pytest.raises(ValueError, match=r"does not say its reset_after.*add keras_version=2"):
        keras.from_weights(weights_of("GRU", bias=0), config("GRU", units=2, **bare))
    layer, _ = keras.from_weights(weights_of("GRU", bias=0), config("GRU", **OF_3, **bare))
    assert layer == GRU(3, 2, use_bias=False)


@pytest.mark.parametrize("option", ["output_dim", "inner_activation"])
def test_keras_1_is_named(option):
    with pytest.raises(ValueError, match=f"{option}, which is one of Keras 1"):
        keras.from_weights(weights_of(), config("LSTM", **{option: 2}))


def test_the_function_of_keras_2_is_computed_exactly(x64):
    given = config("SimpleRNN", **OF_2, activation="hard_sigmoid")
    layer, params = keras.from_weights(weights_of("SimpleRNN"), given)
    xs = 3 * np.random.default_rng(1).standard_normal((20, 3))
    _, ys = unroll(layer, params, jnp.asarray(xs))
    h = np.zeros(2)
    w_x, w_h, b = (np.asarray(a, np.float64) for a in weights_of("SimpleRNN"))
    for x, y in zip(xs, ys, strict=True):
        h = NONLINEARITIES["keras2_hard_sigmoid"](x @ w_x + h @ w_h + b)
        np.testing.assert_allclose(y, h, rtol=0, atol=1e-6)
    other = copy.deepcopy(given)
    other["config"] = {**OF_3, "activation": "hard_sigmoid"}
    _, zs = unroll(*keras.from_weights(weights_of("SimpleRNN"), other), jnp.asarray(xs))
    assert abs(zs - ys).max() > 0.01


def test_what_was_written_is_told_to_be_of_keras_3():
    for layer in (
        LSTM(3, 2, recurrent_activation="hard_sigmoid"),
        Bidirectional(GRU(3, 2, "hard_sigmoid")),
    ):
        params = random_params(layer)
        given = keras.to_config(layer)
        assert keras.from_weights(keras.to_weights(layer, params), given)[0] == layer
