"""What Equinox does of the feature table: it has two cells, and leaves the loop to its user."""

# NumPy arrays go where JAX arrays are declared.
# pyright: reportArgumentType=false

from __future__ import annotations

import equinox as eqx  # pyright: ignore[reportMissingImports]
import equinox.internal as eqxi  # pyright: ignore[reportMissingImports]
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rnnjax import GRU, LSTM
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

VOCABULARY = words(eqx.nn.GRUCell, eqx.nn.LSTMCell)
ABSENT = [
    "held_mask",
    "empty_rows",
    "backward_padding",
    "resets",
    "residual",
    "state_dropout",
    "update_dropout",
    "zoneout",
    "weight_dropout",
    "layer_norm",
    "peepholes",
    "projection",
    "conv_lstm",
    "minimal_gated_unit",
    "own_activation",
    "own_initializers",
    "penalties",
]
"""Features that it has no word for."""
LOOPS = ("rnn", "unroll", "bidirectional", "stackedcell", "multicell", "scan")


def lstm_cell(params):
    """The cell of Equinox with the parameters of ours, which it keeps transposed."""
    inputs, fused = params.w_x.shape
    made = eqx.nn.LSTMCell(inputs, fused // 4, key=jax.random.key(0))
    weights = tuple(jnp.asarray(w) for w in (params.w_x.T, params.w_h.T, params.b))
    return eqx.tree_at(lambda c: (c.weight_ih, c.weight_hh, c.bias), made, weights)


def run(cell, xs, state):
    """The loop of the cell's docstring: one row, the states after every step."""

    def step(state, x):
        state = cell(x, state)
        return state, state

    return jax.lax.scan(step, state, xs)


def test_the_vocabulary_is_whole():
    known = ("grucell", "lstmcell", "self", "input_size", "hidden_size", "use_bias", "dtype")
    assert set(VOCABULARY) == {*known, "key", "input", "hidden"}
    recurrent = {name for name in dir(eqx.nn) if name.endswith("Cell")}
    assert recurrent == {"GRUCell", "LSTMCell"}
    assert not containing(public_names(eqx.nn), *LOOPS), "one step of one row, no loop"


@no
@pytest.mark.parametrize("feature", ABSENT)
def test_absent(feature):
    assert not containing(VOCABULARY, *WORDS[feature])


@no
def test_nan_padding():
    _, params, xs, carry = sample(LSTM(INPUTS, UNITS))
    poisoned = np.where(PADDING[..., None], np.nan, xs)

    def loss(cell):
        _, (ys, _) = run(cell, poisoned[:, 1], jax.tree.map(lambda a: a[1], tuple(carry)))
        return jnp.where(PADDING[:, 1, None], 0, ys).sum()

    value, gradient = eqx.filter_value_and_grad(loss)(lstm_cell(params))
    assert np.isfinite(value)
    assert all(np.isnan(g).all() for g in jax.tree.leaves(gradient))


@no
def test_all_carries():
    assert not containing(public_names(eqx.nn), *LOOPS), "a loop of one's own has them"


@partly
def test_rematerialisation():
    cell = eqx.nn.LSTMCell(4, 32, dtype=jnp.float32, key=jax.random.key(0))

    def bytes_of(steps, **kind):
        def loss(cell, xs):
            state = (jnp.zeros((8, 32), jnp.float32),) * 2
            scanned = eqxi.scan(lambda s, x: (jax.vmap(cell)(x, s), None), state, xs, **kind)
            return scanned[0][0].sum()

        return temporary_bytes(loss, cell, jnp.zeros((steps, 8, 4), jnp.float32))

    few, many = (bytes_of(steps, kind="checkpointed") for steps in (200, 3200))
    assert many < 6 * few
    assert bytes_of(3200, kind="lax") > 30 * many
    assert not containing(public_names(eqx, eqx.nn), "scan"), "in equinox.internal only"


@partly
def test_float32_carry():
    params, xs = slowly_growing_memory()
    cell = jax.tree.map(lambda a: a.astype(jnp.bfloat16), lstm_cell(params))
    first = jnp.zeros(1, jnp.float32), jnp.ones(1, jnp.float32)
    low = jnp.asarray(xs[:, 0], jnp.bfloat16)
    (h, c), _ = run(cell, low, first)
    assert c == pytest.approx(1 + 64 / 1024, abs=1e-3)
    assert h.dtype == jnp.float32
    expected = {("bfloat16", "bfloat16"), ("bfloat16", "float32")}
    assert products(lambda xs: run(cell, xs, first), low) == expected


@yes
def test_batch_axes():
    layer, params, xs, carry = sample(LSTM(INPUTS, UNITS))
    rows = jax.vmap(run, in_axes=(None, 1, 0), out_axes=(0, 1))
    many, cell = xs.reshape(STEPS, 1, ROWS, INPUTS), lstm_cell(params)
    with pytest.raises(TypeError, match="contracting dimension"):
        cell(xs[0, :2], tuple(state[:2] for state in carry))
    _, (ys, _) = rows(cell, xs, tuple(carry))
    assert_close(ys, unroll(layer, params, xs, carry)[1])
    one_more = jax.tree.map(lambda a: a[None], tuple(carry))
    _, (ys, _) = jax.vmap(rows, in_axes=(None, 1, 0), out_axes=(0, 1))(cell, many, one_more)
    assert_close(ys[:, 0], unroll(layer, params, xs, carry)[1])


@yes
def test_stepping():
    layer, params, xs, carry = sample(LSTM(INPUTS, UNITS))
    _, ys = unroll(layer, params, xs, carry)
    state, cell = jax.tree.map(lambda a: a[0], tuple(carry)), lstm_cell(params)
    for x, y in zip(xs, ys, strict=True):
        state = cell(x[0], state)
        assert_close(state[0], y[0])


@yes
def test_forward_mode():
    layer, params, xs, _ = sample(LSTM(INPUTS, UNITS))
    direction = np.random.default_rng(2).standard_normal(xs.shape)
    cell, first = lstm_cell(params), (jnp.zeros(UNITS),) * 2
    pushed = jax.jvp(
        lambda xs: run(cell, xs, first)[1][0],
        (jnp.asarray(xs[:, 0]),),
        (jnp.asarray(direction[:, 0]),),
    )[1]
    assert_close(pushed, tangent_of_rnnjax(layer, params, xs, direction)[:, 0])


@no
def test_stateful():
    assert not issubclass(eqx.nn.LSTMCell, eqx.nn.StatefulLayer)
    assert not issubclass(eqx.nn.GRUCell, eqx.nn.StatefulLayer)


@no
def test_bidirectional():
    assert not containing(public_names(eqx.nn), *LOOPS)


@no
def test_stacks():
    cells = [eqx.nn.LSTMCell(INPUTS, INPUTS, key=jax.random.key(k)) for k in range(2)]
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'hidden'"):
        eqx.nn.Sequential(cells)(jnp.zeros(INPUTS))
    assert not containing(VOCABULARY, "layers", "drop")


@no
def test_learned_carry():
    cell = eqx.nn.LSTMCell(INPUTS, UNITS, key=jax.random.key(0))
    shapes = {a.shape for a in jax.tree.leaves(cell)}
    assert shapes == {(4 * UNITS, INPUTS), (4 * UNITS, UNITS), (4 * UNITS,)}
    assert "hidden" in VOCABULARY, "an argument"


@partly
def test_gru_forms():
    _, params, xs, carry = sample(GRU(INPUTS, UNITS))
    # Of the biases of the state, Equinox has the one inside the product with the reset gate.
    n = np.s_[2 * UNITS :]
    params = params._replace(b_h=np.concatenate([np.zeros(2 * UNITS), params.b_h[n]]))
    cell = eqx.tree_at(
        lambda c: (c.weight_ih, c.weight_hh, c.bias, c.bias_n),
        eqx.nn.GRUCell(INPUTS, UNITS, key=jax.random.key(0)),
        tuple(jnp.asarray(a) for a in (params.w_x.T, params.w_h.T, params.b, params.b_h[n])),
    )
    _, after, _ = oracles.run(oracles.gru(reset_after=True), params, xs, carry)
    _, ys = run(cell, xs[:, 0], carry.h[0])
    assert_close(ys, after[:, 0])
    assert not containing(VOCABULARY, "reset")


def assert_refused(weights, path):
    np.savez(path, **weights)
    with pytest.raises(RuntimeError, match="has changed type"):
        eqx.tree_deserialise_leaves(
            path, eqx.nn.LSTMCell(INPUTS, UNITS, dtype=jnp.float32, key=jax.random.key(0))
        )


@no
def test_from_torch(tmp_path):
    assert_refused(TORCH_WEIGHTS, tmp_path / "weights.npz")
    assert not containing(public_names(eqx, eqx.nn), "torch")


@no
def test_from_keras(tmp_path):
    assert_refused(KERAS_WEIGHTS, tmp_path / "weights.npz")
    assert not containing(public_names(eqx, eqx.nn), "keras")


@no
def test_written_back():
    assert not containing(public_names(eqx, eqx.nn), "torch", "keras", "flax")
