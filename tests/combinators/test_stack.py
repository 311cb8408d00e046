"""Stacks beyond what every cell has to fulfil, and the two directions of `Bidirectional`."""

from __future__ import annotations

import jax
import numpy as np
import pytest

import rnnjax
from rnnjax import GRU, LSTM, Bidirectional, SimpleRNN, Stack
from tests import oracles
from tests.cells_under_test import random_like
from tests.running import assert_close, dot, pull_back, unroll, unroll_last

pytestmark = pytest.mark.usefixtures("x64")

MASK = np.array([[1, 1, 1, 1, 1], [1, 0, 1, 1, 0], [0, 0, 0, 0, 0]], bool).T
RESETS = np.array([[0, 0, 1, 0, 0], [1, 1, 0, 0, 1], [0, 1, 0, 0, 0]], bool).T


def sample(layer, steps=5, rows=3):
    rng = np.random.default_rng(5)
    params = random_like(rng, jax.eval_shape(layer.init, jax.random.key(0)), 0.6)
    carry = random_like(rng, jax.eval_shape(lambda: layer.initial_carry((rows,))), 0.8)
    return layer, params, rng.standard_normal((steps, rows, layer.input_size)), carry


def test_stack_equals_its_layers_one_after_the_other():
    layers = (SimpleRNN(2, 5, activation="relu"), LSTM(5, 3), GRU(3, 4))
    stack, params, xs, carry = sample(Stack(layers))
    flags = {"mask": MASK, "resets": RESETS, "reverse": True}
    outputs = unroll(stack, params, xs, carry, **flags)
    finals = []
    for layer, p, c in zip(layers, params, carry, strict=True):
        final, xs = unroll(layer, p, xs, c, **flags)
        finals.append(final)
    assert_close(outputs, (tuple(finals), xs))


def test_stack_of_one_equals_its_layer():
    stack, params, xs, carry = sample(Stack((GRU(2, 3),)))
    (final,), ys = unroll(stack, params, xs, carry)
    assert_close((final, ys), unroll(stack.layers[0], params[0], xs, carry[0]))


def test_stack_of_stacks_equals_one_stack():
    a, b, c = GRU(2, 3), LSTM(3, 4), SimpleRNN(4, 2)
    stack, params, xs, carry = sample(Stack((a, b, c)))
    nested = Stack((Stack((a, b)), c))
    final, ys = unroll(stack, params, xs, carry)
    regrouped = unroll(nested, (params[:2], params[2]), xs, (carry[:2], carry[2]))
    assert_close(regrouped, ((final[:2], final[2]), ys))
    stepped = nested((params[:2], params[2]), (carry[:2], carry[2]), xs[0])
    assert_close(stepped[1], stack(params, carry, xs[0])[1])


def test_every_layer_draws_parameters_of_its_own():
    first, second = Stack((GRU(3, 3), GRU(3, 3))).init(jax.random.key(0))
    assert (first.w_x != second.w_x).all()
    assert (first.w_h != second.w_h).all()


def test_a_list_of_layers_is_as_good_as_a_tuple():
    layers = [GRU(2, 3), LSTM(3, 4)]
    assert Stack(layers) == Stack(tuple(layers))  # pyright: ignore[reportArgumentType]
    assert (Stack(tuple(layers)).input_size, Stack(tuple(layers)).output_size) == (2, 4)


MERGES = {
    "concat": lambda f, b: np.concatenate([f, b], axis=-1),
    "sum": lambda f, b: f + b,
    "mul": lambda f, b: f * b,
    "ave": (lambda f, b: 0.5 * f + 0.5 * b),
    "none": lambda f, b: (f, b),
}


WAYS = [(merge, reverse) for merge in sorted(MERGES) for reverse in (False, True)]


@pytest.mark.parametrize(
    ("merge", "reverse"),
    [
        pytest.param(*way, marks=pytest.mark.slow if way[1] and way[0] != "concat" else [])
        for way in WAYS
    ],
)
def test_bidirectional_equals_the_equations_run_both_ways(merge, reverse):
    layer, params, xs, carry = sample(Bidirectional(LSTM(2, 3), GRU(2, 3), merge=merge))
    # A segment that begins at step t for one direction ends at t - 1 for the other.
    unmarked = np.zeros((1, 3), bool)
    shifted = [RESETS[1:], unmarked] if not reverse else [unmarked, RESETS[:-1]]
    ways = []
    for oracle, p, c, cell, resets, way in (
        (oracles.lstm(), params.forward, carry.forward, LSTM(2, 3), RESETS, reverse),
        (
            oracles.gru(),
            params.backward,
            carry.backward,
            GRU(2, 3),
            np.concatenate(shifted),
            not reverse,
        ),
    ):
        flags = {"initial": cell.initial_carry(), "mask": MASK, "resets": resets, "reverse": way}
        ways.append(oracles.run(oracle, p, xs, c, **flags))
    (final_f, ys_f, last_f), (final_b, ys_b, last_b) = ways
    final = type(carry)(final_f, final_b)
    flags = {"mask": MASK, "resets": RESETS, "reverse": reverse}
    poisoned = np.where(MASK[..., None], xs, np.nan)
    outputs = unroll(layer, params, poisoned, carry, **flags)
    assert_close(outputs, (final, MERGES[merge](ys_f, ys_b)))
    last = unroll_last(layer, params, poisoned, carry, **flags)
    assert_close(last, (final, MERGES[merge](last_f, last_b)))


def test_bidirectional_gradients_equal_finite_differences():
    layer, *arguments = sample(Bidirectional(GRU(2, 3)))
    rng = np.random.default_rng(1)
    flags = {"mask": MASK, "resets": RESETS}
    cotangents = random_like(rng, unroll(layer, *arguments, **flags))
    gradients = pull_back(cotangents, layer, *arguments, **flags)
    directions = random_like(rng, tuple(arguments))

    def value(distance):
        moved = jax.tree.map(lambda a, d: a + distance * d, tuple(arguments), directions)
        return dot(cotangents, unroll(layer, *moved, **flags))

    slope = (value(1e-5) - value(-1e-5)) / 2e-5
    np.testing.assert_allclose(dot(gradients, directions), slope, rtol=1e-7)


def test_bidirectional_directions_have_parameters_of_their_own():
    layer = Bidirectional(GRU(3, 4))
    params = layer.init(jax.random.key(0))
    assert (params.forward.w_x != params.backward.w_x).all()
    assert layer.output_size == 8
    assert Bidirectional(GRU(3, 4), merge="ave").output_size == 4
    assert Bidirectional(GRU(3, 4), LSTM(3, 6)).output_size == 10


def test_bidirectional_layers_stack():
    layer, params, xs, carry = sample(Stack((Bidirectional(GRU(2, 3)), Bidirectional(LSTM(6, 4)))))
    middle = unroll(layer.layers[0], params[0], xs, carry[0], mask=MASK)
    top = unroll(layer.layers[1], params[1], middle[1], carry[1], mask=MASK)
    expected = ((middle[0], top[0]), top[1])
    assert_close(unroll(layer, params, xs, carry, mask=MASK), expected)


def test_a_bidirectional_layer_is_a_value():
    layer = Bidirectional(GRU(2, 3), merge="sum")
    assert layer == Bidirectional(GRU(2, 3), merge="sum") != Bidirectional(GRU(2, 3))
    assert hash(layer) == hash(Bidirectional(GRU(2, 3), merge="sum"))
    assert eval(repr(layer), dict(vars(rnnjax))) == layer
