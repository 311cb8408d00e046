"""What Keras does of the feature table about single weights, and about handing them on."""

from __future__ import annotations

import keras  # pyright: ignore[reportMissingImports]
import numpy as np
import pytest
import tensorflow as tf  # pyright: ignore[reportMissingModuleSource]

from tests.live.feature_table import no, yes
from tests.live.features.evidence import (
    INPUTS,
    ROWS,
    STEPS,
    TORCH_WEIGHTS,
    UNITS,
    containing,
    public_names,
)
from tests.running import assert_close

pytestmark = pytest.mark.usefixtures("x64")

NAMES = public_names(keras, keras.layers, keras.saving)


def simple_rnn(**options):
    """A layer with normal weights, biases included."""
    layer = keras.layers.SimpleRNN(UNITS, return_sequences=True, dtype="float64", **options)
    layer.build((None, None, INPUTS))
    rng = np.random.default_rng(0)
    layer.set_weights([0.6 * rng.standard_normal(w.shape) for w in layer.get_weights()])
    return layer


def model():
    return keras.Sequential([keras.Input((None, INPUTS)), keras.layers.LSTM(UNITS)])


def inputs():
    return np.random.default_rng(1).standard_normal((ROWS, STEPS, INPUTS))


@yes
def test_own_activation():
    layer = simple_rnn(activation=keras.ops.sin)
    xs, (w_x, w_h, b) = inputs().swapaxes(0, 1), layer.get_weights()
    ys = np.asarray(layer(xs.swapaxes(0, 1))).swapaxes(0, 1)
    h = np.zeros((ROWS, UNITS))
    for x, y in zip(xs, ys, strict=True):
        h = np.sin(x @ w_x + h @ w_h + b)
        assert_close(y, h)


@yes
def test_own_initializers():
    drawn = np.random.default_rng(1).standard_normal((UNITS, 4 * UNITS))
    layer = keras.layers.LSTM(
        UNITS, recurrent_initializer=lambda *_, **__: tf.constant(drawn), dtype="float64"
    )
    layer.build((None, None, INPUTS))
    assert_close(layer.get_weights()[1], drawn)


@yes
def test_penalties():
    layer = simple_rnn(kernel_regularizer=keras.regularizers.L2(0.5))
    w_x, w_h, _ = layer.get_weights()
    assert float(layer.losses[0]) == pytest.approx(0.5 * (w_x**2).sum())
    layer = simple_rnn(recurrent_constraint=keras.constraints.NonNeg())
    constrained = layer.cell.recurrent_kernel
    assert_close(np.asarray(constrained.constraint(constrained)), np.maximum(w_h, 0))


@no
def test_from_torch(tmp_path):
    with pytest.raises(ValueError, match="File format not supported"):
        model().load_weights(tmp_path / "model.safetensors")
    with pytest.raises(ValueError, match="weight list of length 4"):
        model().set_weights(list(TORCH_WEIGHTS.values()))
    names = containing(NAMES, "torch")
    assert names == {"torchmodulewrapper"}, "a layer that holds the module, on PyTorch only"


@yes
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # in h5py
def test_from_keras(tmp_path):
    one, other = model(), model()
    xs = inputs()
    one.save_weights(tmp_path / "model.weights.h5")
    assert (np.asarray(one(xs)) != np.asarray(other(xs))).all()
    other.load_weights(tmp_path / "model.weights.h5")
    assert_close(np.asarray(other(xs)), np.asarray(one(xs)), tolerance=0)


@no
def test_written_back(tmp_path):
    with pytest.raises(ValueError, match=r"must end in `\.weights\.h5`"):
        model().save_weights(tmp_path / "model.safetensors")
    names = containing(NAMES, "torch", "flax")
    assert names == {"torchmodulewrapper", "flaxlayer"}, "layers that hold a module of theirs"
