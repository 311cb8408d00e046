"""Recurrences of matrices that change from step to step, composed, beside the steps one by one."""

# NumPy arrays go where JAX arrays are declared.
# pyright: reportArgumentType=false

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from rnnjax.recurrences import Dense
from rnnjax.unrolling.linear_scan import linear_scan
from tests.cells_under_test import random_like
from tests.running import assert_close, quick_jit

STEPS, ROWS, MEMORIES, ORDER = 9, 2, 2, 3
RESETS = np.zeros((STEPS, ROWS), bool)
RESETS[[0, 4, 5], [1, 0, 0]] = True


def one_by_one(recurrence, state, first, resets, reverse):
    def step(state, inputs):
        own, reset = inputs
        if reset is not None:
            state = jnp.where(reset[:, None, None], first, state)
        a = jnp.broadcast_to(own.a, (ROWS, ORDER, ORDER))
        state = jnp.einsum("bij,bmj->bmi", a, state) + own.b
        return state, state

    return lax.scan(step, state, (recurrence, resets), reverse=reverse)[1]


@pytest.mark.parametrize(("rows", "reverse"), [(ROWS, False), (1, True)])
@pytest.mark.usefixtures("x64")
def test_matrices_of_every_step_are_composed(rows, reverse):
    rng = np.random.default_rng(0)
    resets = RESETS
    recurrence = Dense(
        rng.normal(size=(STEPS, rows, ORDER, ORDER)),
        rng.normal(size=(STEPS, ROWS, MEMORIES, ORDER)),
    )
    state, first = rng.normal(size=(2, ROWS, MEMORIES, ORDER))

    @quick_jit
    def both(weights, *given):
        def composed(recurrence, state, first):
            return linear_scan(recurrence, (state,), (first,), resets, reverse)[0]

        def steps(recurrence, state, first):
            return one_by_one(recurrence, state, first, resets, reverse)

        pulls = (jax.vjp(run, *given) for run in (composed, steps))
        return [(states, pull(weights)) for states, pull in pulls]

    weights = random_like(rng, recurrence.b)
    own, other = both(weights, recurrence, state, first)
    assert_close(own, other)
