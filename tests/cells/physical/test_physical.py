"""What physical cells are equal to, what they keep, and what their parameters begin as."""

# NumPy arrays go where JAX arrays are declared.
# pyright: reportArgumentType=false

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rnnjax import (
    CTGRU,
    CTRNN,
    ESN,
    GRU,
    GRUD,
    GRUODE,
    LEM,
    LTC,
    ODERNN,
    UGRNN,
    AntisymmetricRNN,
    CfC,
    CoRNN,
    GatedAntisymmetricRNN,
    LipschitzRNN,
    SimpleRNN,
    TauGRU,
    UnICORNN,
)
from rnnjax.cells.physical.esn import spectral_radius
from rnnjax.physical_cell import tilted
from tests.cells_under_test import random_like
from tests.running import assert_close, init

# The equations are asked each time, by tests/cells/test_catalogue.py.
pytestmark = [pytest.mark.usefixtures("x64"), pytest.mark.slow]

KEY = jax.random.key(0)
ROWS = 2


def drawn(cell, seed=0, **own):
    """Random parameters, some of them replaced, a random carry and a random input."""
    rng = np.random.default_rng(seed)
    shapes = jax.eval_shape(lambda: (cell.init(KEY), cell.initial_carry((ROWS,))))
    params, carry = random_like(rng, shapes)
    return params._replace(**own), carry, rng.normal(size=(ROWS, cell.input_size))


def stepped(cell, params, carry, x):
    return jax.device_get(cell(params, carry, x))


def part(fused, *places, of):
    """Some of the gates of a fused last axis."""
    return np.concatenate([np.split(fused, of, axis=-1)[k] for k in places], axis=-1)


def test_antisymmetric_matrices_neither_grow_nor_shrink_but_for_the_diffusion():
    m = tilted(np.random.default_rng(0).normal(size=(5, 5)), 1.0, 0.3)
    assert_close(np.linalg.eigvals(m).real, np.full(5, -0.3))


def test_antisymmetric_is_lipschitz_without_its_linear_part():
    cell = AntisymmetricRNN(3, 4, 0.2, 0.3)
    params, carry, x = drawn(cell)
    other = LipschitzRNN(3, 4, 0.2, gamma_a=0.0, beta_w=1.0, gamma_w=0.3)
    with_linear = drawn(other)[0]._replace(
        w_x=params.w_x, w_h=params.w_h, b=params.b, w_a=np.zeros((4, 4))
    )
    assert_close(stepped(cell, params, carry, x), stepped(other, with_linear, carry, x))


def test_an_open_gate_is_no_gate():
    gated, cell = GatedAntisymmetricRNN(3, 4), AntisymmetricRNN(3, 4)
    params, carry, x = drawn(gated)
    params = params._replace(b=np.concatenate([np.full(4, 60.0), params.b[4:]]))
    plain = params._replace(w_x=params.w_x[:, 4:], b=params.b[4:])
    assert_close(stepped(gated, params, carry, x), stepped(cell, plain, carry, x))


def test_an_oscillator_by_itself_is_a_power_of_a_matrix():
    cell = CoRNN(3, 4, 0.1, 2.0, 0.3)
    params, carry, x = drawn(cell)
    params = jax.tree.map(np.zeros_like, params)
    step = np.array([[1.0, 0.0], [-0.2, 0.97]])
    step[0] += 0.1 * step[1]
    power = np.linalg.matrix_power(step, 3)
    expected = np.einsum("ij,jbh->ibh", power, np.stack(carry))
    for _ in range(3):
        carry, y = stepped(cell, params, carry, x)
    assert_close(np.stack(carry), expected)
    assert_close(y, expected[0])


def test_a_step_without_damping_can_be_undone():
    cell = UnICORNN(3, 4)
    params, carry, x = drawn(cell)
    after, _ = stepped(cell, params, carry, x)
    scale = 0.19 / (1 + np.exp(-params.c))
    y = after.h - scale * after.z
    drive = np.tanh(params.w_h * y + x @ params.w_x + params.b)
    z = after.z + scale * (drive + 30.65 * y)
    assert_close((y, z), tuple(carry))


def test_long_expressive_memory_without_gates_is_two_layers():
    cell = LEM(3, 4)
    params, carry, x = drawn(cell)
    params = params._replace(b=np.concatenate([np.full(8, 60.0), params.b[8:]]))
    lower, upper = SimpleRNN(3, 4), SimpleRNN(3, 4)
    own = init(lower, KEY)
    w_x, b = (np.split(fused, 4, axis=-1) for fused in (params.w_x, params.b))
    below = own._replace(w_x=w_x[2], w_h=params.w_h[:, 8:], b=b[2])
    z, _ = stepped(lower, below, lower.initial_carry()._replace(h=carry.h), x)
    above = own._replace(w_x=w_x[3], w_h=params.w_z, b=b[3])
    y, _ = stepped(upper, above, z, x)
    assert_close(tuple(stepped(cell, params, carry, x)[0]), (y.h, z.h))


def test_one_step_of_length_one_is_a_simple_network():
    cell, plain = CTRNN(3, 4, 1, 1.0, 1.0), SimpleRNN(3, 4)
    params, carry, x = drawn(cell)
    same = init(plain, KEY)._replace(**params._asdict())
    after = stepped(plain, same, plain.initial_carry()._replace(h=carry.h), x)
    assert_close(stepped(cell, params, carry, x)[1], after[1])


def test_one_scale_is_a_simple_network_that_decays():
    cell, plain = CTGRU(4, 4, 1, timed=True), SimpleRNN(3, 4)
    params, carry, x = drawn(cell)
    w_x, w_h, b = (part(fused, 2, of=3) for fused in params)
    same = init(plain, KEY)._replace(w_x=w_x, w_h=w_h, b=b)
    _, y = stepped(plain, same, plain.initial_carry()._replace(h=carry.traces[..., 0]), x[:, :-1])
    assert_close(stepped(cell, params, carry, x)[1], y * np.exp(-x[:, -1:]))


def test_a_reservoir_is_a_simple_network_whose_parameters_stay():
    cell, plain = ESN(3, 4), SimpleRNN(3, 4)
    params, carry, x = drawn(cell)
    same = init(plain, KEY)._replace(**params._asdict())
    after = stepped(plain, same, plain.initial_carry()._replace(h=carry.h), x)
    assert_close(stepped(cell, params, carry, x)[1], after[1])
    by_params, by_carry, by_x = jax.grad(lambda *own: cell(*own)[1].sum(), argnums=(0, 1, 2))(
        params, jax.tree.map(jnp.asarray, carry), x
    )
    assert all((own == 0).all() for own in jax.tree.leaves(by_params))
    assert (by_carry.h != 0).all()
    assert (by_x != 0).all()


def test_a_reservoir_forgets_where_it_began():
    cell = ESN(3, 20, 0.8, connectivity=0.5)
    params = init(cell, KEY)
    xs = np.random.default_rng(0).normal(size=(80, 1, 3))
    _, ys = jax.lax.scan(
        lambda carry, x: cell(params, carry, jnp.broadcast_to(x, (2, 3))),
        cell.initial_carry((2,))._replace(h=np.random.default_rng(1).normal(size=(2, 20))),
        xs,
    )
    ys = np.asarray(ys)
    assert np.abs(ys[0, 0] - ys[0, 1]).max() > 0.1
    assert np.abs(ys[-1, 0] - ys[-1, 1]).max() < 1e-4


def test_a_reservoir_begins_with_its_spectral_radius():
    params = init(ESN(3, 60), KEY)
    assert np.abs(np.linalg.eigvals(params.w_h)).max() == pytest.approx(0.9, rel=1e-5)
    assert (params.w_h != 0).mean() == pytest.approx(0.1, abs=0.02)
    shift = np.eye(5, k=1)
    assert spectral_radius(shift) == 0
    assert np.isfinite(init(ESN(3, 1), KEY).w_h).all()


def test_no_time_leaves_the_potential():
    cell = LTC(4, 3, timed=True)
    params, carry, x = drawn(cell)
    x[:, -1] = 0
    assert_close(stepped(cell, params, carry, x)[1], carry.h)


@pytest.mark.parametrize("mode", ["default", "no_gate"])
def test_a_rate_of_zero_knows_no_time(mode):
    cell = CfC(4, 3, 5, mode=mode, timed=True)
    params, carry, x = drawn(cell)
    later = np.concatenate([x[:, :-1], x[:, -1:] + 2], axis=-1)
    _, y, moved = (stepped(cell, params, carry, own)[1] for own in (x, x, later))
    assert np.abs(y - moved).max() > 1e-3
    still = params._replace(w_o=params.w_o.copy(), b_o=params.b_o.copy())
    still.w_o[:, 6:9], still.b_o[6:9] = 0, 0
    assert_close(*(stepped(cell, still, carry, own)[1] for own in (x, later)))


@pytest.mark.parametrize("make", [ODERNN, GRUODE])
def test_what_does_not_flow_is_a_gated_recurrent_unit(make):
    cell, plain = make(4, 3, timed=True), GRU(3, 3)
    params, carry, x = drawn(cell)
    x[:, -1] = 0
    same = init(plain, KEY)._replace(w_x=params.w_x, w_h=params.w_h, b=params.b, b_h=params.b_h)
    expected = stepped(plain, same, plain.initial_carry()._replace(h=carry.h), x[:, :-1])[1]
    assert_close(stepped(cell, params, carry, x)[1], expected)
    if make is ODERNN:
        x[:, -1] = 1
        flat = params._replace(w_out=0 * params.w_out, b_out=0 * params.b_out)
        assert_close(stepped(cell, flat, carry, x)[1], expected)


def test_a_gated_flow_stays_within_one():
    cell = GRUODE(3, 4)
    params, carry, _ = drawn(cell)
    h = np.clip(4 * carry.h, -1, 1)
    slope = np.asarray(cell.slope(params, h))
    assert (slope[h == 1] <= 0).all()
    assert (slope[h == -1] >= 0).all()


def test_four_stages_follow_the_flow_more_closely():
    cells = [GRUODE(3, 4, "rk4", 40), GRUODE(3, 4, "rk4", 4), GRUODE(3, 4, "euler", 4)]
    params, carry, x = drawn(cells[0])
    fine, close, coarse = (stepped(cell, params, carry, x)[1] for cell in cells)
    assert np.abs(close - fine).max() < 0.1 * np.abs(coarse - fine).max()


def test_where_nothing_is_missing_it_is_a_gated_recurrent_unit():
    cell, plain = GRUD(6, 4), GRU(2, 4, reset_after=False)
    params, carry, x = drawn(cell)
    zeros = {name: 0 * getattr(params, name) for name in (
        "w_m", "w_decay_x", "b_decay_x", "w_decay_h", "b_decay_h"
    )}  # fmt: skip
    x[:, 2:4] = 1
    signs = np.repeat([1.0, -1.0, 1.0], 4)  # of the update gate, whose complement GRU has
    same = init(plain, KEY)._replace(
        w_x=params.w_x * signs, w_h=params.w_h * signs, b=params.b * signs
    )
    expected = stepped(plain, same, plain.initial_carry()._replace(h=carry.h), x[:, :2])[1]
    after, y = stepped(cell, params._replace(**zeros), carry, x)
    assert_close(y, expected)
    assert_close(after.x, x[:, :2])


def test_a_missing_input_decays_from_what_was_seen_to_the_mean():
    cell = GRUD(6, 4)
    params, carry, x = drawn(cell, w_decay_x=np.ones(2), b_decay_x=np.zeros(2))
    x[:, 2:4] = 0
    for time, value in ((0.0, carry.x), (900.0, np.broadcast_to(params.mean, carry.x.shape))):
        x[:, 4:] = time
        # The same values, seen, by a cell whose mask weighs nothing.
        none = params._replace(w_m=0 * params.w_m)
        seen = np.concatenate([value, np.ones((ROWS, 2)), x[:, 4:]], axis=-1)
        absent, present = (stepped(cell, none, carry, own) for own in (x, seen))
        assert_close(absent[1], present[1])
        assert_close(absent[0].x, carry.x)


def test_without_feedback_it_is_an_update_gate_network():
    cell = TauGRU(3, 4)
    params, carry, x = drawn(cell)
    b = params.b.copy()
    b[8:12] = -60
    params = params._replace(b=b)
    # Its gate keeps.
    signs, plain = np.repeat([-1.0, 1.0], 4), UGRNN(3, 4)
    same = type(params)(*(signs * part(own, 1, 0, of=4) for own in params))
    expected = stepped(plain, same, type(plain.initial_carry())(carry.h), x)[1]
    assert_close(stepped(cell, params, carry, x)[1], expected)


def test_feedback_comes_from_the_delay_and_a_step():
    cell = TauGRU(3, 4, 3)
    params, carry, x = drawn(cell)
    states = [carry.h]
    for _ in range(3):
        carry, y = stepped(cell, params, carry, x)
        states.append(y)
    # The state of now is no part of its past, whose last is read by the next step.
    assert_close(carry.past, np.stack(states[2::-1], axis=-2))


def test_first_values_are_the_papers():
    params = init(AntisymmetricRNN(3, 200), KEY)
    assert params.w_h.std() == pytest.approx(200**-0.5, rel=0.03)
    params = init(LipschitzRNN(3, 200, gated=True), KEY)
    assert params.w_h.std() == pytest.approx(1 / 200, rel=0.03)
    assert params.w_a.std() == pytest.approx(1 / 200, rel=0.03)
    assert params.w_x.std() == pytest.approx((2 / 203) ** 0.5, rel=0.1)
    params = init(CoRNN(3, 200), KEY)
    assert np.abs(params.w_z).max() == pytest.approx(403**-0.5, rel=0.01)
    params = init(UnICORNN(3, 200), KEY)
    assert np.abs(params.w_x).max() == pytest.approx((6 / 65 / 3) ** 0.5, rel=0.02)
    assert 0 <= params.w_h.min() < 0.05 < 0.95 < params.w_h.max() <= 1
    assert 0.09 < np.abs(params.c).max() <= 0.1
    params = init(LEM(3, 200), KEY)
    bounds = [np.abs(own).max() for own in params]
    assert bounds == pytest.approx([200**-0.5] * 4, rel=0.03)
    params = init(CfC(3, 50, mode="pure"), KEY)
    assert (params.a == 1).all()
    assert not params.w_tau.any()
    params = init(LTC(20, 30), KEY)
    for name, least, largest in (
        ("w_x", 0.001, 1), ("sigma_h", 3, 8), ("mu_h", 0.3, 0.8), ("v_leak", -0.2, 0.2),
        ("cm", 0.4, 0.6), ("g", 0.001, 1),
    ):  # fmt: skip
        own = getattr(params, name)
        assert least <= own.min() < own.max() <= largest
    assert (params.erev_h < 0).mean() == pytest.approx(1 / 3, abs=0.05)
    assert set(np.unique(params.erev_h)) == {-1, 1}


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: LTC(1, 4, timed=True), "LTC: input_size must be at least 2"),
        (lambda: CTGRU(1, 4, timed=True), "CTGRU: input_size must be at least 2"),
        (lambda: CfC(1, 4, timed=True), "CfC: input_size must be at least 2"),
        (lambda: GRUD(4, 4), "GRUD: input_size must be a multiple of 3"),
        (lambda: ESN(3, 4, 1.5), "ESN: leak must be at most 1"),
        (lambda: ESN(3, 4, connectivity=2), "ESN: connectivity must be at most 1"),
        (lambda: ODERNN(3, 4, "rk5"), "unknown solver 'rk5'"),
    ],
)
def test_settings_that_are_none_are_told(make, said):
    with pytest.raises(ValueError, match=said):
        make()
