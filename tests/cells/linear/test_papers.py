"""Linear cells, each against a loop in NumPy written from its paper."""

import jax
import numpy as np
import pytest

import rnnjax
from rnnjax.cells.linear.lru import LRU
from rnnjax.cells.linear.min_gru import MinGRU
from rnnjax.cells.linear.rg_lru import RGLRU
from tests.cells.linear.cases import CASES, VARIANTS
from tests.running import quick_jit

T, B = 7, 2


@pytest.mark.parametrize("case", [*CASES, *VARIANTS], ids=lambda case: case.name)
@pytest.mark.usefixtures("x64")
def test_a_cell_is_its_paper(case):
    cell = case.cell
    rng = np.random.default_rng(0)
    shapes = jax.eval_shape(cell.init, jax.random.key(0))
    params = jax.tree.map(lambda a: rng.normal(size=a.shape), shapes)
    carry = jax.tree.map(lambda a: rng.normal(size=a.shape), cell.initial_carry((B,)))
    xs = rng.normal(size=(T, B, cell.input_size))
    found, ys = quick_jit(lambda *given: rnnjax.unroll(cell, *given))(params, xs, carry)
    state, expected = case.loop(cell, params, xs, carry)
    np.testing.assert_allclose(ys, expected, atol=1e-10)
    for own, other in zip(found, state, strict=True):
        np.testing.assert_allclose(own, other, atol=1e-10)


def test_a_state_in_single_precision_rides_on_halves():
    cell = RGLRU(4)
    params = cell.init(jax.random.key(0))._replace(lam=np.full(4, -12.0, np.float32))
    half = jax.tree.map(lambda a: np.asarray(a).astype(jax.numpy.bfloat16), params)
    carry = cell.initial_carry((B,))
    xs = jax.numpy.ones((400, B, 4), jax.numpy.bfloat16)
    found, ys = quick_jit(lambda *given: rnnjax.unroll(cell, *given))(half, xs, carry)
    assert ys.dtype == jax.numpy.bfloat16
    assert found.h.dtype == np.float32
    # What is remembered fades by 1e-5 a step: in half precision it would not fade at all.
    whole = quick_jit(lambda *given: rnnjax.unroll(cell, *given))(params, xs.astype(float), carry)[
        0
    ]
    np.testing.assert_allclose(found.h, whole.h, rtol=0.05)


@pytest.mark.usefixtures("x64")
def test_initial_values_lie_where_the_papers_have_them():
    lru = LRU(3, 2000, least_radius=0.4, largest_radius=0.9, largest_angle=1.0)
    params = lru.init(jax.random.key(0))
    radius, angle = np.exp(-np.exp(params.nu_log)), np.exp(params.theta_log)
    assert 0.4 <= radius.min() < 0.41
    assert 0.89 < radius.max() <= 0.9
    assert angle.max() <= 1.0
    # Uniform by area.
    assert np.mean(radius**2) == pytest.approx((0.4**2 + 0.9**2) / 2, abs=0.01)
    np.testing.assert_allclose(np.exp(params.gamma_log) ** 2, 1 - radius**2)
    for in_ring, power in ((True, 8), (False, 1)):
        lam = RGLRU(2000, power_in_ring=in_ring).init(jax.random.key(1)).lam
        base = np.exp(-power * np.log1p(np.exp(lam)))
        assert 0.9 <= base.min() < 0.901
        assert 0.998 < base.max() <= 0.999


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: RGLRU(4, heads=3), "heads=3 must divide"),
        (lambda: LRU(2, 3, least_radius=0.9, largest_radius=0.5), "radii must rise"),
        (lambda: MinGRU(0, 3), "input_size"),
    ],
)
def test_sizes_that_are_none_are_told(make, said):
    with pytest.raises(ValueError, match=said):
        make()
