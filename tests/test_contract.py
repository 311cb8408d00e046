"""The properties of every cell, run over the list in `tests.cells_under_test`."""

# NumPy arrays go where JAX arrays are declared.
# pyright: reportArgumentType=false

from __future__ import annotations

import copy
import pickle

import hypothesis
import hypothesis.strategies as st
import jax
import numpy as np
import pytest

import rnnjax
from tests import oracles
from tests.cells_under_test import draw, random_like
from tests.running import assert_close, dot, init, loop, pull_back, quick_jit, unroll

pytestmark = pytest.mark.usefixtures("x64")


def test_equals_the_equations(case):
    cell, params, xs, carry = draw(case)
    final, ys, _ = oracles.run(case.oracle, params, xs, carry)
    assert_close(unroll(cell, params, xs, carry), (final, ys))


def test_starts_from_the_first_carry(case):
    cell, params, xs, carry = draw(case)
    assert_close(cell.initial_carry((3,)), jax.tree.map(np.zeros_like, carry))
    first = cell.first_carry(params, (3,))
    final, ys, _ = oracles.run(case.oracle, params, xs, first)
    assert_close(unroll(cell, params, xs), (final, ys))


def test_gradients_equal_finite_differences(case):
    # The seeds are fixed, so a kink (relu, hard_sigmoid) stays out of the 2e-5 wide window.
    cell, *arguments = draw(case)
    rng = np.random.default_rng(1)
    cotangents = random_like(rng, unroll(cell, *arguments))
    gradients = pull_back(cotangents, cell, *arguments)
    leaves, structure = jax.tree.flatten(tuple(arguments))
    for k, (leaf, gradient) in enumerate(zip(leaves, jax.tree.leaves(gradients), strict=True)):
        direction = random_like(rng, leaf)

        def value(distance, k=k, leaf=leaf, direction=direction):
            moved = [*leaves[:k], leaf + distance * direction, *leaves[k + 1 :]]
            return dot(cotangents, unroll(cell, *jax.tree.unflatten(structure, moved)))

        slope = (value(1e-5) - value(-1e-5)) / 2e-5
        np.testing.assert_allclose(dot(gradient, direction), slope, rtol=1e-6, atol=1e-7)
        assert abs(slope) > 1e-4


def test_equals_a_loop_over_single_steps(case):
    sample = draw(case, steps=4)
    cotangents = random_like(np.random.default_rng(1), unroll(*sample))

    @quick_jit
    def by_hand(params, xs, carry):
        outputs, vjp = jax.vjp(lambda *a: loop(sample.cell, *a), params, xs, carry)
        return outputs, vjp(cotangents)

    outputs, gradients = by_hand(*sample[1:])
    assert_close(unroll(*sample), outputs)
    assert_close(pull_back(cotangents, *sample), gradients)


def test_reverse_mode_equals_forward_mode_of_a_plain_scan(case):
    cell, *arguments = draw(case)
    rng = np.random.default_rng(1)
    tangents = random_like(rng, tuple(arguments))

    @quick_jit
    def forward(params, xs, carry):
        def scan(params, xs, carry):
            return jax.lax.scan(lambda c, x: cell(params, c, x), carry, xs)

        return jax.jvp(scan, (params, xs, carry), tangents)

    outputs, pushed = forward(*arguments)
    cotangents = random_like(rng, outputs)
    gradients = pull_back(cotangents, cell, *arguments)
    np.testing.assert_allclose(dot(gradients, tangents), dot(cotangents, pushed), rtol=1e-10)


@hypothesis.given(cuts=st.sets(st.integers(1, 5)))
def test_any_chunking_of_time_equals_one_pass(case, cuts):
    cell, params, xs, carry = draw(case)
    whole = unroll(cell, params, xs, carry)
    chunks = []
    for chunk in np.split(xs, sorted(cuts)):
        carry, ys = unroll(cell, params, chunk, carry)
        chunks.append(ys)
    assert_close((carry, np.concatenate(chunks)), whole)


def test_any_number_of_batch_axes(case):
    cell, params, xs, carry = draw(case, batch=(2, 3))
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


def test_batched_equals_vmapped(case):
    cell, params, xs, carry = draw(case)
    rows = jax.vmap(rnnjax.unroll, in_axes=(None, None, 1, 0), out_axes=(0, 1))
    assert_close(quick_jit(rows)(cell, params, xs, carry), unroll(cell, params, xs, carry))


@hypothesis.given(order=st.permutations(range(3)))
def test_rows_do_not_see_each_other(case, order):
    cell, params, xs, carry = draw(case)
    order = np.array(order)
    final, ys = unroll(cell, params, xs, carry)
    moved = unroll(cell, params, xs[:, order], jax.tree.map(lambda a: a[order], carry))
    assert_close(moved, (jax.tree.map(lambda a: a[order], final), ys[:, order]))


def test_vmap_over_seeds_equals_one_after_the_other(case):
    cell, _, xs, carry = draw(case)
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
def test_the_future_does_not_change_the_past(case, reverse):
    cell, params, xs, carry = draw(case, steps=4)

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


def test_an_equal_cell_built_again_does_not_retrace(case):
    traced = []

    @jax.jit
    def run(cell, params, xs):
        traced.append(cell)
        return rnnjax.unroll(cell, params, xs)

    _, params, xs, _ = draw(case)
    for _ in range(3):
        run(case.make(), params, xs)
    assert len(traced) == 1


def test_a_cell_is_a_value(case):
    cell, again = case.make(), case.make()
    assert cell is not again
    assert cell == again
    assert hash(cell) == hash(again)
    assert cell != rnnjax.SimpleRNN(7, 9)
    assert eval(repr(cell), dict(vars(rnnjax))) == cell
    assert pickle.loads(pickle.dumps(cell)) == cell
    assert copy.deepcopy(cell) == cell
    assert jax.tree.leaves(cell) == []
    with pytest.raises(AttributeError):
        cell.input_size = 5


def test_sizes_are_those_of_the_arrays(case):
    cell, params, xs, carry = draw(case)
    assert xs.shape[-1] == cell.input_size
    assert unroll(cell, params, xs, carry)[1].shape == (6, 3, cell.output_size)


def test_different_keys_give_different_parameters(case):
    cell = case.make()
    first, second, again = (init(cell, jax.random.key(seed)) for seed in (0, 1, 0))
    assert_close(first, again, tolerance=0.0)
    matrices = [p for p in jax.tree.leaves(first) if p.ndim == 2]
    others = [p for p in jax.tree.leaves(second) if p.ndim == 2]
    assert len(matrices) >= 2
    for a, b in zip(matrices, others, strict=True):
        assert (a != b).all()
    flat = np.concatenate([np.ravel(p) for p in matrices])
    assert np.unique(flat).size == flat.size
