"""Two biases put into one: the same function, and nothing merged that can't be."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rnnjax import GRU, LSTM, LSTMP, Bidirectional, Cell, SimpleRNN, Stack
from rnnjax.interop import flax, keras, merge_biases
from tests.cells_under_test import random_like
from tests.interop.samples import random_params
from tests.running import assert_close, unroll

pytestmark = pytest.mark.usefixtures("x64")

TORCH: dict[str, Any] = {"initialization": "torch"}
LAYERS = [
    SimpleRNN(3, 4, **TORCH),
    LSTM(3, 4, **TORCH),
    LSTMP(3, 4, 2, **TORCH),
    GRU(3, 4, **TORCH),
    GRU(3, 4),
    Bidirectional(LSTM(3, 2, **TORCH), GRU(3, 2), merge="sum"),
    Stack((Bidirectional(LSTM(3, 2, **TORCH)), LSTM(4, 3), SimpleRNN(3, 2, use_bias=False))),
]


def sample(layer):
    rng = np.random.default_rng(3)
    params = random_params(layer)
    carry = random_like(rng, layer.initial_carry((2,)))
    return params, jnp.asarray(rng.standard_normal((4, 2, 3))), carry


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: f"{type(layer).__name__}")
def test_the_function_stays_the_same(layer):
    params, xs, carry = sample(layer)
    merged, fewer = merge_biases(layer, params)
    assert_close(
        unroll(merged, fewer, xs, carry), unroll(layer, params, xs, carry), tolerance=1e-13
    )
    drawn = random_params(merged)
    assert jax.tree.map(jnp.shape, drawn) == jax.tree.map(jnp.shape, fewer)
    again, same = merge_biases(merged, fewer)
    assert again == merged
    assert_close(same, fewer, tolerance=0)


def test_all_that_can_be_merged_is():
    lstm, lstm_params = merge_biases(LAYERS[1], sample(LAYERS[1])[0])
    assert lstm == LSTM(3, 4)
    assert lstm_params.b_h is None
    params = sample(LAYERS[3])[0]
    gru, merged = merge_biases(LAYERS[3], params)
    assert gru == LAYERS[3]
    assert not merged.b_h[:8].any()
    np.testing.assert_array_equal(merged.b_h[8:], params.b_h[8:])
    np.testing.assert_array_equal(merged.b[:8], params.b[:8] + params.b_h[:8])
    np.testing.assert_array_equal(merged.b[8:], params.b[8:])


def test_what_was_refused_can_be_converted_afterwards():
    both = Bidirectional(LAYERS[1], LAYERS[3])
    params = sample(both)[0]
    for convert in (keras.to_weights, flax.to_linen):
        with pytest.raises(ValueError, match="merge_biases"):
            convert(both, params)
        convert(*merge_biases(both, params))


def test_another_layer_is_refused():
    base: Any = Cell

    class Other(base):
        input_size = output_size = 1
        init = initial_carry = project = step = None

    with pytest.raises(ValueError, match="Other has no pair of biases"):
        merge_biases(Other(), ())
