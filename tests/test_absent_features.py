"""What other libraries have and this one has not; docs/beside_the_others.md says so."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import pytest

import rnnjax
from tests.live.features.evidence import containing, sample, words
from tests.running import assert_close, unroll

LAYERS = [
    thing
    for thing in (getattr(rnnjax, name) for name in rnnjax.__all__)
    if isinstance(thing, type) and issubclass(thing, rnnjax.Layer)
]
VOCABULARY = words(*LAYERS)


def test_a_layer_keeps_nothing_from_call_to_call():
    layer, params, xs, _ = sample(rnnjax.LSTM(3, 4))
    assert_close(unroll(layer, params, xs), unroll(layer, params, xs), tolerance=0)
    with pytest.raises(AttributeError):
        layer.carry = layer.initial_carry()


def test_weights_have_neither_penalties_nor_constraints():
    assert not containing(VOCABULARY, "regulari", "penalt", "constrain")


@pytest.mark.parametrize("name", ["activation", "recurrent_activation"])
def test_an_activation_is_a_name(name):
    for cell_type in (rnnjax.LSTM, rnnjax.GRU):
        with pytest.raises(ValueError, match=f"unknown {name} .*; expected one of: .*tanh"):
            cell_type(3, 4, **{name: jnp.sin})  # pyright: ignore[reportArgumentType]


def test_an_initialization_is_a_name():
    with pytest.raises(ValueError, match=r"unknown initialization .*; expected one of: keras"):
        rnnjax.LSTM(3, 4, initialization=jax.nn.initializers.normal())  # pyright: ignore[reportArgumentType]
