"""Padding, resets and reversed time, in long runs and in runs of all kinds.

For a few cells in the quick tests, and for all of them in the slow ones; what is quick for all of
them stands in `tests.test_contract`.
"""

# NumPy arrays go where JAX arrays are declared.
# pyright: reportArgumentType=false

from __future__ import annotations

import functools

import hypothesis
import hypothesis.extra.numpy as hnp
import hypothesis.strategies as st
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import rnnjax
from rnnjax import length_mask
from tests import oracles
from tests.cells_under_test import draw, random_like
from tests.flagged import MASK, POISON, RESETS, ROWS, STEPS, directions
from tests.running import assert_close, dot, pull_back, quick_jit, unroll, unroll_last

pytestmark = pytest.mark.usefixtures("x64")

LONG = 35  # more than one chunk of steps and a rest, whatever the loop over time makes of it
FLAGS = hnp.arrays(bool, (LONG, ROWS), elements=st.booleans(), fill=st.nothing())


forward_first = pytest.mark.parametrize(
    "reverse", [False, pytest.param(True, marks=pytest.mark.slow)]
)


def by_hand(sample, mask, resets, reverse):
    """Every row alone, in a Python loop that never touches a masked step: (carry, ys, last)."""
    cell, params, xs, carry = sample
    finals, outputs, lasts = [], [], []
    for row in range(xs.shape[1]):
        state = jax.tree.map(lambda a, row=row: a[row], carry)
        nothing = jnp.zeros(cell.output_size, xs.dtype)
        ys, last = [nothing] * len(xs), nothing
        for t in range(len(xs))[:: -1 if reverse else 1]:
            state = cell.first_carry(params) if resets[t, row] else state
            if mask[t, row]:
                state, last = cell(params, state, xs[t, row])
                ys[t] = last
        finals.append(state)
        outputs.append(jnp.stack(ys))
        lasts.append(last)
    final = jax.tree.map(lambda *rows: jnp.stack(rows), *finals)
    return final, jnp.stack(outputs, axis=1), jnp.stack(lasts)


@hypothesis.given(mask=FLAGS, resets=FLAGS, reverse=st.booleans())
def test_masks_and_resets_equal_the_equations_on_the_steps_that_are_there(
    typical, mask, resets, reverse
):
    hypothesis.assume(mask.any())
    cell, params, xs, carry = draw(typical, steps=len(mask))
    flags = {"mask": mask, "resets": resets, "reverse": reverse}
    final, ys, last = oracles.run(
        typical.oracle, params, xs, carry, initial=cell.first_carry(params), **flags
    )
    assert_close(unroll(cell, params, xs, carry, **flags), (final, ys))
    assert_close(unroll_last(cell, params, xs, carry, **flags), (final, last))


@forward_first
def test_gradients_equal_those_of_the_steps_that_are_there(typical, reverse):
    sample = draw(typical)
    everything = random_like(
        np.random.default_rng(1), jax.eval_shape(lambda: by_hand(sample, MASK, RESETS, reverse))
    )

    @quick_jit
    def expected(params, xs, carry):
        def run(*arguments):
            return by_hand((sample.cell, *arguments), MASK, RESETS, reverse)

        outputs, vjp = jax.vjp(run, params, xs, carry)
        final, ys, last = everything
        return outputs, vjp((final, ys, 0 * last)), vjp((final, 0 * ys, last))

    outputs, gradients, gradients_of_last = expected(*sample[1:])
    flags = {"mask": MASK, "resets": RESETS, "reverse": reverse}
    final, ys, last = everything
    assert_close(unroll(*sample, **flags), outputs[:2])
    assert_close(pull_back((final, ys), *sample, **flags), gradients)
    assert_close(pull_back((final, last), *sample, **flags, last=True), gradients_of_last)


@forward_first
def test_what_lies_before_a_reset_reaches_no_gradient_of_what_lies_behind_it(typical, reverse):
    cell, params, xs, carry = draw(typical, steps=LONG)
    cut = 15 if reverse else 20
    before, behind = (slice(cut, None), slice(cut)) if reverse else (slice(cut), slice(cut, None))
    resets = np.zeros((LONG, ROWS), bool)
    resets[cut - 1 if reverse else cut] = True
    poisoned = xs.copy()
    poisoned[before][[0, 3, -1]] = np.nan
    final, ys = unroll(cell, params, poisoned, carry, resets=resets, reverse=reverse)
    assert np.isnan(ys[before]).any()
    first = jax.device_get(cell.first_carry(params, (ROWS,)))
    expected = unroll(cell, params, xs[behind], first, reverse=reverse)
    assert_close((final, ys[behind]), expected)
    cotangents = random_like(np.random.default_rng(1), expected)
    alone = pull_back(cotangents, cell, params, xs[behind], first, reverse=reverse)
    everywhere = np.zeros_like(ys)
    everywhere[behind] = cotangents[1]
    gradients = pull_back(
        (cotangents[0], everywhere), cell, params, poisoned, carry, resets=resets, reverse=reverse
    )
    assert_close((gradients[0], gradients[1][behind]), alone[:2])
    for gradient in (gradients[1][before], *jax.tree.leaves(gradients[2])):
        assert (gradient == 0).all()


@pytest.mark.parametrize(
    ("steps", "flags", "reverse"),
    [
        (LONG, True, False),
        (LONG, True, True),
        pytest.param(48, False, False, marks=pytest.mark.slow),
    ],
)
def test_long_sequences_equal_a_plain_scan(typical, steps, flags, reverse):
    cell, *arguments = draw(typical, steps=steps)
    rng = np.random.default_rng(4)
    mask = rng.random((steps, ROWS)) < 0.7 if flags else np.ones((steps, ROWS), bool)
    resets = rng.random((steps, ROWS)) < 0.2 if flags else np.zeros((steps, ROWS), bool)

    def plain(params, xs, carry):
        first = cell.first_carry(params, (ROWS,))

        def choose(here, a, b):
            return jax.tree.map(lambda a, b: jnp.where(here[:, None], a, b), a, b)

        def step(carry, inputs):
            x, valid, reset = inputs
            before = choose(reset, first, carry)
            after, y = cell(params, before, x)
            return choose(valid, after, before), y * valid[:, None]

        return jax.lax.scan(step, carry, (xs, mask, resets), reverse=reverse)

    outputs = jax.device_get(quick_jit(plain)(*arguments))
    cotangents = random_like(rng, outputs)
    pull = quick_jit(lambda cotangents, *a: jax.vjp(plain, *a)[1](cotangents))
    options = {"mask": mask, "resets": resets} if flags else {}
    assert_close(unroll(cell, *arguments, **options, reverse=reverse), outputs)
    gradients = pull_back(cotangents, cell, *arguments, **options, reverse=reverse)
    assert_close(gradients, jax.device_get(pull(cotangents, *arguments)), tolerance=1e-9)


@directions
def test_the_plain_executor_has_forward_mode_derivatives(typical, reverse):
    cell, *arguments = draw(typical)
    tangents = random_like(np.random.default_rng(1), tuple(arguments))
    flags = {"mask": MASK, "resets": RESETS, "reverse": reverse}

    @quick_jit
    def push(*arguments):
        run = functools.partial(rnnjax.unroll, cell, executor="scan", **flags)
        return jax.jvp(run, arguments, tangents)

    outputs, pushed = jax.device_get(push(*arguments))
    assert_close(outputs, unroll(cell, *arguments, **flags))
    cotangents = random_like(np.random.default_rng(2), outputs)
    gradients = pull_back(cotangents, cell, *arguments, **flags)
    np.testing.assert_allclose(dot(gradients, tangents), dot(cotangents, pushed), rtol=1e-9)


@directions
def test_nothing_behind_the_mask_gets_out(typical, reverse):
    cell, params, xs, carry = draw(typical)
    poisoned = np.where(MASK[..., None], xs, POISON)
    flags = {"mask": MASK, "resets": np.zeros_like(RESETS), "reverse": reverse}
    for run, last in ((unroll, False), (unroll_last, True)):
        outputs = run(cell, params, xs, carry, **flags)
        assert_close(run(cell, params, poisoned, carry, **flags), outputs, tolerance=0.0)
        cotangents = random_like(np.random.default_rng(1), outputs)
        gradients = pull_back(cotangents, cell, params, xs, carry, **flags, last=last)
        again = pull_back(cotangents, cell, params, poisoned, carry, **flags, last=last)
        assert_close(again, gradients, tolerance=0.0)
        assert (again[1][~MASK] == 0).all()
        assert (again[1][MASK] != 0).any(axis=-1).all()


def test_a_mask_over_time_alone_holds_for_all_rows(typical):
    cell, params, xs, carry = draw(typical, batch=(2, 3))
    over_time = np.array([1, 1, 0, 1, 0, 0], bool)
    resets = np.array([0, 1, 1, 0, 0, 0], bool)
    every_row = np.broadcast_to(over_time[:, None, None], (6, 2, 3))
    every_reset = np.broadcast_to(resets[:, None, None], (6, 2, 3))
    expected = unroll(cell, params, xs, carry, mask=every_row, resets=every_reset)
    assert_close(unroll(cell, params, xs, carry, mask=over_time, resets=resets), expected)
    single = jax.tree.map(lambda a: a[1, 2], carry)
    outputs = unroll(cell, params, xs[:, 1, 2], single, mask=over_time, resets=resets)
    assert_close(outputs, (jax.tree.map(lambda a: a[1, 2], expected[0]), expected[1][:, 1, 2]))


def test_reversed_equals_flipped(typical):
    cell, params, xs, carry = draw(typical)
    final, ys = unroll(cell, params, xs[::-1], carry)
    assert_close(unroll(cell, params, xs, carry, reverse=True), (final, ys[::-1]))


def test_resets_equal_segments_run_apart(typical):
    cell, params, xs, carry = draw(typical)
    starts = np.arange(STEPS) == 2
    _, ys_near = unroll(cell, params, xs[:2], carry)
    final, ys_far = unroll(cell, params, xs[2:])
    ys = np.concatenate([ys_near, ys_far])
    assert_close(unroll(cell, params, xs, carry, resets=starts), (final, ys))


def test_reversed_resets_mark_where_a_segment_ends(typical):
    cell, params, xs, carry = draw(typical)
    ends = np.arange(STEPS) == 3
    _, ys_near = unroll(cell, params, xs[4:], carry, reverse=True)
    final, ys_far = unroll(cell, params, xs[:4], reverse=True)
    ys = np.concatenate([ys_far, ys_near])
    assert_close(unroll(cell, params, xs, carry, resets=ends, reverse=True), (final, ys))


@pytest.mark.parametrize("given", [{}, {"mask": MASK}, {"resets": RESETS}], ids=list)
def test_flags_left_out_equal_flags_that_change_nothing(typical, given):
    cell, params, xs, carry = draw(typical)
    xs = np.where(given["mask"][..., None], xs, POISON) if "mask" in given else xs
    neutral = {"mask": np.ones_like(MASK), "resets": np.zeros_like(RESETS), "reverse": False}
    outputs = unroll(cell, params, xs, carry, **given)
    assert_close(outputs, unroll(cell, params, xs, carry, **{**neutral, **given}))
    cotangents = random_like(np.random.default_rng(1), outputs)
    gradients = pull_back(cotangents, cell, params, xs, carry, **given)
    expected = pull_back(cotangents, cell, params, xs, carry, **{**neutral, **given})
    assert_close(gradients, expected)


@directions
def test_a_reset_stops_a_nan(typical, reverse):
    cell, params, xs, carry = draw(typical)
    resets = np.arange(STEPS) == 3
    before = np.arange(STEPS) > 3 if reverse else np.arange(STEPS) < 3
    poisoned = np.where(before[:, None, None], np.nan, xs)
    flags = {"resets": resets, "reverse": reverse}
    final, ys = unroll(cell, params, xs, carry, **flags)
    final_poisoned, ys_poisoned = unroll(cell, params, poisoned, carry, **flags)
    assert np.isnan(ys_poisoned[before]).all()
    assert_close((final_poisoned, ys_poisoned[~before]), (final, ys[~before]))


def test_a_single_step_is_a_sequence(typical):
    cell, params, xs, carry = draw(typical)
    final, y = cell(params, carry, xs[0])
    assert_close(unroll(cell, params, xs[:1], carry), (final, y[None]))
    assert_close(unroll_last(cell, params, xs[:1], carry), (final, y))


@pytest.mark.parametrize("lengths", [[0, 3, 5], 2, [[1, 2], [0, 5]]])
def test_length_mask_lets_so_many_steps_through(lengths):
    mask = np.asarray(length_mask(jnp.array(lengths), 5))
    assert mask.dtype == bool
    assert mask.shape == (5, *np.shape(lengths))
    for t in range(5):
        np.testing.assert_array_equal(mask[t], t < np.array(lengths))


def test_unroll_runs_outside_jit():
    cell = rnnjax.GRU(3, 4)
    params = cell.init(jax.random.key(0))
    xs = np.random.default_rng(0).standard_normal((5, 2, 3))
    mask = np.array([[1, 1], [1, 0], [0, 1], [1, 0], [1, 0]], bool)
    expected = unroll(cell, params, xs, mask=mask)
    assert_close(rnnjax.unroll(cell, params, xs, mask=mask), expected)
