"""The properties of every cell, run over the list in `tests.cells_under_test`.

Every property is read off the programs of `tests.outcomes`. What the engine does with a cell,
whichever it is, stands in `tests.unrolling`.
"""

# NumPy arrays go where JAX arrays are declared.
# pyright: reportArgumentType=false

from __future__ import annotations

import copy
import functools
import pickle

import hypothesis
import hypothesis.extra.numpy as hnp
import hypothesis.strategies as st
import jax
import numpy as np
import pytest

import rnnjax
from tests import oracles
from tests.cells.catalogue import CHIEF
from tests.cells_under_test import CELLS_UNDER_TEST, draw, random_like
from tests.flagged import MASK, POISON, RESETS, ROWS, STEPS, directions, where_rows
from tests.outcomes import EVERY, NONE, first_of, run, slope, weights_of
from tests.running import assert_close, dot, init, quick_jit

pytestmark = pytest.mark.usefixtures("x64")

FLAGS = hnp.arrays(bool, (STEPS, ROWS), elements=st.booleans(), fill=st.nothing())


@pytest.fixture(
    params=[
        *(pytest.param(case, id=case.name) for case in CELLS_UNDER_TEST),
        # Of these the quick tests ask less, in tests/cells/test_catalogue.py.
        *(pytest.param(case, id=case.name, marks=pytest.mark.slow) for case in CHIEF),
    ]
)
def case(request):
    """Every cell in turn."""
    name = request.node.originalname
    if name in request.param.exempt:
        pytest.skip("the equations of this cell say otherwise")
    return request.param


@hypothesis.given(mask=FLAGS, resets=FLAGS, reverse=st.booleans())
@hypothesis.example(mask=EVERY, resets=NONE, reverse=False)
@hypothesis.example(mask=MASK, resets=RESETS, reverse=True)
@hypothesis.settings(max_examples=6)
def test_equals_the_equations(case, mask, resets, reverse):
    hypothesis.assume(mask.any())
    sample = draw(case)
    initial = sample.cell.first_carry(sample.params)
    flags = {"mask": mask, "resets": resets, "reverse": reverse}
    final, ys, last = oracles.run(case.oracle, *sample[1:], initial=initial, **flags)
    found = run(sample, mask, resets, reverse=reverse)
    assert_close((found.outputs, found.last), ((final, ys), last))


@pytest.mark.parametrize(("mask", "resets"), [(EVERY, NONE), (MASK, RESETS)], ids=["all", "some"])
def test_gradients_equal_finite_differences(case, mask, resets):
    # The seeds are fixed, so a kink (relu, hard_sigmoid) stays out of the 2e-5 wide window.
    sample = draw(case)
    cotangents = weights_of(sample)
    gradients = run(sample, mask, resets, cotangents=cotangents).gradients
    leaves = jax.tree.leaves(tuple(sample[1:]))
    rng = np.random.default_rng(1)
    for k, (leaf, gradient) in enumerate(zip(leaves, jax.tree.leaves(gradients), strict=True)):
        if np.issubdtype(leaf.dtype, np.integer):
            continue
        direction = random_like(rng, leaf)
        directions = [direction if k == j else None for j in range(len(leaves))]
        change = slope(sample, directions, cotangents, mask, resets)
        np.testing.assert_allclose(dot(gradient, direction), change, rtol=1e-6, atol=1e-7)
        assert abs(change) > 1e-4


def test_reverse_mode_equals_forward_mode_of_a_plain_scan(case):
    sample = draw(case)
    rng = np.random.default_rng(2)
    tangents = random_like(rng, tuple(sample[1:]))

    @quick_jit
    def forward(*arguments):
        def scan(params, xs, carry):
            return jax.lax.scan(lambda c, x: sample.cell(params, c, x), carry, xs)

        outputs, pushed = jax.jvp(scan, arguments, jax.tree.map(of_floats, tangents))
        return outputs, jax.tree.map(as_floats, pushed)

    # A count of steps has no tangent.
    def of_floats(tangent):
        is_count = np.issubdtype(tangent.dtype, np.integer)
        return np.zeros(tangent.shape, jax.dtypes.float0) if is_count else tangent

    def as_floats(tangent):
        return np.zeros(tangent.shape) if tangent.dtype == jax.dtypes.float0 else tangent

    outputs, pushed = jax.device_get(forward(*sample[1:]))
    cotangents = weights_of(sample)
    found = run(sample, cotangents=cotangents)
    assert_close(found.outputs, outputs)
    np.testing.assert_allclose(dot(found.gradients, tangents), dot(cotangents, pushed), rtol=1e-10)


def test_what_is_not_given_changes_nothing(case):
    sample = draw(case)._replace(carry=None)
    begun = sample._replace(carry=first_of(sample))
    zeros = jax.device_get(sample.cell.initial_carry((ROWS,)))
    assert jax.tree.structure(begun.carry) == jax.tree.structure(zeros)
    if not case.begins:
        assert_close(begun.carry, zeros)
    assert all((c == 0).all() for c in jax.tree.leaves(zeros))
    cotangents = weights_of(begun)

    @quick_jit
    def plain(params, xs):
        outputs, vjp = jax.vjp(functools.partial(rnnjax.unroll, sample.cell), params, xs)
        return outputs, vjp(cotangents)

    expected = run(begun, cotangents=cotangents)
    assert_close(plain(sample.params, sample.xs), (expected.outputs, expected.gradients[:2]))


def test_single_steps_equal_a_run(case):
    cell, params, xs, carry = sample = draw(case)
    step = quick_jit(cell.__call__)
    outputs = []
    for x in xs:
        carry, y = jax.device_get(step(params, carry, x))
        outputs.append(y)
    assert_close((carry, np.stack(outputs)), run(sample).outputs)


@directions
def test_a_run_may_be_cut_anywhere(case, reverse):
    sample = draw(case)
    whole = run(sample, reverse=reverse).outputs
    for cut in range(1, STEPS):
        near = EVERY & (np.arange(STEPS) < cut)[:, None]
        parts = (~near, near) if reverse else (near, ~near)
        carry, before = run(sample, parts[0], reverse=reverse).outputs
        carry, after = run(sample._replace(carry=carry), parts[1], reverse=reverse).outputs
        assert_close((carry, before + after), whole)


@directions
def test_a_reset_begins_anew(case, reverse):
    sample = draw(case)
    far = EVERY & (np.arange(STEPS) < 4 if reverse else np.arange(STEPS) >= 2)[:, None]
    _, before = run(sample, ~far, reverse=reverse).outputs
    final, behind = run(sample._replace(carry=first_of(sample)), far, reverse=reverse).outputs
    marks = EVERY & (np.arange(STEPS) == (3 if reverse else 2))[:, None]
    assert_close(run(sample, resets=marks, reverse=reverse).outputs, (final, before + behind))


def test_what_lies_before_a_reset_reaches_no_gradient_of_what_lies_behind_it(case):
    sample = draw(case)
    far = EVERY & (np.arange(STEPS) >= 3)[:, None]
    resets = EVERY & (np.arange(STEPS) == 3)[:, None]
    final, ys = weights_of(sample)
    cotangents = final, where_rows(far, ys, 0)
    alone = run(sample._replace(carry=first_of(sample)), far, cotangents=cotangents)
    poisoned = sample._replace(xs=where_rows(far, sample.xs, np.nan))
    found = run(poisoned, resets=resets, cotangents=cotangents)
    assert np.isnan(found.outputs[1][~far]).any(axis=-1).all()
    assert_close(
        (found.outputs[0], found.outputs[1][far]), (alone.outputs[0], alone.outputs[1][far])
    )
    assert_close(found.gradients[:2], alone.gradients[:2])
    for gradient in (found.gradients[1][~far], *jax.tree.leaves(found.gradients[2])):
        assert (gradient == 0).all()


@directions
def test_nothing_behind_the_mask_gets_out(case, reverse):
    sample = draw(case)
    poisoned = sample._replace(xs=where_rows(MASK, sample.xs, POISON))
    cotangents = weights_of(sample)
    clean, found = (
        run(s, MASK, reverse=reverse, cotangents=cotangents) for s in (sample, poisoned)
    )
    assert_close(found, clean, tolerance=0.0)
    if not reverse:
        assert (found.gradients[1][~MASK] == 0).all()
        assert (found.gradients[1][MASK] != 0).reshape(MASK.sum(), -1).any(axis=-1).all()


def test_a_row_without_any_step_hands_its_carry_on(case):
    sample = draw(case)
    cotangents = weights_of(sample)
    outputs, last, (by_params, by_xs, by_carry) = run(sample, NONE, cotangents=cotangents)
    assert_close(outputs[0], sample.carry, tolerance=0.0)
    assert (outputs[1] == 0).all()
    assert (last == 0).all()
    assert_close(by_carry, cotangents[0], tolerance=0.0)
    assert all((g == 0).all() for g in [by_xs, *jax.tree.leaves(by_params)])


def test_reversing_a_right_padded_row_reverses_its_valid_part(case):
    sample = draw(case)
    lengths = np.array([6, 4, 1])
    mask = np.asarray(rnnjax.length_mask(lengths, STEPS))
    final, ys = run(sample, mask, reverse=True).outputs
    flipped = [np.roll(sample.xs[::-1, row], n, axis=0) for row, n in enumerate(lengths)]
    ahead, ys_ahead = run(sample._replace(xs=np.stack(flipped, 1)), mask).outputs
    assert_close(final, ahead)
    for row, n in enumerate(lengths):
        assert_close(ys[:n, row], ys_ahead[:n, row][::-1])


@directions
def test_last_is_the_last_output(case, reverse):
    _, last, _ = found = run(draw(case), reverse=reverse)
    assert_close(last, found.outputs[1][0 if reverse else -1])


@hypothesis.given(order=st.permutations(range(ROWS)))
@hypothesis.settings(max_examples=5)
def test_rows_do_not_see_each_other(case, order):
    sample = draw(case)
    order = np.array(order)
    final, ys = run(sample).outputs
    carry = jax.tree.map(lambda a: a[order], sample.carry)
    moved = run(sample._replace(xs=sample.xs[:, order], carry=carry)).outputs
    assert_close(moved, (jax.tree.map(lambda a: a[order], final), ys[:, order]))


@directions
def test_the_future_does_not_change_the_past(case, reverse):
    sample = draw(case)
    ys = run(sample, reverse=reverse).outputs[1]
    for t in range(STEPS):
        xs = sample.xs.copy()
        xs[t, :-1] += 1
        change = np.abs(run(sample._replace(xs=xs), reverse=reverse).outputs[1] - ys)
        later = np.arange(STEPS) <= t if reverse else np.arange(STEPS) >= t
        assert (change.reshape(STEPS, -1).max(axis=1)[later] > 1e-6).all()
        assert (change[~later] == 0).all()
        assert (change[:, -1] == 0).all()


def test_an_equal_cell_built_again_does_not_retrace(case):
    traced = []

    @jax.jit
    def trace(cell, params, xs):
        traced.append(cell)
        return rnnjax.unroll(cell, params, xs)

    _, params, xs, _ = draw(case)
    for _ in range(3):
        jax.eval_shape(trace, case.make(), params, xs)
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
    sample = draw(case)
    assert sample.xs.shape == (STEPS, ROWS, *sample.cell.input_shape)
    assert sample.xs.shape[-1] == sample.cell.input_size
    shape = run(sample).outputs[1].shape
    assert shape == (STEPS, ROWS, *sample.cell.output_shape)
    assert shape[-1] == sample.cell.output_size


def test_different_keys_give_different_parameters(case):
    cell = case.make()
    first, second, again = (init(cell, jax.random.key(seed)) for seed in (0, 1, 0))
    assert_close(first, again, tolerance=0.0)
    num_axes = len(cell.input_shape) + 1  # of a matrix, or a kernel
    matrices = [p for p in jax.tree.leaves(first) if p.ndim == num_axes]
    others = [p for p in jax.tree.leaves(second) if p.ndim == num_axes]
    assert len(matrices) >= 2
    for a, b in zip(matrices, others, strict=True):
        assert (a != b).all()
    flat = np.concatenate([np.ravel(p) for p in matrices])
    assert np.unique(flat).size == flat.size
