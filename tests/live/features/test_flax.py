"""What Flax does of the feature table: flax.linen and flax.nnx; yes where one of them does."""

# NumPy arrays go where JAX arrays are declared, and what `apply` returns has many types.
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false
# pyright: reportOperatorIssue=false

from __future__ import annotations

from typing import Any

import flax
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen, nnx, serialization

import rnnjax
from rnnjax import GRU, LSTM, Bidirectional
from rnnjax.cells import LSTMParams
from rnnjax.interop.flax import carry_from_flax, carry_to_flax, to_linen
from tests import oracles
from tests.live.feature_table import no, partly, yes
from tests.live.features.evidence import (
    INPUTS,
    KERAS_WEIGHTS,
    LENGTHS,
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

BASES = linen.RNNCellBase, nnx.RNNCellBase
CELLS = [
    thing
    for module in (linen, nnx)
    for thing in vars(module).values()
    if isinstance(thing, type) and issubclass(thing, BASES)
]
RUNS = [linen.RNN, linen.Bidirectional, nnx.RNN, nnx.Bidirectional]
VOCABULARY = words(*CELLS, *RUNS)
ABSENT = [
    "state_dropout",
    "update_dropout",
    "zoneout",
    "weight_dropout",
    "layer_norm",
    "peepholes",
    "projection",
    "penalties",
]
"""Features that it has no word for."""


def linen_rnn(layer, params, **options):
    """An ``RNN`` around the cell that computes what ours does, and its variables."""
    cell, variables = to_linen(layer, params)
    made = linen.RNN(cell, time_major=True, return_carry=True, **options)
    return made, {"params": {"cell": variables["params"]}}


def simple_cell(width, kernel, recurrent_kernel):
    """The linear cell of nnx with given matrices."""
    return nnx.SimpleCell(
        width,
        width,
        activation_fn=lambda x: x,
        kernel_init=lambda *_: jnp.asarray(kernel),
        recurrent_kernel_init=lambda *_: jnp.asarray(recurrent_kernel),
        rngs=nnx.Rngs(0),
    )


def test_the_vocabulary_is_whole():
    names = {cell.__name__ for cell in CELLS}
    assert names >= {"SimpleCell", "LSTMCell", "OptimizedLSTMCell", "GRUCell", "MGUCell"}
    assert {"seq_lengths", "carry_init", "merge_fn", "activation_fn", "residual"} <= VOCABULARY


@no
@pytest.mark.parametrize("feature", ABSENT)
def test_absent(feature):
    assert not containing(VOCABULARY, *WORDS[feature])


@no
def test_held_mask():
    assert not containing(VOCABULARY, "mask")
    assert containing(VOCABULARY, "len") == {"seq_lengths"}, "which knows no holes"


@no
def test_empty_rows():
    layer, params, xs, carry = sample(LSTM(INPUTS, UNITS))
    made, variables = linen_rnn(layer, params)
    first = carry_to_flax(carry)
    whole, _ = made.apply(variables, xs, initial_carry=first)
    lengths = jnp.array([5, 0, 3])
    (c, h), ys = made.apply(variables, xs, initial_carry=first, seq_lengths=lengths)
    np.testing.assert_array_equal(c[1], whole[0][1])
    np.testing.assert_array_equal(h[1], whole[1][1])
    assert (ys[:, 1] != 0).all()


@no
def test_nan_padding():
    layer, params, xs, _ = sample(LSTM(INPUTS, UNITS))
    made, variables = linen_rnn(layer, params)
    poisoned = np.where(PADDING[..., None], np.nan, xs)

    def loss(variables):
        _, ys = made.apply(variables, poisoned, seq_lengths=jnp.array(LENGTHS))
        return jnp.where(PADDING[..., None], 0, ys).sum()

    value, gradient = jax.value_and_grad(loss)(variables)
    assert np.isfinite(value)
    assert all(np.isnan(g).all() for g in jax.tree.leaves(gradient))


@yes
def test_backward_padding():
    layer, params, xs, _ = sample(Bidirectional(LSTM(INPUTS, UNITS)))
    made, variables = to_linen(layer, params)
    made = made.clone(time_major=True, return_carry=True)
    final, ys = made.apply(variables, xs, seq_lengths=jnp.array(LENGTHS))
    ys = np.where(PADDING[..., None], 0, ys)
    expected = unroll(layer, params, xs, mask=~PADDING)
    assert_close((carry_from_flax(layer, final), ys), expected)


@no
def test_resets():
    assert not containing(words(*RUNS), "reset")


@partly
def test_all_carries():
    layer, params, xs, _ = sample(LSTM(INPUTS, UNITS))
    made, variables = linen_rnn(layer, params, variable_axes={"intermediates": 0})
    _, captured = made.apply(
        variables,
        xs,
        capture_intermediates=lambda module, _: module.name == "cell",
        mutable=["intermediates"],
    )
    ((carries, _),) = captured["intermediates"]["cell"]["__call__"]
    expected, _ = rnnjax.unroll_carries(layer, params, xs)
    assert_close(carry_from_flax(layer, carries), expected)
    assert containing(VOCABULARY, "return") == {"return_carry"}, "the final one"


@partly
def test_rematerialisation():
    def bytes_of(cell, steps):
        made = linen.RNN(cell(32), time_major=True)
        xs = jnp.zeros((steps, 8, 4), jnp.float32)
        variables = jax.eval_shape(made.init, jax.random.key(0), xs)
        return temporary_bytes(lambda v, xs: made.apply(v, xs)[-1].sum(), variables, xs)

    few, many = (bytes_of(linen.remat(linen.LSTMCell), steps) for steps in (200, 3200))
    assert many < bytes_of(linen.LSTMCell, 3200) / 3
    assert many > 14 * few, "less, but as many times more as there are steps"
    assert "xs" not in words(linen.remat_scan), "which repeats a module, and reads no sequence"


@yes
def test_float32_carry():
    params, xs = slowly_growing_memory()
    _, variables = linen_rnn(LSTM(1, 1), params)
    variables = jax.tree.map(lambda a: a.astype(jnp.float32), variables)
    made = linen.RNN(linen.LSTMCell(1, dtype=jnp.bfloat16), time_major=True, return_carry=True)
    first = jnp.ones((1, 1), jnp.float32), jnp.zeros((1, 1), jnp.float32)

    def run(xs):
        return made.apply(variables, xs, initial_carry=first)

    low = jnp.asarray(xs, jnp.bfloat16)
    assert run(low)[0][0] == pytest.approx(1 + 64 / 1024, abs=1e-3)
    assert run(low)[1].dtype == jnp.float32
    assert products(run, low) == {("bfloat16", "bfloat16")}
    gru = linen.RNN(linen.GRUCell(2, dtype=jnp.bfloat16), return_carry=True)
    assert gru.init_with_output(jax.random.key(0), low)[0][0].dtype == jnp.float32
    simple = linen.RNN(linen.SimpleCell(2, dtype=jnp.bfloat16))
    with pytest.raises(TypeError, match="carry input and carry output must have equal types"):
        simple.init(jax.random.key(0), low)


@yes
def test_batch_axes():
    layer, params, xs, _ = sample(LSTM(INPUTS, UNITS))
    made, variables = linen_rnn(layer, params)
    many = np.random.default_rng(5).standard_normal((STEPS, 2, ROWS, INPUTS))
    for inputs in (xs[:, 0], many):
        assert_close(made.apply(variables, inputs)[1], unroll(layer, params, inputs)[1])


@yes
def test_stepping():
    layer, params, xs, carry = sample(LSTM(INPUTS, UNITS))
    cell, variables = to_linen(layer, params)
    expected, ys = unroll(layer, params, xs, carry)
    state = carry_to_flax(carry)
    for x, y in zip(xs, ys, strict=True):
        state, out = cell.apply(variables, state, x)
        assert_close(out, y)
    assert_close(carry_from_flax(layer, state), expected)


@yes
def test_forward_mode():
    layer, params, xs, direction = sample(LSTM(INPUTS, UNITS))
    made, variables = linen_rnn(layer, params)
    direction = np.random.default_rng(2).standard_normal(xs.shape)
    pushed = jax.jvp(lambda xs: made.apply(variables, xs)[1], (xs,), (direction,))[1]
    assert_close(pushed, tangent_of_rnnjax(layer, params, xs, direction))


@no
def test_stateful():
    layer, params, xs, _ = sample(LSTM(INPUTS, UNITS))
    made, variables = linen_rnn(layer, params)
    _, changed = made.apply(variables, xs, mutable=True)
    assert set(changed) == {"params"}, "no collection for a state"
    assert not containing(VOCABULARY, "stateful")


@yes
def test_bidirectional():
    merges: dict[str, Any] = {
        "concat": linen.Bidirectional.__dataclass_fields__["merge_fn"].default,
        "sum": lambda f, b: f + b,
        "mul": lambda f, b: f * b,
        "ave": lambda f, b: (f + b) / 2,
        "none": lambda f, b: (f, b),
    }
    for merge, function in merges.items():
        layer, params, xs, _ = sample(Bidirectional(LSTM(INPUTS, UNITS), merge=merge))
        made, variables = to_linen(Bidirectional(LSTM(INPUTS, UNITS)), params)
        ys = made.clone(time_major=True, merge_fn=function).apply(variables, xs)
        assert_close(ys, unroll(layer, params, xs)[1])


@partly
def test_stacks():
    eye, zeros = np.eye(UNITS), np.zeros((UNITS, UNITS))
    layers = [nnx.RNN(simple_cell(UNITS, eye, zeros)) for _ in range(2)]
    stack = nnx.Sequential(layers[0], nnx.Dropout(0.5, rngs=nnx.Rngs(1)), layers[1])
    xs = jnp.asarray(np.random.default_rng(1).standard_normal((20, STEPS, UNITS)))
    kept = np.asarray(stack(xs) / xs)
    assert_one_mask(kept, 0.5)
    assert (kept[:, 0] != kept[:, 1]).mean() > 0.3
    stack.eval()
    assert_close(stack(xs), xs, tolerance=1e-6)
    layers[0].return_carry = True
    with pytest.raises(TypeError):  # the carry would have to go round the layer above
        stack(xs)
    assert not containing(VOCABULARY, "layers", "dropout")


@no
def test_residual():
    cell = linen.SimpleCell(UNITS, residual=True, param_dtype=jnp.float64)
    rng = np.random.default_rng(1)
    x, h = rng.standard_normal((2, ROWS, UNITS))
    variables = cell.init(jax.random.key(0), h, x)
    matrices = jax.device_get(variables["params"])
    within = x @ matrices["i"]["kernel"] + matrices["i"]["bias"] + h @ matrices["h"]["kernel"]
    assert_close(cell.apply(variables, h, x)[1], np.tanh(within + h))
    assert containing(VOCABULARY, "resid", "skip") == {"residual"}, "adds h, not x"


@no
def test_learned_carry():
    xs = jnp.zeros((ROWS, STEPS, INPUTS), jnp.float32)
    cells = linen.LSTMCell(UNITS), linen.LSTMCell(UNITS, carry_init=linen.initializers.normal())
    shapes = [jax.eval_shape(linen.RNN(cell).init, jax.random.key(0), xs) for cell in cells]
    assert shapes[0] == shapes[1], "another value, but no parameter"
    given = (jnp.full((ROWS, UNITS), 0.3, jnp.float32),) * 2
    made = linen.RNN(cells[0])
    variables = made.init(jax.random.key(0), xs)
    gradient = jax.grad(lambda c: made.apply(variables, xs, initial_carry=c).sum())(given)
    assert all((g != 0).all() for g in gradient), "an argument, whose gradient there is"


@partly
def test_gru_forms():
    layer, params, xs, carry = sample(GRU(INPUTS, UNITS))
    # Of the biases of the state, flax.linen has the one inside the product with the reset gate.
    n = slice(2 * UNITS, None)
    params = params._replace(b_h=np.concatenate([np.zeros(2 * UNITS), params.b_h[n]]))
    made, variables = linen_rnn(layer, params)
    _, after, _ = oracles.run(oracles.gru(reset_after=True), params, xs, carry)
    assert_close(made.apply(variables, xs, initial_carry=carry.h)[1], after)
    assert not containing(words(linen.GRUCell, nnx.GRUCell), "reset")


@yes
def test_conv_lstm():
    cell = linen.ConvLSTMCell(UNITS, kernel_size=(1,), param_dtype=jnp.float64)
    rng = np.random.default_rng(1)
    xs = rng.standard_normal((2, STEPS, 7, INPUTS))
    made = linen.RNN(cell)
    variables = made.init(jax.random.key(0), xs)
    weights = variables["params"]["cell"]
    # A kernel of one pixel is an LSTM at every pixel, its gates here in the order i, g, f, o.
    i, g, f, o = (slice(k * UNITS, (k + 1) * UNITS) for k in range(4))
    order = np.r_[i, f, g, o]
    b = weights["ih"]["bias"] + weights["hh"]["bias"]
    params = LSTMParams(
        weights["ih"]["kernel"][0][:, order],
        weights["hh"]["kernel"][0][:, order],
        b[order] + np.repeat([0.0, 1, 0, 0], UNITS),
    )
    _, ys = unroll(LSTM(INPUTS, UNITS), params, np.moveaxis(xs, 1, 0))
    assert_close(np.moveaxis(made.apply(variables, xs), 1, 0), ys)


@yes
def test_minimal_gated_unit():
    cell = linen.MGUCell(UNITS, param_dtype=jnp.float64)
    rng = np.random.default_rng(1)
    x, h = rng.standard_normal((ROWS, INPUTS)), rng.standard_normal((ROWS, UNITS))
    variables = cell.init(jax.random.key(0), h, x)
    w = jax.device_get(variables["params"])
    forget = 1 / (1 + np.exp(-(x @ w["if"]["kernel"] + w["if"]["bias"] + h @ w["hf"]["kernel"])))
    n = forget * (h @ w["hn"]["kernel"] + w["hn"]["bias"])
    n = np.tanh(x @ w["in"]["kernel"] + w["in"]["bias"] + n)
    assert_close(cell.apply(variables, h, x)[1], (1 - forget) * n + forget * h)


@yes
def test_own_activation():
    cell = linen.SimpleCell(UNITS, activation_fn=jnp.sin, param_dtype=jnp.float64)
    rng = np.random.default_rng(1)
    x, h = rng.standard_normal((ROWS, INPUTS)), rng.standard_normal((ROWS, UNITS))
    variables = cell.init(jax.random.key(0), h, x)
    w = jax.device_get(variables["params"])
    expected = np.sin(x @ w["i"]["kernel"] + w["i"]["bias"] + h @ w["h"]["kernel"])
    assert_close(cell.apply(variables, h, x)[1], expected)


@yes
def test_own_initializers():
    drawn = np.random.default_rng(1).standard_normal((UNITS, UNITS))
    assert_close(simple_cell(UNITS, drawn, 2 * drawn).dense_i.kernel[...], drawn)
    assert_close(simple_cell(UNITS, drawn, 2 * drawn).dense_h.kernel[...], 2 * drawn)


@no
def test_from_torch():
    assert_refused(TORCH_WEIGHTS)
    assert not containing(public_names(flax, linen, nnx, serialization), "torch")


@no
def test_from_keras():
    assert_refused(KERAS_WEIGHTS)
    assert not containing(public_names(flax, linen, nnx, serialization), "keras")


@no
def test_written_back():
    assert not containing(public_names(flax, linen, nnx, serialization), "torch", "keras")


def assert_refused(weights):
    made = linen.RNN(linen.LSTMCell(UNITS))
    variables = made.init(jax.random.key(0), jnp.zeros((ROWS, STEPS, INPUTS), jnp.float32))
    with pytest.raises(ValueError, match="do not match"):
        serialization.from_state_dict(variables["params"]["cell"], dict(weights))
