"""Layers that run from behind, and layers around which there is a connection."""

# NumPy arrays go where JAX arrays are declared.
# pyright: reportArgumentType=false

from __future__ import annotations

import jax
import numpy as np
import pytest

import rnnjax
from rnnjax import GRU, LSTM, Bidirectional, Dropout, Residual, Reversed, SimpleRNN, Stack
from tests.cells_under_test import random_like
from tests.running import assert_close, unroll, unroll_last

pytestmark = pytest.mark.usefixtures("x64")

KEY = jax.random.key(3)
MASK = np.array([[1, 1, 1, 1, 1], [1, 0, 1, 1, 0], [0, 0, 0, 0, 0]], bool).T
RESETS = np.array([[0, 0, 1, 0, 0], [1, 1, 0, 0, 1], [0, 1, 0, 0, 0]], bool).T


def sample(layer, steps=5, rows=3):
    rng = np.random.default_rng(5)
    params = random_like(rng, jax.eval_shape(layer.init, KEY), 0.6)
    carry = random_like(rng, jax.eval_shape(lambda: layer.initial_carry((rows,))), 0.8)
    return layer, params, rng.standard_normal((steps, rows, layer.input_size)), carry


def test_a_reversed_layer_runs_from_the_last_step_to_the_first():
    cell, params, xs, carry = sample(LSTM(3, 4))
    final, ys = unroll(cell, params, xs[::-1], carry)
    assert_close(unroll(Reversed(cell), params, xs, carry), (final, ys[::-1]))
    assert_close(unroll_last(Reversed(cell), params, xs, carry), (final, ys[-1]))


def test_reversed_twice_is_as_it_was():
    cell, *arguments = sample(GRU(3, 4))
    resets = RESETS.copy()
    resets[[0, -1]] = False  # where a run begins, a reset only replaces the carry that it is given
    flags = {"mask": MASK, "resets": resets}
    for reverse in (False, True):
        expected = unroll(cell, *arguments, **flags, reverse=reverse)
        assert_close(
            unroll(Reversed(Reversed(cell)), *arguments, **flags, reverse=reverse), expected
        )
        assert_close(
            unroll(Reversed(cell), *arguments, mask=MASK, reverse=not reverse),
            unroll(cell, *arguments, mask=MASK, reverse=reverse),
        )


@pytest.mark.parametrize("reverse", [False, True])
def test_the_backward_direction_is_a_reversed_layer(reverse):
    layer, params, xs, carry = sample(Bidirectional(GRU(3, 4), merge="none"))
    flags = {"mask": MASK, "resets": RESETS, "reverse": reverse}
    final, (_, behind) = unroll(layer, params, xs, carry, **flags)
    alone = unroll(Reversed(GRU(3, 4)), params.backward, xs, carry.backward, **flags)
    assert_close(alone, (final.backward, behind))


def test_layers_in_turn_forward_and_backward():
    stack, params, xs, carry = sample(Stack((GRU(3, 4), Reversed(LSTM(4, 2)))))
    final, ys = unroll(stack, params, xs, carry)
    below, hidden = unroll(GRU(3, 4), params[0], xs, carry[0])
    above, expected = unroll(LSTM(4, 2), params[1], hidden, carry[1], reverse=True)
    assert_close((final, ys), ((below, above), expected))
    with pytest.raises(ValueError, match="Reversed needs the whole sequence"):
        stack(params, carry, xs[0])


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("inner", [GRU(4, 4), Bidirectional(LSTM(4, 2)), Dropout(GRU(4, 4), 0.3)])
def test_a_residual_layer_adds_its_input(inner, reverse):
    layer, params, xs, carry = sample(Residual(inner))
    flags = {"mask": MASK, "resets": RESETS, "reverse": reverse, "key": KEY}
    final, ys = unroll(inner, params, xs, carry, **flags)
    expected = final, ys + np.where(MASK[..., None], xs, 0)
    assert_close(unroll(layer, params, xs, carry, **flags), expected)
    poisoned = np.where(MASK[..., None], xs, np.nan)
    assert_close(unroll(layer, params, poisoned, carry, **flags), expected)


@pytest.mark.parametrize("reverse", [False, True])
def test_the_last_output_of_a_residual_layer(reverse):
    layer, params, xs, carry = sample(Residual(GRU(4, 4)))
    _, ys = unroll(layer, params, xs, carry, mask=MASK, reverse=reverse)
    last = [0, 0, 0] if reverse else [4, 3, 0]
    expected = ys[last, range(3)]
    assert (expected[2] == 0).all()
    assert_close(unroll_last(layer, params, xs, carry, mask=MASK, reverse=reverse)[1], expected)
    _, ys = unroll(layer, params, xs, carry, reverse=reverse)
    unmasked = unroll_last(layer, params, xs, carry, reverse=reverse)[1]
    assert_close(unmasked, ys[0 if reverse else -1])


def test_what_has_no_single_last_step_is_refused():
    layer, *arguments = sample(Residual(Bidirectional(GRU(4, 2))))
    with pytest.raises(ValueError, match="Residual: the last output alone: Bidirectional needs"):
        rnnjax.unroll_last(layer, *arguments)


def test_sizes_that_can_not_be_added_are_refused():
    with pytest.raises(ValueError, match="Residual: GRU has 3 inputs and 4 outputs"):
        Residual(GRU(3, 4))
    with pytest.raises(ValueError, match="Reversed: expected cells"):
        Reversed(None)
    with pytest.raises(ValueError, match="Residual: expected cells"):
        Residual(3)


def test_a_residual_stack_passes_gradients_through_dead_layers():
    # A layer that outputs nothing but zeros still lets its input through.
    layer, params, xs, carry = sample(Residual(SimpleRNN(4, 4, activation="linear")))
    dead = jax.tree.map(np.zeros_like, params)
    _, ys = unroll(layer, dead, xs, jax.tree.map(np.zeros_like, carry))
    assert_close(ys, xs)
