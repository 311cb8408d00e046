"""What Haiku does of the feature table. Its LSTM has the gates i, g, f, o, and adds 1 to f."""

# NumPy arrays go where JAX arrays are declared.
# pyright: reportArgumentType=false

from __future__ import annotations

import haiku as hk  # pyright: ignore[reportMissingImports]
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import rnnjax
from rnnjax import GRU, LSTM
from rnnjax.cells import LSTMCarry, LSTMParams
from tests import oracles
from tests.live.feature_table import no, partly, yes
from tests.live.features.evidence import (
    INPUTS,
    KERAS_WEIGHTS,
    PADDING,
    ROWS,
    STEPS,
    TORCH_WEIGHTS,
    UNITS,
    WORDS,
    assert_one_mask,
    containing,
    products,
    public_names,
    sample,
    slowly_growing_memory,
    tangent_of_rnnjax,
    temporary_bytes,
    words,
)
from tests.running import assert_close, unroll

pytestmark = pytest.mark.usefixtures("x64")

CORES = [
    thing
    for thing in vars(hk).values()
    if isinstance(thing, type) and issubclass(thing, hk.RNNCore)
]
RUNS = [hk.dynamic_unroll, hk.static_unroll, hk.deep_rnn_with_skip_connections]
VOCABULARY = words(*CORES, *RUNS)
ABSENT = [
    "held_mask",
    "empty_rows",
    "state_dropout",
    "update_dropout",
    "zoneout",
    "weight_dropout",
    "layer_norm",
    "peepholes",
    "projection",
    "minimal_gated_unit",
    "own_activation",
    "penalties",
]
"""Features that it has no word for."""
ORDER = np.r_[tuple(np.s_[k * UNITS : (k + 1) * UNITS] for k in (0, 2, 1, 3))]


def pure(f):
    return hk.without_apply_rng(hk.transform(f))


def lstm_params(params, order=ORDER, forget=1.0):
    """The parameters of an `rnnjax.LSTM` as those of Haiku's ``LSTM``."""
    i, f, g, o = np.split(params.b, 4)
    b = np.concatenate([i, g, f - forget, o])
    w = np.concatenate([params.w_x, params.w_h])[:, order]
    return {"lstm/linear": {"w": w, "b": b}}


def lstm(units=UNITS, **options):
    """A function of parameters, inputs ``[T, B, D]`` and a state."""
    return pure(lambda xs, state: hk.dynamic_unroll(hk.LSTM(units), xs, state, **options)).apply


def state_of(carry):
    return hk.LSTMState(carry.h, carry.c)


def carry_of(state):
    return LSTMCarry(state.hidden, state.cell)


def test_the_vocabulary_is_whole():
    assert {core.__name__ for core in CORES} >= {"VanillaRNN", "LSTM", "GRU", "ResetCore"}
    assert {"hidden_size", "w_i_init", "reverse", "return_all_states", "layers"} <= VOCABULARY
    layer, params, xs, carry = sample(LSTM(INPUTS, UNITS))
    ys, state = lstm()(lstm_params(params), xs, state_of(carry))
    assert_close((carry_of(state), ys), unroll(layer, params, xs, carry))


@no
@pytest.mark.parametrize("feature", ABSENT)
def test_absent(feature):
    assert not containing(VOCABULARY, *WORDS[feature])


@no
def test_nan_padding():
    _, params, xs, carry = sample(LSTM(INPUTS, UNITS))
    poisoned = np.where(PADDING[..., None], np.nan, xs)

    def loss(params):
        ys, _ = lstm()(params, poisoned, state_of(carry))
        return jnp.where(PADDING[..., None], 0, ys).sum()

    value, gradient = jax.value_and_grad(loss)(lstm_params(params))
    assert np.isfinite(value)
    assert all(np.isnan(g).all() for g in jax.tree.leaves(gradient))


@no
def test_backward_padding():
    layer, params, xs, carry = sample(LSTM(INPUTS, UNITS))
    ys, _ = lstm(reverse=True)(lstm_params(params), xs, state_of(carry))
    assert_close(ys, unroll(layer, params, xs, carry, reverse=True)[1])
    assert not containing(VOCABULARY, "mask", "len"), "so it begins in the padding"


@yes
def test_resets():
    layer, params, xs, carry = sample(LSTM(INPUTS, UNITS))
    resets = np.random.default_rng(3).random((STEPS, ROWS)) < 0.4

    def run(xs, resets, state):
        return hk.dynamic_unroll(hk.ResetCore(hk.LSTM(UNITS)), (xs, resets), state)

    ys, state = pure(run).apply(lstm_params(params), xs, resets, state_of(carry))
    assert_close((carry_of(state), ys), unroll(layer, params, xs, carry, resets=resets))


@yes
def test_all_carries():
    layer, params, xs, carry = sample(LSTM(INPUTS, UNITS))
    ys, states = lstm(return_all_states=True)(lstm_params(params), xs, state_of(carry))
    assert_close((carry_of(states), ys), rnnjax.unroll_carries(layer, params, xs, carry))


@partly
def test_rematerialisation():
    def bytes_of(steps, wrap):
        def loss(xs):
            core = hk.LSTM(32)
            return hk.dynamic_unroll(wrap(core), xs, core.initial_state(8))[0][-1].sum()

        xs = jnp.zeros((steps, 8, 4), jnp.float32)
        params = jax.eval_shape(pure(loss).init, jax.random.key(0), xs)
        return temporary_bytes(pure(loss).apply, params, xs)

    few, many = (bytes_of(steps, hk.remat) for steps in (200, 3200))
    assert many < bytes_of(3200, lambda core: core) / 3
    assert many > 14 * few, "less, but as many times more as there are steps"


@partly
def test_float32_carry():
    params, xs = slowly_growing_memory()
    params = lstm_params(params, order=[0, 2, 1, 3])
    params = jax.tree.map(lambda a: jnp.asarray(a, jnp.bfloat16), params)
    first = hk.LSTMState(jnp.zeros((1, 1), jnp.float32), jnp.ones((1, 1), jnp.float32))
    low = jnp.asarray(xs, jnp.bfloat16)
    ys, state = lstm(1)(params, low, first)
    assert state.cell == pytest.approx(1 + 64 / 1024, abs=1e-3)
    assert ys.dtype == jnp.float32
    assert products(lstm(1), params, low, first) == {("float32", "bfloat16")}


@yes
def test_batch_axes():
    layer, params, _, _ = sample(LSTM(INPUTS, UNITS))
    xs = np.random.default_rng(5).standard_normal((STEPS, 2, ROWS, INPUTS))
    carry = layer.initial_carry((2, ROWS))
    with pytest.raises(ValueError, match="must be rank-1 or rank-2"):
        lstm()(lstm_params(params), xs, state_of(carry))
    over_one = jax.vmap(lstm(), in_axes=(None, 1, 0), out_axes=(1, 0))
    ys, state = over_one(lstm_params(params), xs, state_of(carry))
    assert_close((carry_of(state), ys), unroll(layer, params, xs))


@yes
def test_stepping():
    layer, params, xs, carry = sample(LSTM(INPUTS, UNITS))
    step = pure(lambda x, state: hk.LSTM(UNITS)(x, state)).apply
    expected, ys = unroll(layer, params, xs, carry)
    state = state_of(carry)
    for x, y in zip(xs, ys, strict=True):
        out, state = step(lstm_params(params), x, state)
        assert_close(out, y)
    assert_close(carry_of(state), expected)


@yes
def test_forward_mode():
    layer, params, xs, _ = sample(LSTM(INPUTS, UNITS))
    direction = np.random.default_rng(2).standard_normal(xs.shape)
    first = state_of(layer.initial_carry((ROWS,)))
    run = lstm()
    pushed = jax.jvp(lambda xs: run(lstm_params(params), xs, first)[0], (xs,), (direction,))[1]
    assert_close(pushed, tangent_of_rnnjax(layer, params, xs, direction))


@no
def test_stateful():
    _, params, xs, carry = sample(LSTM(INPUTS, UNITS))
    with_state = hk.transform_with_state(
        lambda xs, state: hk.dynamic_unroll(hk.LSTM(UNITS), xs, state)
    )
    _, kept = with_state.apply(lstm_params(params), {}, None, xs, state_of(carry))
    assert kept == {}


@partly
def test_bidirectional():
    layer, params, xs, carry = sample(LSTM(INPUTS, UNITS))
    ys, _ = lstm(reverse=True)(lstm_params(params), xs, state_of(carry))
    assert_close(ys, unroll(layer, params, xs, carry, reverse=True)[1])
    assert not containing(public_names(hk), "bidirectional", "birnn")


@yes
def test_stacks():
    def run(xs):
        core = hk.DeepRNN(
            [
                hk.IdentityCore(),
                lambda x: hk.dropout(hk.next_rng_key(), 0.5, x),
                hk.LSTM(UNITS),
            ]
        )
        return hk.dynamic_unroll(core, xs, core.initial_state(20))

    xs = np.random.default_rng(1).standard_normal((STEPS, 20, UNITS))
    # A layer above whose output is tanh(tanh(x)) shows what reached it.
    eye, nothing = np.eye(UNITS), np.zeros((UNITS, UNITS))
    params = LSTMParams(
        np.concatenate([nothing, nothing, eye, nothing], axis=1),
        np.zeros((UNITS, 4 * UNITS)),
        np.repeat([40.0, -40, 0, 40], UNITS),
    )
    ys, _ = hk.transform(run).apply(lstm_params(params), jax.random.key(0), xs)
    kept = np.arctanh(np.arctanh(np.asarray(ys))) / xs
    assert_one_mask(kept, 0.5)
    assert ((kept[0] > 1) != (kept[1] > 1)).mean() > 0.3


@no
def test_residual():
    def run(xs):
        core = hk.deep_rnn_with_skip_connections([hk.LSTM(UNITS), hk.LSTM(UNITS + 1)])
        return hk.dynamic_unroll(core, xs, core.initial_state(ROWS))[0]

    xs = jnp.zeros((STEPS, ROWS, INPUTS))
    params = hk.transform(run).init(jax.random.key(0), xs)
    assert params["lstm_1/linear"]["w"].shape[0] == INPUTS + UNITS + (UNITS + 1)
    assert pure(run).apply(params, xs).shape[-1] == UNITS + (UNITS + 1), "side by side, no sum"
    assert not containing(VOCABULARY, "resid")


@no
def test_learned_carry():
    def run(xs):
        core = hk.LSTM(UNITS)
        return hk.dynamic_unroll(core, xs, core.initial_state(ROWS))[0]

    params = hk.transform(run).init(jax.random.key(0), jnp.zeros((STEPS, ROWS, INPUTS)))
    assert jax.tree.map(jnp.shape, params) == {
        "lstm/linear": {"w": (INPUTS + UNITS, 4 * UNITS), "b": (4 * UNITS,)}
    }
    assert "initial_state" in VOCABULARY, "an argument"


@partly
def test_gru_forms():
    _, params, xs, carry = sample(GRU(INPUTS, UNITS, reset_after=False))
    order = np.r_[UNITS : 2 * UNITS, :UNITS, 2 * UNITS : 3 * UNITS]
    signs = np.repeat([-1.0, 1, 1], UNITS)  # its z is one minus ours
    weights = {
        "w_i": params.w_x[:, order] * signs,
        "w_h": params.w_h[:, order] * signs,
        "b": params.b[order] * signs,
    }
    run = pure(lambda xs, h: hk.dynamic_unroll(hk.GRU(UNITS), xs, h)[0]).apply
    _, before, _ = oracles.run(oracles.gru(reset_after=False), params, xs, carry)
    assert_close(run({"gru": weights}, xs, carry.h), before)
    assert not containing(words(hk.GRU), "reset")


@yes
def test_conv_lstm():
    def run(xs):
        core = hk.Conv1DLSTM((7,), UNITS, kernel_shape=1)
        return hk.dynamic_unroll(core, xs, core.initial_state(2))[0]

    xs = np.random.default_rng(1).standard_normal((STEPS, 2, 7, INPUTS))
    drawn = pure(run).init(jax.random.key(0), jnp.asarray(xs))
    x, h = (drawn[f"conv1_dlstm/{name}_to_hidden"] for name in ("input", "hidden"))
    # A kernel of one pixel is an LSTM at every pixel.
    params = LSTMParams(
        x["w"][0][:, ORDER],
        h["w"][0][:, ORDER],
        (x["b"] + h["b"])[ORDER] + np.repeat([0.0, 1, 0, 0], UNITS),
    )
    assert_close(pure(run).apply(drawn, xs), unroll(LSTM(INPUTS, UNITS), params, xs)[1])


@partly
def test_own_initializers():
    drawn = np.random.default_rng(1).standard_normal((UNITS, 3 * UNITS))
    run = pure(lambda x, h: hk.GRU(UNITS, w_h_init=lambda *_: jnp.asarray(drawn))(x, h))
    params = run.init(jax.random.key(0), np.zeros((2, INPUTS)), np.zeros((2, UNITS)))
    assert_close(params["gru"]["w_h"], drawn)
    assert not containing(words(hk.LSTM, hk.VanillaRNN), "init")


def assert_refused(weights):
    _, _, xs, carry = sample(LSTM(INPUTS, UNITS))
    with pytest.raises(ValueError, match="Unable to retrieve parameter"):
        lstm()({"lstm/linear": dict(weights)}, xs, state_of(carry))


@no
def test_from_torch():
    assert_refused(TORCH_WEIGHTS)
    assert not containing(public_names(hk), "torch")


@no
def test_from_keras():
    assert_refused(KERAS_WEIGHTS)
    assert not containing(public_names(hk), "keras")


@no
def test_written_back():
    assert not containing(public_names(hk), "torch", "keras", "flax")
