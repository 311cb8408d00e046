"""What clocked cells become for some parameters or times, and what they begin with."""

# NumPy arrays go where JAX arrays are declared.
# pyright: reportArgumentType=false

from __future__ import annotations

import jax
import numpy as np
import pytest

from rnnjax import LSTM, ClockworkRNN, PeepholeLSTM, PhasedLSTM, SimpleRNN, TimeAwareLSTM
from rnnjax.cells.clocked.time_aware_lstm import TimeAwareLSTMParams
from rnnjax.cells.lstm import LSTMParams
from rnnjax.cells.peephole_lstm import PeepholeLSTMParams
from rnnjax.cells.simple_rnn import SimpleRNNParams
from rnnjax.gated_cell import GatedParams
from tests.cells_under_test import random_like
from tests.running import assert_close

# The equations are asked each time, by tests/cells/test_catalogue.py.
pytestmark = [pytest.mark.usefixtures("x64"), pytest.mark.slow]

RNG = np.random.default_rng(0)
X = RNG.standard_normal((2, 3))
H, C = RNG.standard_normal((2, 2, 4))
W, U, B = RNG.standard_normal((3, 16)), RNG.standard_normal((4, 16)), RNG.standard_normal(16)
TIMES = np.array([[3.0], [-8.0]])


def step(cell, params, *carry, x=X):
    after, y = cell(params, cell.carry_type(*carry), x)
    return tuple(after), y


def run_clockwork(periods, size, steps):
    """The states of a run, the first carry among them."""
    cell = ClockworkRNN(3, size, periods)
    params = random_like(RNG, jax.eval_shape(cell.init, jax.random.key(0)))
    carry = cell.initial_carry((2,))
    states = [carry.h]
    for _ in range(steps):
        carry, _ = cell(params, carry, RNG.standard_normal((2, 3)))
        states.append(carry.h)
    assert (carry.steps == steps).all()
    return params, np.array(states)


def test_one_module_is_a_simple_rnn():
    w, u, b = W[:, :4], U[:, :4], B[:4]
    (h, _), y = step(ClockworkRNN(3, 4, (1,)), GatedParams(w, u, b), H, np.full((2, 1), 5))
    assert_close(((h,), y), step(SimpleRNN(3, 4), SimpleRNNParams(w, u, b), H))


def test_modules_without_periods_are_a_simple_rnn_that_leads_from_slow_to_fast():
    w, u, b = W[:, :4], U[:, :4], B[:4]
    (h, _), y = step(ClockworkRNN(3, 4, (1, 1)), GatedParams(w, u, b), H, np.full((2, 1), 5))
    u = u.copy()
    u[:2, 2:] = 0
    assert_close(((h,), y), step(SimpleRNN(3, 4), SimpleRNNParams(w, u, b), H))


def test_a_module_holds_between_its_steps_and_the_first_ones_are_larger():
    _, states = run_clockwork((1, 2, 4), 5, 6)
    changed = (np.diff(states, axis=0) != 0).all(axis=1)
    due = [[t % period == 0 for period in (1, 1, 2, 2, 4)] for t in range(6)]
    np.testing.assert_array_equal(changed, due)
    assert (np.diff(states, axis=0)[~np.array(due)[:, None].repeat(2, 1)] == 0).all()


def test_fewer_units_than_periods_are_the_fast_ones():
    _, states = run_clockwork((1, 2, 4), 2, 3)
    np.testing.assert_array_equal(
        (np.diff(states, axis=0) != 0).all(axis=1), [[True, True], [True, False], [True, True]]
    )


def test_periods_must_not_fall():
    with pytest.raises(ValueError, match=r"^ClockworkRNN: periods must not fall .*\(2, 1\)\.$"):
        ClockworkRNN(3, 4, (2, 1))


def phased(cell):
    params = random_like(RNG, jax.eval_shape(cell.init, jax.random.key(0)))
    return params._replace(period=np.ones(4), shift=np.full(4, 0.5))


def test_units_that_are_open_at_every_step_are_a_peephole_lstm():
    cell = PhasedLSTM(3, 4, 1.0)
    params = phased(cell)
    found = step(cell, params, H, C, x=np.concatenate([X[:, :2], TIMES], axis=1))
    p = params
    lstm = PeepholeLSTMParams(p.w_x, p.w_h, p.p_i, p.p_f, p.p_o, p.b)
    expected = step(PeepholeLSTM(2, 4), lstm, H, C, x=X[:, :2])
    assert_close(found, expected)


def test_a_closed_unit_without_a_leak_holds():
    cell = PhasedLSTM(3, 4, leak=0.0)
    x = np.concatenate([X[:, :2], TIMES], axis=1)
    found = step(cell, phased(cell), H, C, x=x)
    assert_close(found, ((H, C), H), tolerance=0.0)


def test_openness_rises_falls_and_leaks():
    cell = PhasedLSTM(1, 1, 0.4, 0.1)
    params = cell.init(jax.random.key(0))._replace(period=np.array([10.0]), shift=np.array([3.0]))
    times = 3 + np.array([[0.0], [1.0], [2.0], [3.0], [4.0], [5.0], [-1.0], [21.0]])
    k = cell.project(params, times).openness
    assert_close(k[:, 0], np.array([0, 0.5, 1, 0.5, 0.04, 0.05, 0.09, 0.5]))


def test_cycles_begin_between_their_bounds():
    params = PhasedLSTM(3, 200).init(jax.random.key(0))
    assert 1 <= params.period.min() < 2
    assert 500 < params.period.max() <= 1000
    np.testing.assert_allclose(np.median(np.log10(params.period)), 1.5, atol=0.3)
    assert ((params.shift >= 0) & (params.shift < params.period)).all()
    assert_close(params.b, np.repeat([0.0, 1.0, 0.0, 0.0], 200))


def test_without_gaps_a_time_aware_lstm_is_an_lstm():
    cell = TimeAwareLSTM(3, 4)
    params = TimeAwareLSTMParams(W[:2], U, U[:, :4], B, B[:4])
    expected = step(LSTM(2, 4), LSTMParams(W[:2], U, B), H, C, x=X[:, :2])
    for gap in (0.0, -5.0):
        x = np.concatenate([X[:, :2], np.full((2, 1), gap)], axis=1)
        assert_close(step(cell, params, H, C, x=x), expected)


def test_time_aware_lstm_begins_as_the_official_code_does():
    params = TimeAwareLSTM(41, 50).init(jax.random.key(0))
    assert (params.b == 1).all()
    assert (params.b_d == 1).all()
    for matrix in params[:3]:
        np.testing.assert_allclose(np.std(matrix), 0.1, rtol=0.1)


@pytest.mark.parametrize("kind", [PhasedLSTM, TimeAwareLSTM])
def test_an_input_may_be_nothing_but_its_time(kind):
    cell = kind(1, 4)
    params = cell.init(jax.random.key(0))
    assert params.w_x.shape == (0, 16)
    _, y = step(cell, params, H, C, x=TIMES)
    assert np.isfinite(y).all()
