"""What is handed on from step to step without a derivative, and that it changes nothing."""

# NumPy arrays go where JAX arrays are declared.
# pyright: reportArgumentType=false

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import rnnjax
from rnnjax.cells import GRUCarry, GRUParams
from rnnjax.unrolling.step_program import StepProgram
from tests.unrolling.test_rows import equations

ON_CPU = jax.default_backend() == "cpu"


def gru_step(constants, carry, inputs):
    cell = rnnjax.GRU(3, 4)
    (h,), y = cell.step(GRUParams(*constants), GRUCarry(*carry), *inputs)
    return [h], [y]


def program_of(step, *shapes):
    return StepProgram(
        step, *[[jax.ShapeDtypeStruct(s, np.float32) for s in part] for part in shapes]
    )


@pytest.fixture
def gru():
    return program_of(gru_step, [(3, 12), (4, 12), (12,), (12,)], [(2, 4)], [(2, 12)])


@pytest.mark.parametrize("before", [0.0, -1.0, 1.0, np.nan])
def test_what_is_held_changes_no_result(gru, before):
    rng = np.random.default_rng(0)
    constants = [
        rng.standard_normal(s).astype(np.float32) for s in [(3, 12), (4, 12), (12,), (12,)]
    ]
    carry = [rng.standard_normal((2, 4)).astype(np.float32)]
    inputs = [rng.standard_normal((2, 12)).astype(np.float32)]
    weights, others = gru.hoist(constants)
    after, outputs, _ = gru.forward(weights, others, carry, inputs)
    held = [jnp.full_like(value, before) for value in gru.first_held()]
    *found, values = gru.forward_holding(weights, others, carry, inputs, held)
    for a, b in zip(jax.tree.leaves(found), [*after, *outputs], strict=True):
        np.testing.assert_array_equal(a, b)
    assert all((np.abs(value) <= 1).all() for value in values)


def held_in_the_loop(run, *args):
    """How many arrays the innermost loop hands on."""
    program = jax.make_jaxpr(run)(*args).jaxpr
    loops = [eqn for eqn, _ in equations(program) if eqn.primitive.name == "scan"]
    return min(eqn.params["num_carry"] for eqn in loops)


@pytest.mark.skipif(not ON_CPU, reason="other compilers fuse a step as it should be")
def test_gates_are_held_where_there_is_no_derivative():
    cell = rnnjax.GRU(3, 4)
    params, xs = cell.init(jax.random.key(0)), jnp.ones((5, 2, 3))
    outputs = lambda params: rnnjax.unroll(cell, params, xs)[1]  # noqa: E731
    assert held_in_the_loop(outputs, params) == 1 + 3  # the state, r, z and n
    forward = lambda params: jax.vjp(outputs, params)[0]  # noqa: E731
    assert held_in_the_loop(forward, params) == 1


def test_one_function_alone_needs_no_holding():
    def step(constants, carry, inputs):
        h = jnp.tanh(inputs[0] + carry[0] @ constants[0])
        return [h], [h]

    assert program_of(step, [(4, 4)], [(2, 4)], [(2, 4)]).first_held() == []


def test_a_step_that_prints_is_left_to_the_plain_loop():
    def step(constants, carry, inputs):
        jax.debug.print("{}", carry[0][0, 0])
        return carry, inputs

    assert program_of(step, [], [(2, 4)], [(2, 4)]).has_effects
