"""What Keras does of the feature table, on TensorFlow. Its weights come by `rnnjax.interop`."""

# The stubs of TensorFlow know no NumPy.
# pyright: reportArgumentType=false, reportCallIssue=false

from __future__ import annotations

import jax
import jax.numpy as jnp
import keras  # pyright: ignore[reportMissingImports]
import numpy as np
import pytest
import tensorflow as tf  # pyright: ignore[reportMissingModuleSource]

from rnnjax import LSTM, Bidirectional
from rnnjax.cells import LSTMParams
from rnnjax.interop.keras import from_keras
from tests import oracles
from tests.live.feature_table import no, partly, yes
from tests.live.features.evidence import (
    INPUTS,
    MASK,
    PADDING,
    ROWS,
    STEPS,
    UNITS,
    WORDS,
    assert_one_mask,
    containing,
    public_names,
    slowly_growing_memory,
    tangent_of_rnnjax,
    words,
)
from tests.running import assert_close, unroll

pytestmark = pytest.mark.usefixtures("x64")

RECURRENT = [
    thing
    for name, thing in vars(keras.layers).items()
    if isinstance(thing, type) and any(part in name for part in ("RNN", "LSTM", "GRU", "Bidirect"))
]
VOCABULARY = words(*RECURRENT)
ABSENT = [
    "zoneout",
    "layer_norm",
    "peepholes",
    "projection",
    "minimal_gated_unit",
]
"""Features that it has no word for."""
DROPS = {"dropout", "recurrent_dropout"}


def with_random_weights(layer, *shape, seed=0):
    """The layer with normal weights, biases included."""
    layer.build(shape or (None, None, INPUTS))
    rng = np.random.default_rng(seed)
    layer.set_weights([0.6 * rng.standard_normal(w.shape) for w in layer.get_weights()])
    return layer


def made(kind="LSTM", wrap=lambda layer: layer, **options):
    options = {"return_sequences": True, "return_state": True, "dtype": "float64", **options}
    return with_random_weights(wrap(getattr(keras.layers, kind)(UNITS, **options)))


def inputs(*shape, seed=1):
    return np.random.default_rng(seed).standard_normal((*shape, INPUTS))


def linear_cell(**options):
    """Passes its inputs on, and forgets its state."""
    return keras.layers.SimpleRNNCell(
        UNITS,
        activation="linear",
        kernel_initializer="identity",
        recurrent_initializer="zeros",
        dtype="float64",
        **options,
    )


def time_first(a):
    return np.asarray(a).swapaxes(0, 1)


def test_the_vocabulary_is_whole():
    names = {kind.__name__ for kind in RECURRENT}
    assert names >= {"RNN", "LSTM", "GRU", "LSTMCell", "StackedRNNCells", "Bidirectional"}
    assert {"merge_mode", "mask", "stateful", "zero_output_for_mask"} <= VOCABULARY
    assert containing(VOCABULARY, "drop") == DROPS


@no
@pytest.mark.parametrize("feature", ABSENT)
def test_absent(feature):
    assert not containing(VOCABULARY, *WORDS[feature])


@yes
def test_held_mask():
    xs = inputs(ROWS, STEPS)
    layer = made(zero_output_for_mask=True)
    ys, h, c = layer(xs, mask=tf.constant(MASK.T))
    carry, expected = unroll(*from_keras(layer), time_first(xs), mask=MASK)
    assert_close((time_first(ys), np.asarray(h), np.asarray(c)), (expected, *carry))
    ys, *_ = made()(xs, mask=tf.constant(MASK.T))
    repeated = np.asarray(ys)[0]
    assert not MASK[1, 0]
    np.testing.assert_array_equal(repeated[1], repeated[0])


@yes
def test_empty_rows():
    xs, first = inputs(ROWS, STEPS), np.random.default_rng(2).standard_normal((2, ROWS, UNITS))
    mask = np.ones((ROWS, STEPS), bool)
    mask[1] = False
    ys, *final = made()(xs, mask=tf.constant(mask), initial_state=list(map(tf.constant, first)))
    assert_close([np.asarray(s)[1] for s in final], list(first[:, 1]), tolerance=0)
    assert (np.asarray(ys)[1] == 0).all()
    assert (np.asarray(ys)[0] != 0).all()


@no
def test_nan_padding():
    layer = made(zero_output_for_mask=True)
    poisoned = np.where(PADDING.T[..., None], np.nan, inputs(ROWS, STEPS))
    with tf.GradientTape() as tape:
        ys, *_ = layer(tf.constant(poisoned), mask=tf.constant(~PADDING.T))
        total = tf.reduce_sum(ys)
    assert np.isfinite(float(total))
    for gradient in tape.gradient(total, layer.trainable_variables):
        assert np.isnan(gradient).all()


@yes
def test_backward_padding():
    layer = made(wrap=lambda rnn: keras.layers.Bidirectional(rnn, dtype="float64"))
    xs = inputs(ROWS, STEPS)
    ys, *_ = layer(xs, mask=tf.constant(~PADDING.T))
    _, expected = unroll(*from_keras(layer), time_first(xs), mask=~PADDING)
    assert_close(time_first(ys)[~PADDING], expected[~PADDING])


@no
def test_resets():
    layer = keras.layers.LSTM(UNITS)
    assert set(words(layer.reset_state)) == {"reset_state"}, "of all rows, between two calls"
    assert containing(VOCABULARY, "reset") == {"reset_after"}, "which is another thing"


@no
def test_all_carries():
    _, h, c = made()(inputs(ROWS, STEPS))
    assert h.shape == c.shape == (ROWS, UNITS)
    assert containing(VOCABULARY, "return") == {"return_sequences", "return_state"}


@partly
def test_rematerialisation():
    taken = []

    class Counting(keras.layers.LSTMCell):
        def call(self, *arguments, **options):
            taken.append(0)
            return super().call(*arguments, **options)

    def taken_again(mode):
        with keras.RematScope(mode=mode):
            cell = Counting(UNITS)
        layer = keras.layers.RNN(cell, unroll=True)
        with tf.GradientTape() as tape:
            total = tf.reduce_sum(layer(tf.constant(inputs(ROWS, STEPS), tf.float32)))
        before = len(taken)
        tape.gradient(total, layer.trainable_variables)
        return len(taken) - before

    assert taken_again(None) == 0
    assert taken_again("full") == STEPS, "each from the state before it, of which there are T"
    assert not containing(words(keras.RematScope), "time", "step", "chunk")


@no
def test_float32_carry():
    params, xs = slowly_growing_memory()
    layer = keras.layers.LSTM(1, return_state=True, dtype="mixed_bfloat16")
    layer.build((None, None, 1))
    layer.set_weights(list(params[:3]))
    first = [tf.zeros((1, 1)), tf.ones((1, 1))]
    _, _, c = layer(time_first(xs), initial_state=first)
    assert c.dtype == tf.bfloat16
    assert float(c[0, 0]) == 1.0


@partly
def test_batch_axes():
    for shape in ((STEPS,), (2, ROWS, STEPS)):
        with pytest.raises(ValueError, match="expected ndim=3"):
            made()(inputs(*shape))
    layer = keras.layers.LSTM(UNITS, return_sequences=True, dtype="float64")
    over = keras.layers.TimeDistributed(layer, dtype="float64")
    xs = inputs(2, ROWS, STEPS)
    ys = np.asarray(over(tf.constant(xs)))
    _, expected = unroll(*from_keras(layer), np.moveaxis(xs, 2, 0))
    assert_close(np.moveaxis(ys, 2, 0), expected, tolerance=1e-6)


@yes
def test_stepping():
    cells = [keras.layers.LSTMCell(UNITS, dtype="float64") for _ in range(2)]
    stack = keras.layers.StackedRNNCells(cells, dtype="float64")
    layer = with_random_weights(keras.layers.RNN(stack, return_sequences=True, dtype="float64"))
    xs = inputs(ROWS, STEPS)
    state = stack.get_initial_state(ROWS)
    for x, y in zip(time_first(xs), time_first(layer(xs)), strict=True):
        out, state = stack(tf.constant(x), state)
        assert_close(np.asarray(out), y)


@yes
def test_forward_mode():
    layer, xs, direction = made(), tf.constant(inputs(ROWS, STEPS)), inputs(ROWS, STEPS, seed=2)
    with tf.autodiff.ForwardAccumulator(xs, tf.constant(direction)) as pushed:
        ys, *_ = layer(xs)
    expected = tangent_of_rnnjax(*from_keras(layer), time_first(xs), time_first(direction))
    assert_close(time_first(pushed.jvp(ys)), expected)


@yes
def test_stateful():
    layer = keras.layers.LSTM(UNITS, stateful=True, return_sequences=True, dtype="float64")
    with_random_weights(layer, ROWS, None, INPUTS)
    xs = inputs(ROWS, 2 * STEPS)
    ys = [np.asarray(layer(part)) for part in np.split(xs, 2, axis=1)]
    _, expected = unroll(*from_keras(layer), time_first(xs))
    assert_close(time_first(np.concatenate(ys, axis=1)), expected)


@yes
def test_bidirectional():
    xs = inputs(ROWS, STEPS)
    for merge in ("concat", "sum", "mul", "ave", None):
        layer = made(
            return_state=False,
            wrap=lambda rnn, merge=merge: keras.layers.Bidirectional(
                rnn, merge_mode=merge, dtype="float64"
            ),
        )
        mine, params = from_keras(layer)
        assert isinstance(mine, Bidirectional)
        assert mine.merge == str(merge).lower()
        ys = jax.tree.map(time_first, layer(xs))
        assert_close(jax.tree.leaves(ys), jax.tree.leaves(unroll(mine, params, time_first(xs))[1]))


@yes
def test_stacks():
    stack = keras.layers.RNN(
        [linear_cell(), linear_cell(dropout=0.5)],
        return_sequences=True,
        return_state=True,
        dtype="float64",
    )
    xs = np.random.default_rng(1).standard_normal((20, STEPS, UNITS))
    ys, *states = stack(xs, training=True)
    kept = np.asarray(ys) / xs
    assert_one_mask(kept, 0.5)
    assert_close(kept, np.broadcast_to(kept[:, :1], kept.shape), tolerance=1e-6)
    assert len(states) == 2
    assert_close(np.asarray(stack(xs, training=False)[0]), xs, tolerance=1e-6)


@partly
def test_residual():
    assert not containing(public_names(keras.layers), "resid")
    sequence = keras.Input((None, UNITS), dtype="float64")
    layer = keras.layers.LSTM(UNITS, return_sequences=True, dtype="float64")
    added = keras.layers.Add(dtype="float64")([sequence, layer(sequence)])
    model = keras.Model(sequence, added)
    xs = np.random.default_rng(1).standard_normal((ROWS, STEPS, UNITS))
    assert_close(np.asarray(model(tf.constant(xs))), xs + np.asarray(layer(tf.constant(xs))))
    assert not hasattr(model, "state_size"), "over whole sequences, and no cell"


@no
def test_learned_carry():
    layer = made()
    assert [w.name for w in layer.trainable_variables] == ["kernel", "recurrent_kernel", "bias"]
    first = [tf.Variable(np.full((ROWS, UNITS), 0.3)) for _ in "hc"]
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(layer(inputs(ROWS, STEPS), initial_state=list(first))[0])
    for gradient in tape.gradient(total, first):
        assert (np.asarray(gradient) != 0).all(), "an argument, whose gradient there is"


@yes
def test_state_dropout():
    layer = keras.layers.SimpleRNN(
        UNITS,
        activation="linear",
        kernel_initializer="zeros",
        recurrent_initializer="identity",
        recurrent_dropout=0.5,
        return_sequences=True,
        dtype="float64",
    )
    first = np.random.default_rng(1).standard_normal((20, UNITS))
    ys = layer(np.zeros((20, STEPS, UNITS)), initial_state=tf.constant(first), training=True)
    powers = time_first(ys) / first
    assert_one_mask(powers[0], 0.5)
    assert_close(powers, np.stack([powers[0] ** t for t in range(1, STEPS + 1)]))


@no
def test_update_dropout():
    assert containing(VOCABULARY, "drop") == DROPS
    xs = tf.constant(inputs(ROWS, STEPS))
    layer = made(recurrent_dropout=0.5)
    drawn, plain = (np.asarray(layer(xs, training=way)[0]) for way in (True, False))
    # From a state of zeros the update of the first step is all there is; it is not dropped.
    assert_close(drawn[:, 0], plain[:, 0])
    assert (drawn[:, 1:] != plain[:, 1:]).all()


@no
def test_weight_dropout():
    assert containing(VOCABULARY, "drop") == DROPS, "of the inputs and the state"


@yes
def test_gru_forms():
    xs = inputs(ROWS, STEPS)
    for reset_after in (True, False):
        layer = made("GRU", reset_after=reset_after)
        mine, params = from_keras(layer)
        if not reset_after:
            params = params._replace(b_h=None)
        carry = mine.initial_carry((ROWS,))
        step = oracles.gru(reset_after=reset_after)
        _, expected, _ = oracles.run(step, params, time_first(xs), carry)
        assert_close(time_first(layer(xs)[0]), expected)


@yes
def test_conv_lstm():
    layer = keras.layers.ConvLSTM1D(
        UNITS,
        kernel_size=1,
        return_sequences=True,
        recurrent_activation="sigmoid",
        dtype="float64",
    )
    with_random_weights(layer, None, None, 7, INPUTS)
    xs = np.random.default_rng(1).standard_normal((2, STEPS, 7, INPUTS))
    w_x, w_h, b = layer.get_weights()
    # A kernel of one pixel is an LSTM at every pixel.
    params = LSTMParams(jnp.asarray(w_x[0]), jnp.asarray(w_h[0]), jnp.asarray(b))
    _, expected = unroll(LSTM(INPUTS, UNITS), params, time_first(xs))
    assert_close(time_first(layer(xs)), expected)
