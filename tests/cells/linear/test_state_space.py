"""Initial values of state space models and memories, and what their states hold."""

import jax
import numpy as np
import pytest

import rnnjax
from rnnjax import hippo
from rnnjax.cells.linear.ffm import FFM
from rnnjax.cells.linear.legendre_memory import LegendreMemory, LegendreMemoryParams
from rnnjax.cells.linear.s4d import S4D
from rnnjax.cells.linear.s5 import S5
from tests.cells_under_test import random_like
from tests.running import assert_close, init, quick_jit, unroll

N = np.arange(4)
KEY = jax.random.key(0)


@pytest.mark.parametrize(
    ("name", "decay", "frequency"),
    [
        ("lin", np.full(4, 0.5), np.pi * N),
        ("inv", np.full(4, 0.5), 8 / np.pi * (8 / (2 * N + 1) - 1)),
        ("real", N + 1, np.zeros(4)),
    ],
)
@pytest.mark.usefixtures("x64")
def test_s4d_begins_at_the_named_eigenvalues(name, decay, frequency):
    params = S4D(500, 8, initialization=name).init(KEY)
    np.testing.assert_allclose(np.exp(params.decay_log[7]), decay, rtol=1e-12)
    np.testing.assert_allclose(params.frequency[7], frequency, rtol=1e-12)
    assert np.mean(params.c_re**2 + params.c_im**2) == pytest.approx(1, rel=0.1)
    assert np.exp(params.step_log).min() == pytest.approx(1e-3, rel=0.1)
    assert np.exp(params.step_log).max() == pytest.approx(1e-1, rel=0.1)
    assert np.mean(params.step_log) == pytest.approx(np.log(1e-2), rel=0.05)


@pytest.mark.usefixtures("x64")
def test_s5_begins_as_blocks_of_the_normal_matrix():
    cell = S5(300, 24, blocks=3)
    params = cell.init(KEY)
    part = hippo.normal(8)
    v = part.v_re + 1j * part.v_im
    np.testing.assert_array_equal(params.lambda_re, np.tile(part.decay, 3))
    np.testing.assert_array_equal(params.lambda_im, np.tile(part.frequency, 3))
    assert params.step_log.shape == (12,)
    # V times B̃, with the conjugate half, is the real matrix that was drawn.
    b = (params.b_re + 1j * params.b_im).T.reshape(3, 4, 300)
    drawn = 2 * np.einsum("nm,jmd->jnd", v, b).real
    assert drawn.std() == pytest.approx(24**-0.5, rel=0.03)
    assert np.abs(drawn).max() < 2.3 * 24**-0.5  # truncated
    np.testing.assert_allclose(np.einsum("nm,jnd->jmd", v.conj(), drawn), b, atol=1e-12)
    # C has P numbers a row, real and imaginary ones; V is unitary, with half of its columns here.
    for name, square in (
        ("trunc_standard_normal", 2 / 24), ("lecun_normal", 2 / 24 / 300), ("complex_normal", 1),
    ):  # fmt: skip
        params = S5(300, 24, output_initialization=name).init(KEY)
        assert np.mean(params.c_re**2 + params.c_im**2) == pytest.approx(square, rel=0.05)


@pytest.mark.usefixtures("x64")
def test_ffm_begins_with_the_authors_rates_and_periods():
    params = init(FFM(2, 5, 4, 3), KEY)
    slowest = np.log(100) / 1024
    np.testing.assert_allclose(params.alpha, np.linspace(0.6731471, slowest, 5), rtol=1e-4)
    np.testing.assert_allclose(2 * np.pi / params.omega, np.linspace(1, 1024, 4))
    np.testing.assert_allclose(np.abs(params.w_re).max(), (2 * 5 * 4) ** -0.5, rtol=0.1)


@pytest.mark.usefixtures("x64")
def test_a_window_gives_back_what_went_in():
    cell = LegendreMemory(1, 10, 50)
    xs = np.sin(np.arange(90)[:, None] / 12)
    carry, _ = unroll(cell, LegendreMemoryParams(), xs)
    for delay in (0, 20, 50):
        polynomials = np.polynomial.legendre.legvander(2 * delay / 50 - 1, 9)
        assert polynomials @ carry.m[0] == pytest.approx(xs[89 - delay, 0], abs=0.05)


@pytest.mark.parametrize(
    "cell",
    [S4D(3, 4), S5(3, 4), FFM(3, 2, 2, 3), LegendreMemory(3, 2, 9)],
    ids=lambda own: type(own).__name__,
)
@pytest.mark.usefixtures("x64")
def test_all_steps_at_once_are_those_one_by_one(cell):
    rng = np.random.default_rng(0)
    params = random_like(rng, jax.eval_shape(cell.init, KEY))
    carry = random_like(rng, jax.eval_shape(lambda: cell.initial_carry((2,))))
    xs = rng.normal(size=(4, 2, 3))
    run = quick_jit(rnnjax.unroll, static_argnames="executor")
    own, other = (run(cell, params, xs, carry, executor=name) for name in ("associative", "scan"))
    assert_close(own, other, tolerance=1e-12)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: S4D(3, 5), "state_size must be even, not 5"),
        (lambda: S4D(3, initialization="legs"), "unknown initialization 'legs'"),
        (lambda: S4D(3, least_step=1.0), "must not exceed"),
        (lambda: S5(3, 12, blocks=4), "blocks=4 must divide state_size=12"),
        (lambda: S5(3, least_step=1.0), "must not exceed"),
        (lambda: S5(3, discretization="euler"), "unknown discretization 'euler'"),
        (lambda: LegendreMemory(3, 4, -1), "theta must be a positive number"),
        (lambda: FFM(3, 4, 0, 2), "context_size must be a positive integer"),
    ],
)
def test_settings_that_are_none_are_told(make, said):
    with pytest.raises(ValueError, match=said):
        make()
