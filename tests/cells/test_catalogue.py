"""What the quick tests ask of a cell of the catalogue, by one program each.

The slow tests ask it of the other settings of a cell, too, and of each cell the whole of
`tests.test_contract`.
"""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import rnnjax
from tests import oracles
from tests.cells.catalogue import CATALOGUE, CHIEF
from tests.cells_under_test import draw, random_like
from tests.flagged import MASK, POISON, RESETS, where_rows
from tests.outcomes import EVERY, NONE, run, slope, weights_of
from tests.running import assert_close, dot
from tests.slow import slow_but

pytestmark = [
    pytest.mark.usefixtures("x64"),
    pytest.mark.parametrize("case", slow_but(CHIEF, CATALOGUE), ids=lambda case: case.name),
]


@pytest.fixture(autouse=True)
def _owed(request, case):
    """Skips what the equations of a cell contradict."""
    if request.node.originalname in case.exempt:
        pytest.skip("the equations of this cell say otherwise")


def test_a_cell_is_its_paper(case):
    sample = draw(case)
    initial = sample.cell.first_carry(sample.params)
    for mask, resets in ((EVERY, NONE), (MASK, RESETS)):
        final, ys, last = oracles.run(
            case.oracle, *sample[1:], initial=initial, mask=mask, resets=resets
        )
        found = run(sample, mask, resets)
        assert_close((found.outputs, found.last), ((final, ys), last))


def test_its_output_is_its_state_unless_it_says_no(case):
    sample = draw(case)
    (carry, _), last, _ = run(sample)
    h, size = getattr(carry, "h", None), sample.cell.output_size
    if h is not None and h.shape == last.shape and h.shape[-1] == size:
        assert (h == last).all() == sample.cell.gives_state


def test_its_gradient_is_that_of_differences_and_of_nothing_behind_the_mask(case):
    sample = draw(case)
    cotangents = weights_of(sample)
    found = run(sample, MASK, RESETS, cotangents=cotangents)
    leaves = jax.tree.leaves(tuple(sample[1:]))
    directions = random_like(np.random.default_rng(2), leaves)
    change = slope(sample, directions, cotangents, MASK, RESETS)
    gradients = jax.tree.leaves(found.gradients)
    np.testing.assert_allclose(dot(gradients, directions), change, rtol=1e-6, atol=1e-7)
    assert abs(change) > 1e-4
    poisoned = sample._replace(xs=where_rows(MASK, sample.xs, POISON))
    assert_close(run(poisoned, MASK, RESETS, cotangents=cotangents), found, tolerance=0.0)


def test_types_stay(case):
    for dtype in (jnp.bfloat16, jnp.float32, jnp.float64):
        for own in {dtype, jnp.float32}:
            cell, params, xs, _ = draw(case, dtype=dtype)
            carry = cell.first_carry(params, (3,), own)
            after, ys = jax.eval_shape(functools.partial(rnnjax.unroll, cell), params, xs, carry)
            assert ys.dtype == dtype
            expected = jax.tree.map(lambda array: array.dtype, carry)
            assert jax.tree.map(lambda array: array.dtype, after) == expected


def test_it_is_a_value(case):
    assert case.make() is not case.make()
    assert case.make() == case.make()
    assert hash(case.make()) == hash(case.make())
    assert eval(repr(case.make()), dict(vars(rnnjax))) == case.make()
