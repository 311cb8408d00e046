"""A learned first carry is an ordinary parameter: used, differentiated, returned to at resets."""

# NumPy arrays go where JAX arrays are declared.
# pyright: reportArgumentType=false

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import rnnjax
from rnnjax import (
    GRU,
    LSTM,
    Bidirectional,
    Dropout,
    LearnedCarry,
    Residual,
    Reversed,
    SimpleRNN,
    Stack,
    Zoneout,
)
from tests.cells_under_test import random_like
from tests.running import assert_close, pull_back, quick_jit, unroll
from tests.test_own_cells import Counting

pytestmark = pytest.mark.usefixtures("x64")

ROWS = 3
INNER = Stack((Bidirectional(GRU(3, 2)), LSTM(4, 3)))


def sample(layer, steps=5):
    rng = np.random.default_rng(5)
    params = random_like(rng, jax.eval_shape(layer.init, jax.random.key(0)), 0.6)
    return params, rng.standard_normal((steps, ROWS, layer.input_size))


def for_all_rows(carry):
    return jax.tree.map(lambda c: np.broadcast_to(c, (ROWS, *c.shape)), carry)


def test_it_begins_as_zeros():
    params = LearnedCarry(INNER).init(jax.random.key(0))
    assert_close(params.carry, INNER.initial_carry(), tolerance=0)
    assert_close(params.layer, INNER.init(jax.random.key(0)), tolerance=0)


def test_it_stands_in_for_a_carry_that_is_not_given():
    params, xs = sample(LearnedCarry(INNER))
    expected = unroll(INNER, params.layer, xs, for_all_rows(params.carry))
    assert_close(unroll(LearnedCarry(INNER), params, xs), expected)
    zeros = INNER.initial_carry((ROWS,))
    given = unroll(LearnedCarry(INNER), params, xs, zeros)
    assert_close(given, unroll(INNER, params.layer, xs, zeros))


def test_it_is_returned_to_at_a_reset():
    cell = LSTM(3, 4)
    params, xs = sample(LearnedCarry(cell))
    resets = np.zeros((5, ROWS), bool)
    resets[2] = True
    _, ys = unroll(LearnedCarry(cell), params, xs, resets=resets)
    first = for_all_rows(params.carry)
    pieces = [unroll(cell, params.layer, part, first)[1] for part in (xs[:2], xs[2:])]
    assert_close(ys, np.concatenate(pieces))


def test_its_gradient_is_the_sum_over_the_rows_and_segments():
    cell = GRU(3, 4)
    layer = LearnedCarry(cell)
    params, xs = sample(layer)
    resets = np.zeros((5, ROWS), bool)
    resets[3, 1] = True
    cotangents = random_like(np.random.default_rng(1), unroll(layer, params, xs))

    def outputs(params):
        return rnnjax.unroll(layer, params, xs, resets=resets)

    def pull(run):
        return jax.device_get(quick_jit(lambda params: jax.vjp(run, params)[1](cotangents))(params))

    def by_hand(params):
        """The one row with a reset, as its two segments."""
        final, ys = [], []
        for row in range(ROWS):
            cut = 3 if row == 1 else 5
            carry, y = params.carry, []
            for t, x in enumerate(xs[:, row]):
                carry = params.carry if t == cut else carry
                carry, out = cell(params.layer, carry, x)
                y.append(out)
            final.append(carry)
            ys.append(jnp.stack(y))
        return jax.tree.map(lambda *c: jnp.stack(c), *final), jnp.stack(ys, axis=1)

    assert_close(pull(outputs), pull(by_hand))


@pytest.mark.parametrize(
    "wrap",
    [
        Residual,
        Reversed,
        lambda layer: Dropout(layer, inputs=0.2),
        lambda layer: Zoneout(layer, h=0.2),
    ],
    ids=["residual", "reversed", "dropout", "zoneout"],
)
def test_a_layer_around_it_begins_with_it(wrap):
    inner = LearnedCarry(GRU(3, 3))
    params, _ = sample(inner)
    first = wrap(inner).first_carry(params, (ROWS,))
    assert_close(first, for_all_rows(params.carry))


def test_streaming_begins_with_it():
    layer = LearnedCarry(Dropout(SimpleRNN(3, 4), state=0.2))
    params, xs = sample(layer)
    carry, ys = layer.first_carry(params, (ROWS,)), []
    for x in xs:
        carry, y = layer(params, carry, x)
        ys.append(y)
    assert_close((carry, jnp.stack(ys)), unroll(layer, params, xs))


def test_it_takes_the_type_of_the_run():
    layer = LearnedCarry(LSTM(3, 4))
    params, xs = sample(layer)
    params, xs = jax.tree.map(lambda a: a.astype(jnp.bfloat16), (params, xs))
    final, ys = unroll(layer, params, xs)
    assert {a.dtype for a in jax.tree.leaves((final, ys))} == {jnp.dtype(jnp.bfloat16)}
    half = layer.first_carry(params, (2,), jnp.float16)
    assert (half.h.dtype, half.c.shape) == (jnp.float16, (2, 4))


def test_a_count_in_it_stays_one():
    layer = LearnedCarry(Counting())
    first = layer.first_carry(layer.init(jax.random.key(0)), (2,), jnp.float16)
    assert (first["h"].dtype, first["t"].dtype) == (jnp.float16, jnp.int32)


def test_each_direction_has_its_own():
    cell = LearnedCarry(LSTM(3, 4))
    layer = Bidirectional(cell, merge="none")
    params, xs = sample(layer)
    final, (ahead, behind) = unroll(layer, params, xs)
    assert_close((final.forward, ahead), unroll(cell, params.forward, xs))
    assert_close((final.backward, behind), unroll(cell, params.backward, xs, reverse=True))


def test_dropout_inside_draws_from_the_key():
    layer = LearnedCarry(Dropout(SimpleRNN(3, 4), inputs=0.5))
    params, xs = sample(layer)
    dropped = unroll(layer, params, xs, key=jax.random.key(1))[1]
    inner = unroll(layer.layer, params.layer, xs, for_all_rows(params.carry), key=jax.random.key(1))
    assert_close(dropped, inner[1])
    assert (dropped != unroll(layer, params, xs)[1]).any()


def test_only_a_layer_has_a_first_carry():
    with pytest.raises(ValueError, match="LearnedCarry: expected cells"):
        LearnedCarry("gru")


def test_a_carry_that_is_given_has_the_gradient_and_the_learned_one_has_none():
    layer = LearnedCarry(LSTM(3, 4))
    params, xs = sample(layer)
    carry = layer.initial_carry((ROWS,))
    cotangents = random_like(np.random.default_rng(1), unroll(layer, params, xs))
    of_params, _, of_carry = pull_back(cotangents, layer, params, xs, carry)
    assert all((g == 0).all() for g in jax.tree.leaves(of_params.carry))
    assert all((g != 0).all() for g in jax.tree.leaves(of_carry))
