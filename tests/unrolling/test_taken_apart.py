"""Chunks of time, axes of a batch and single steps: however a run is taken apart, it is the same.

For a few cells in the quick tests, and for all of them in the slow ones.
"""

# NumPy arrays go where JAX arrays are declared.
# pyright: reportArgumentType=false

from __future__ import annotations

import hypothesis
import hypothesis.strategies as st
import jax
import numpy as np
import pytest

import rnnjax
from tests.cells_under_test import draw, random_like
from tests.running import assert_close, init, loop, pull_back, quick_jit, unroll

pytestmark = pytest.mark.usefixtures("x64")


def test_equals_a_loop_over_single_steps(typical):
    sample = draw(typical, steps=4)
    cotangents = random_like(np.random.default_rng(1), unroll(*sample))

    @quick_jit
    def by_hand(params, xs, carry):
        outputs, vjp = jax.vjp(lambda *a: loop(sample.cell, *a), params, xs, carry)
        return outputs, vjp(cotangents)

    outputs, gradients = by_hand(*sample[1:])
    assert_close(unroll(*sample), outputs)
    assert_close(pull_back(cotangents, *sample), gradients)


@hypothesis.given(cuts=st.sets(st.integers(1, 5)))
def test_any_chunking_of_time_equals_one_pass(typical, cuts):
    cell, params, xs, carry = draw(typical)
    whole = unroll(cell, params, xs, carry)
    chunks = []
    for chunk in np.split(xs, sorted(cuts)):
        carry, ys = unroll(cell, params, chunk, carry)
        chunks.append(ys)
    assert_close((carry, np.concatenate(chunks)), whole)


def test_any_number_of_batch_axes(typical):
    cell, params, xs, carry = draw(typical, batch=(2, 3))
    both = unroll(cell, params, xs, carry)
    flat = jax.tree.map(lambda a: a.reshape(6, *a.shape[2:]), carry)
    final, ys = unroll(cell, params, xs.reshape(6, 6, -1), flat)
    flattened = jax.tree.map(lambda a: a.reshape(6, -1), both[0]), both[1].reshape(6, 6, -1)
    assert_close((final, ys), flattened)
    for row in range(6):
        i, j = divmod(row, 3)
        single = jax.tree.map(lambda a, i=i, j=j: a[i, j], carry)
        expected = jax.tree.map(lambda a, row=row: a[row], final), ys[:, row]
        assert_close(unroll(cell, params, xs[:, i, j], single), expected)


def test_batched_equals_vmapped(typical):
    cell, params, xs, carry = draw(typical)
    rows = jax.vmap(rnnjax.unroll, in_axes=(None, None, 1, 0), out_axes=(0, 1))
    assert_close(quick_jit(rows)(cell, params, xs, carry), unroll(cell, params, xs, carry))


def test_vmap_over_seeds_equals_one_after_the_other(typical):
    cell, _, xs, carry = draw(typical)
    keys = jax.random.split(jax.random.key(3), 3)

    @quick_jit
    @jax.vmap
    def together(key):
        params = cell.init(key)
        return params, rnnjax.unroll(cell, params, xs, carry)

    seeds = together(keys)
    for k, key in enumerate(keys):
        params = init(cell, key)
        outputs = unroll(cell, params, xs, carry)
        assert_close(jax.tree.map(lambda a, k=k: a[k], seeds), (params, outputs))


@pytest.mark.parametrize("reverse", [False, True])
def test_the_past_has_a_derivative_and_the_future_has_none(typical, reverse):
    cell, params, xs, carry = draw(typical, steps=4)

    @quick_jit
    def jacobian(xs):
        return jax.jacrev(lambda xs: rnnjax.unroll(cell, params, xs, carry, reverse=reverse)[1])(xs)

    # [T, B, O, T, B, D] -> the size of d y_t / d x_s, and of what rows do to each other.
    entries = np.abs(jax.device_get(jacobian(xs)))
    by_time = entries.max(axis=(1, 2, 4, 5))
    past = np.tril(np.ones((4, 4), bool))
    past = past.T if reverse else past
    assert (by_time[past] > 1e-6).all()
    assert (by_time[~past] == 0).all()
    by_row = entries.max(axis=(0, 2, 3, 5))
    assert (by_row[~np.eye(3, dtype=bool)] == 0).all()
