"""A hundred thousand steps in single precision, beside the same in double."""

import functools

import jax
import numpy as np
import pytest

import rnnjax
from rnnjax.cells.linear import LRU, MinGRU
from tests.running import quick_jit

STEPS = 100_000


@pytest.mark.slow
@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize(
    ("cell", "tolerance"),
    [(MinGRU(2, 4), 1e-5), (LRU(2, 4, least_radius=0.99, largest_radius=0.9999), 3e-4)],
    ids=lambda own: type(own).__name__,
)
@pytest.mark.parametrize("executor", ["chunked", "associative"])
def test_single_precision_is_enough(cell, tolerance, executor):
    params = cell.init(jax.random.key(0))
    xs = np.random.default_rng(0).normal(size=(STEPS, 2))
    if isinstance(cell, MinGRU):
        gate = np.asarray(params.b).copy()
        gate[:4] = -7  # so that it remembers a thousand steps
        params = params._replace(b=gate)
    run = quick_jit(functools.partial(rnnjax.unroll, cell), static_argnames="executor")
    narrow = [jax.tree.map(lambda own: np.asarray(own, np.float32), own) for own in (params, xs)]
    carry = cell.initial_carry((), np.float32)
    _, found = run(*narrow, carry, executor=executor)
    _, expected = run(
        *jax.tree.map(lambda own: np.asarray(own, np.float64), narrow),
        cell.initial_carry(()), executor="scan",
    )  # fmt: skip
    assert found.dtype == np.float32
    largest = np.abs(np.asarray(expected)).max()
    np.testing.assert_allclose(found, expected, atol=tolerance * largest, rtol=0)
