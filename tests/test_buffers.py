"""A carry may be donated: no array of it is another one, a parameter, or what was given."""

# NumPy arrays go where JAX arrays are declared.
# pyright: reportArgumentType=false

from __future__ import annotations

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import rnnjax
from rnnjax import (
    GRU,
    LSTM,
    LSTMP,
    Bidirectional,
    Dropout,
    LearnedCarry,
    Residual,
    Reversed,
    Stack,
    Zoneout,
)
from rnnjax.buffers import apart, own
from rnnjax.cell import Composite
from rnnjax.cells import BASIC
from tests.test_own_cells import Counting, MatrixMemory

LAYERS = [
    *(cell(3, 4) for cell in BASIC.values()),  # pyright: ignore[reportCallIssue]
    LSTMP(3, 4, 2),
    Stack((LSTM(3, 4), GRU(4, 4))),
    Bidirectional(LSTM(3, 4)),
    Reversed(LSTM(3, 4)),
    Residual(LSTM(4, 4)),
    Dropout(LSTM(3, 4), state=0.1),
    Zoneout(LSTM(3, 4), h=0.1, c=0.1),
    LearnedCarry(LSTM(3, 4)),
    LearnedCarry(LearnedCarry(LSTM(3, 4))),
    Stack((LearnedCarry(Bidirectional(LSTM(3, 4))), LearnedCarry(Residual(LSTM(8, 8))))),
]

each_layer = pytest.mark.parametrize("layer", LAYERS, ids=str)


def pointers(tree):
    return [array.unsafe_buffer_pointer() for array in jax.tree.leaves(tree)]


def assert_apart(results, *given):
    """Each array has a buffer of its own: of the others', and of those that were given."""
    buffers = pointers(results)
    assert len(set(buffers)) == len(buffers)
    assert not set(buffers) & set(pointers(given))


@functools.partial(jax.jit, donate_argnums=0)
def consume(tree):
    return jax.tree.map(lambda a: a + 1, tree)


@each_layer
@pytest.mark.parametrize(
    "batch_shape", [(), pytest.param((1,), marks=pytest.mark.slow), (2, 3)], ids=str
)
def test_a_first_carry_is_donated_without_harm(layer, batch_shape):
    params = layer.init(jax.random.key(0))
    assert_apart(params)
    for carry in (
        layer.initial_carry(batch_shape),
        layer.first_carry(params, batch_shape),
        layer.first_carry(params, batch_shape, jnp.float32),
        layer.first_carry(params, batch_shape, jnp.bfloat16),
    ):
        assert_apart(carry, params)
        consume(carry)
    assert not any(array.is_deleted() for array in jax.tree.leaves(params))


def test_a_carry_made_within_a_program_is_apart_too():
    layer = Stack((LearnedCarry(LSTM(3, 4)), LSTM(4, 4)))
    params = layer.init(jax.random.key(0))
    assert_apart(jax.jit(layer.first_carry)(params), params)
    assert_apart(jax.jit(lambda: layer.initial_carry((2,)))())


@pytest.mark.parametrize(
    "cell",
    [
        rnnjax.SimpleRNN(3, 4),
        LSTM(3, 4),
        Stack((LSTM(3, 4), GRU(4, 4))),
        Counting(),
        MatrixMemory(),
    ],
    ids=lambda cell: type(cell).__name__,
)
@pytest.mark.parametrize("compiled", [False, True])
def test_a_single_step_hands_on_a_carry_that_may_be_donated(cell, compiled):
    params, carry = cell.init(jax.random.key(0)), cell.initial_carry((2,))
    step = jax.jit(lambda *given: cell(*given)) if compiled else cell
    x = jnp.ones((2, 3))
    after, y = step(params, carry, x)
    assert_apart((after, y), params, carry, x)
    consume(after)
    assert np.isfinite(y).all()
    assert not any(array.is_deleted() for array in jax.tree.leaves((params, carry)))


@pytest.mark.parametrize("executor", ["chunked", "scan"])
def test_what_a_run_hands_on_is_not_what_it_was_given(executor):
    # This cell never changes one part of its carry.
    cell, xs = MatrixMemory(), jnp.ones((3, 2, 3))
    params, carry = cell.init(jax.random.key(0)), cell.initial_carry((2,))
    results = rnnjax.unroll(cell, params, xs, carry, executor=executor)
    assert_apart(results, params, carry, xs)


@dataclasses.dataclass(frozen=True)
class HandingOn(Composite):
    """A user's layer that has no use for its carry."""

    input_size: int = 3
    output_size: int = 3

    def init(self, key):
        return ()

    def initial_carry(self, batch_shape=(), dtype=None):
        return {"unused": jnp.zeros((*batch_shape, 4), dtype)}

    def unroll(self, params, xs, carry, options):
        return carry, 2 * xs


def test_nor_is_it_where_a_layer_leaves_it_as_it_is():
    carry = HandingOn().initial_carry((2,))
    final, _ = rnnjax.unroll(HandingOn(), (), jnp.ones((3, 2, 3)), carry)
    assert_apart(final, carry)


def test_nor_is_it_where_the_mask_lets_no_step_through():
    layer, xs = LearnedCarry(GRU(3, 4)), jnp.ones((3, 2, 3))
    params = layer.init(jax.random.key(0))
    carry = layer.first_carry(params, (2,))
    results = rnnjax.unroll_last(layer, params, xs, carry, mask=np.zeros((3, 2), bool))
    assert_apart(results, params, carry, xs)
    consume(results[0])
    assert not any(array.is_deleted() for array in jax.tree.leaves((params, carry)))


def test_an_array_of_ones_own_is_equal_and_another():
    array, key = jnp.arange(3.0), jax.random.key(3)
    assert_apart((array, own(array)))
    np.testing.assert_array_equal(own(array), array)
    assert own(key) == key
    memory = np.ones(1000, np.float32)
    copy = own(memory)
    memory[0] = 5
    assert copy[0] == 1


def test_only_what_is_there_twice_is_copied():
    given, other = jnp.ones(2), jnp.zeros(2)
    first, second, third, number = apart((given, other, other, 3), given)
    assert_apart((first, second, third), given)
    assert second is other
    assert number == 3


def test_a_program_copies_nothing():
    layer = LearnedCarry(LSTM(3, 4))
    params = layer.init(jax.random.key(0))
    jaxpr = jax.make_jaxpr(lambda params, x: layer(params, layer.first_carry(params), x))
    assert "copy" not in str(jaxpr(params, jnp.ones(3)))


@each_layer
def test_a_batch_shape_is_a_tuple(layer):
    with pytest.raises(ValueError, match=r"batch_shape must be a tuple of sizes, .*, not 8\.$"):
        layer.initial_carry(8)
