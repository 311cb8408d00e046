"""Nonlinear cells around memories of polynomials, each against a loop in NumPy."""

import jax
import numpy as np
import pytest

import rnnjax
from rnnjax import hippo
from rnnjax.cells.hippo_legs import HiPPOLegS, HiPPOLegSParams
from rnnjax.cells.hippo_rnn import HiPPORNN
from rnnjax.cells.lmu import LMU
from tests.running import assert_close, init, quick_jit, unroll

T, B = 6, 2
KEY = jax.random.key(0)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def scaled(m, u, steps, *, exact):
    """One step of LegS by matrices, of one row."""
    if exact and steps == 0:
        return np.eye(m.shape[-1])[0] * u[:, None]
    t, n = steps + (not exact), m.shape[-1]
    a = np.array(
        [
            [
                -np.sqrt((2 * i + 1) * (2 * j + 1)) if i > j else -(i + 1.0) * (i == j)
                for j in range(n)
            ]
            for i in range(n)
        ]
    )
    b = np.sqrt(2 * np.arange(n) + 1)
    left = np.linalg.inv(np.eye(n) - a / (2 * t))
    return m @ (left @ (np.eye(n) + a / (2 * t))).T + u[:, None] * (left @ b) / t


def sliding(m, u, basis, theta):
    a, b = hippo.window(basis, m.shape[-1], theta, "zoh")
    return m @ a.T + u[..., None] * b


def lmu(cell, p, x, carry):
    h, m = carry
    u = x @ p.e_x + h @ p.e_h + m.reshape(len(m), -1) @ p.e_m
    m = sliding(m, u, "lmu", cell.theta)
    h = np.tanh(x @ p.w_x + h @ p.w_h + m.reshape(len(m), -1) @ p.w_m)
    return (h, m), h


def hippo_legs(cell, p, x, carry):
    m, steps = carry
    m = np.stack(
        [scaled(*row, exact=cell.exact_start) for row in zip(m, x, steps[:, 0], strict=True)]
    )
    return (m, steps + 1), m.reshape(len(m), -1)


def hippo_rnn(cell, p, x, carry):
    h, m, steps = carry
    u = x @ p.u_x + h @ p.u_h + p.b_u
    if cell.measure == "legs":
        m = np.stack([scaled(*row, exact=True) for row in zip(m, u, steps[:, 0], strict=True)])
    else:
        m = sliding(m, u, "legt", cell.theta)
    flat = m.reshape(len(m), -1)
    candidate, gate = np.split(x @ p.w_x + flat @ p.w_m + p.b, 2, axis=-1)
    h = (1 - sigmoid(gate)) * h + sigmoid(gate) * np.tanh(candidate)
    return (h, m, steps + 1), h


CASES = {
    "lmu": (LMU(3, 4, 5, 7), lmu),
    "lmu-memories": (LMU(3, 4, 2, 7, memories=2), lmu),
    "hippo_legs": (HiPPOLegS(3, 4), hippo_legs),
    "hippo_legs-from_zeros": (HiPPOLegS(3, 4, exact_start=False), hippo_legs),
    "hippo_rnn": (HiPPORNN(3, 4, memories=2), hippo_rnn),
    "hippo_rnn-legt": (HiPPORNN(3, 4, order=2, measure="legt"), hippo_rnn),
}


def drawn(cell, *, first_steps):
    rng = np.random.default_rng(0)
    shapes = jax.eval_shape(cell.init, KEY)
    params = jax.tree.map(lambda a: 0.5 * rng.normal(size=a.shape), shapes)
    carry = jax.tree.map(lambda a: rng.normal(size=a.shape), cell.initial_carry((B,)))
    if hasattr(carry, "steps"):
        carry = carry._replace(steps=np.asarray(first_steps, np.int32)[:, None])
    return params, rng.normal(size=(T, B, cell.input_size)), carry


@pytest.mark.parametrize("name", CASES)
@pytest.mark.usefixtures("x64")
def test_a_cell_is_its_paper(name):
    cell, step = CASES[name]
    # One row in the middle of a sequence, one at its beginning.
    params, xs, carry = drawn(cell, first_steps=(3, 0))
    found, ys = quick_jit(lambda *given: rnnjax.unroll(cell, *given))(params, xs, carry)
    state, expected = tuple(carry), []
    for x in xs:
        state, y = step(cell, params, x, state)
        expected.append(y)
    np.testing.assert_allclose(ys, expected, atol=1e-10)
    for own, other in zip(found, state, strict=True):
        np.testing.assert_allclose(own, other, atol=1e-10)


@pytest.mark.usefixtures("x64")
def test_a_reset_begins_to_count_anew_and_a_masked_step_counts_for_nothing():
    cell = HiPPOLegS(2, 3)
    _, xs, carry = drawn(cell, first_steps=(3, 0))
    params = HiPPOLegSParams()
    resets = np.zeros((T, B), bool)
    resets[2, 0] = True
    mask = np.ones((T, B), bool)
    mask[4] = False
    found, ys = unroll(cell, params, xs, carry, resets=resets, mask=mask)
    taken = xs[[2, 3, 5], 0]
    after, expected = unroll(cell, params, taken)
    np.testing.assert_allclose(ys[[2, 3, 5], 0], expected, atol=1e-12)
    np.testing.assert_allclose(found.m[0], after.m, atol=1e-12)
    assert found.steps[:, 0].tolist() == [3, T - 1]


def test_a_count_rides_on_halves():
    cell = HiPPORNN(2, 3)
    half = jax.numpy.bfloat16
    params, carry = jax.tree.map(
        lambda a: np.ones(a.shape, half),
        jax.eval_shape(lambda: (cell.init(KEY), cell.initial_carry())),
    )
    carry = carry._replace(steps=np.array([256], np.int32))
    after, y = quick_jit(cell.__call__)(params, carry, np.ones(2, half))
    assert y.dtype == after.h.dtype == after.m.dtype == half
    assert after.steps.tolist() == [257]


@pytest.mark.usefixtures("x64")
def test_what_never_changes_is_kept_exactly():
    cell = HiPPOLegS(1, 4)
    carry, _ = unroll(cell, HiPPOLegSParams(), np.full((9, 1), 3.0))
    assert_close(carry.m, np.array([[3.0, 0, 0, 0]]), tolerance=1e-12)


@pytest.mark.usefixtures("x64")
def test_initial_values_are_the_authors():
    params = init(LMU(30, 400, 20, 100, memories=2), KEY)
    assert np.abs(params.e_x).max() == pytest.approx((3 / 30) ** 0.5, rel=0.1)
    assert np.abs(params.e_h).max() == pytest.approx((3 / 400) ** 0.5, rel=0.02)
    assert not params.e_m.any()
    assert params.w_h.std() == pytest.approx((2 / 800) ** 0.5, rel=0.02)
    assert params.w_m.std() == pytest.approx((2 / 440) ** 0.5, rel=0.03)
    params = init(HiPPORNN(30, 400, order=20), KEY)
    candidate, gate = np.split(params.w_m, 2, axis=-1)
    assert candidate.std() == pytest.approx((2 / 420) ** 0.5, rel=0.03)
    assert gate.std() == pytest.approx((1 / 50) ** 0.5, rel=0.03)
    assert np.abs(params.u_h).max() == pytest.approx((3 / 430) ** 0.5, rel=0.02)
    assert np.abs(params.b).max() == pytest.approx((1 / 50) ** 0.5, rel=0.02)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: LMU(3, 4, 0, 7), "order"),
        (lambda: LMU(3, 4, 5, 0), "theta must be a positive number"),
        (lambda: LMU(3, 4, 5, 7, method="foh"), "unknown method 'foh'"),
        (lambda: HiPPOLegS(0, 4), "input_size must be a positive integer"),
        (lambda: HiPPORNN(3, 4, measure="lagt"), "unknown measure 'lagt'"),
        (lambda: HiPPORNN(3, 4, order=0), "order must be a positive integer"),
    ],
)
def test_settings_that_are_none_are_told(make, said):
    with pytest.raises(ValueError, match=said):
        make()
