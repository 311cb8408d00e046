"""Rematerialisation in time changes no value, and the memory as it should."""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import rnnjax
from rnnjax import GRU, LSTM, Bidirectional, Dropout, Stack
from tests.cells_under_test import draw, random_like
from tests.running import assert_close, quick_jit

STEPS, ROWS = 21, 3
LAYER = Stack((Bidirectional(Dropout(GRU(3, 2), state=0.3, update=0.2)), LSTM(4, 3)), dropout=0.2)


@functools.partial(quick_jit, static_argnames=("last", "reverse", "remat_chunk", "executor"))
def results(layer, params, xs, carry, cotangents, last=False, **options):
    """Outputs and gradients."""
    run = rnnjax.unroll_last if last else rnnjax.unroll
    outputs, pull = jax.vjp(lambda *a: run(layer, *a, **options), params, xs, carry)
    return outputs, pull(cotangents)


def shapes(layer, *sample, last=False, **options):
    """Those of the outputs."""
    run = rnnjax.unroll_last if last else rnnjax.unroll
    return jax.eval_shape(lambda *a: run(layer, *a, **options), *sample)


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize(
    ("chunk", "reverse", "executor", "last"),
    [
        (4, True, "chunked", True),
        *(
            pytest.param(*options, marks=pytest.mark.slow)
            for options in [
                (4, True, "chunked", False),
                (7, True, "scan", False),
                (7, True, "scan", True),
                (1, False, "chunked", False),
                (1, False, "chunked", True),
                ("auto", False, "chunked", False),
                ("auto", False, "chunked", True),
            ]
        ),
    ],
)
def test_values_and_gradients_are_the_same(chunk, reverse, executor, last):
    rng = np.random.default_rng(5)
    params = random_like(rng, jax.eval_shape(LAYER.init, jax.random.key(0)), 0.6)
    carry = random_like(rng, jax.eval_shape(lambda: LAYER.initial_carry((ROWS,))), 0.8)
    xs = rng.standard_normal((STEPS, ROWS, 3))
    options = {
        "mask": rng.random((STEPS, ROWS)) < 0.8,
        "resets": rng.random((STEPS, ROWS)) < 0.2,
        "reverse": reverse,
        "key": jax.random.key(1),
        "last": last,
    }
    cotangents = random_like(rng, shapes(LAYER, params, xs, carry, **options))
    expected = results(LAYER, params, xs, carry, cotangents, **options)
    again = results(
        LAYER, params, xs, carry, cotangents, **options, remat_chunk=chunk, executor=executor
    )
    assert_close(again, expected)


@pytest.mark.usefixtures("x64")
def test_every_cell_can_be_rematerialised(typical):
    cell, params, xs, carry = draw(typical, steps=7)
    cotangents = random_like(np.random.default_rng(1), shapes(cell, params, xs, carry))
    expected = results(cell, params, xs, carry, cotangents)
    assert_close(results(cell, params, xs, carry, cotangents, remat_chunk=3), expected)


def temporary_bytes(num_steps, remat_chunk):
    """What the compiled gradient of a loss on the last output takes beside its arguments."""
    cell = LSTM(4, 32)
    params = jax.eval_shape(cell.init, jax.random.key(0))
    xs = jax.ShapeDtypeStruct((num_steps, 8, 4), jnp.float32)

    def loss(params, xs):
        return rnnjax.unroll_last(cell, params, xs, remat_chunk=remat_chunk)[1].sum()

    compiled = jax.jit(jax.grad(loss)).lower(params, xs).compile()
    analysis: Any = compiled.memory_analysis()
    return analysis.temp_size_in_bytes


@pytest.mark.usefixtures("optimised")
def test_memory_grows_like_the_root_of_the_number_of_steps():
    few, many = 1000, 16_000
    plain = [temporary_bytes(steps, None) for steps in (few, many)]
    auto = [temporary_bytes(steps, "auto") for steps in (few, many)]
    assert plain[1] > 14 * plain[0]
    assert auto[1] < 5 * auto[0]
    assert auto[1] < plain[1] / 30


@pytest.mark.parametrize("chunk", [0, -3, 2.5, "sqrt"])
def test_a_chunk_that_is_no_number_of_steps_is_refused(chunk):
    cell = LSTM(3, 4)
    params = cell.init(jax.random.key(0))
    with pytest.raises(ValueError, match="remat_chunk must be a positive number of steps"):
        rnnjax.unroll(cell, params, jnp.ones((5, 3)), remat_chunk=chunk)
