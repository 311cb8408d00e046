"""What cells of the third file of steps are equal to, keep, and begin with."""

# NumPy arrays go where JAX arrays are declared.
# pyright: reportArgumentType=false

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rnnjax import GRU, LSTM, PeepholeLSTM, SimpleRNN
from rnnjax.cells.gated import (
    DSGU,
    EALSTM,
    NRU,
    ONLSTM,
    RWA,
    SGU,
    WMCLSTM,
    JordanRNN,
    LightRU,
    MassConservingLSTM,
    MemoryControllerLSTM,
    MiRU1,
    MiRU2,
    ResidualLSTM,
)
from tests.cells_under_test import random_like
from tests.running import assert_close, init, loop

# The equations are asked each time, by tests/cells/test_catalogue.py.
pytestmark = [pytest.mark.usefixtures("x64"), pytest.mark.slow]

SIZE = 4
XS = np.random.default_rng(7).standard_normal((3, 2, 3))
H, C = np.random.default_rng(8).standard_normal((2, 2, SIZE))


def drawn(cell):
    """Parameters with normal entries, biases included."""
    shapes = jax.eval_shape(cell.init, jax.random.key(0))
    return random_like(np.random.default_rng(9), shapes, 0.6, np.float64)


def outputs(cell, params, *carry, xs=XS):
    """Of a run from a carry of these arrays."""
    kind = type(cell.initial_carry((2,)))
    return np.asarray(loop(cell, params, xs, kind(*carry))[1])


def blocks(fused, names):
    return dict(zip(names, np.split(fused, len(names), axis=-1), strict=True))


def ordered(fused, names, order):
    """The blocks of a fused last axis, in another order."""
    own = blocks(fused, names)
    return np.concatenate([own[name] for name in order], axis=-1)


def lstm_like(params, names, order="ifgo"):
    """The parameters of an LSTM that has these, in its own order."""
    kind = type(LSTM(3, SIZE).init(jax.random.key(0)))
    w_x, w_h, b = (ordered(own, names, order) for own in (params.w_x, params.w_h, params.b))
    return kind(w_x, w_h, b, np.zeros_like(b))


def gru_like(w_x, w_h, b):
    return type(GRU(3, SIZE).init(jax.random.key(0)))(w_x, w_h, b, np.zeros_like(b))


def test_on_lstm_is_an_lstm_where_the_master_gates_are_open():
    cell = ONLSTM(3, SIZE, 1)
    params = drawn(cell)
    n = SIZE
    far = np.zeros((2 * n,))
    far[n - 1] = far[n] = 1e3
    masters = np.concatenate([far, np.zeros(4 * SIZE)])
    off = np.concatenate([np.zeros(2 * n), np.ones(4 * SIZE)])
    params = params._replace(w_x=params.w_x * off, w_h=params.w_h * off, b=params.b * off + masters)
    own = params._replace(
        **{name: getattr(params, name)[..., 2 * n :] for name in ("w_x", "w_h", "b")}
    )
    lstm, lstm_params = LSTM(3, SIZE), lstm_like(own, "ogif")
    # The last unit never learns of anything: nothing must read it.
    blind = np.ones((SIZE, 1))
    blind[-1] = 0
    params = params._replace(w_h=params.w_h * blind)
    lstm_params = lstm_params._replace(w_h=lstm_params.w_h * blind)
    ys = outputs(cell, params, H, C)
    assert_close(ys[..., :-1], outputs(lstm, lstm_params, H, C)[..., :-1])


@pytest.mark.parametrize("chunk_size", [1, 2])
def test_on_lstm_never_writes_its_last_chunk(chunk_size):
    cell = ONLSTM(3, SIZE, chunk_size)
    carry = type(cell.initial_carry())(H, C)
    after, _ = cell(drawn(cell), carry, XS[0])
    assert_close(after.c[:, -chunk_size:], C[:, -chunk_size:])
    assert (np.abs(after.c - C)[:, :-chunk_size] > 1e-3).all()


def test_on_lstm_has_chunks_of_one_size():
    with pytest.raises(ValueError, match=r"^ONLSTM: chunk_size must divide .*\.$"):
        ONLSTM(3, 4, 3)
    assert init(ONLSTM(3, 6, 3), jax.random.key(0)).w_x.shape == (3, 2 * 2 + 4 * 6)


def test_wmc_lstm_without_connections_of_the_memory_is_an_lstm():
    cell = WMCLSTM(3, SIZE)
    params = drawn(cell)
    alone = params._replace(w_c=0 * params.w_c, b_c=0 * params.b_c)
    expected = outputs(LSTM(3, SIZE), lstm_like(params, "ifgo"), H, C)
    assert_close(outputs(cell, alone, H, C), expected)


def test_memory_controller_lstm_with_one_gate_for_both_is_an_lstm():
    cell = MemoryControllerLSTM(3, SIZE)
    params = drawn(cell)
    params = type(params)(*(ordered(own, "fiomn", "fioon") for own in params))
    expected = outputs(LSTM(3, SIZE), lstm_like(params, "fioxg"), H, C)
    assert_close(outputs(cell, params, H, C), expected)


def test_residual_lstm_without_its_shortcut_is_one_with_peepholes():
    cell, peephole = ResidualLSTM(3, SIZE), PeepholeLSTM(3, SIZE)
    params = drawn(cell)
    params = params._replace(w_p=np.eye(SIZE), w_r=0 * params.w_r)
    kind = type(init(peephole, jax.random.key(0)))
    own = kind(params.w_x, params.w_h, *np.split(params.p, 3), params.b, None)
    assert_close(outputs(cell, params, H, C), outputs(peephole, own, H, C))


def test_residual_lstm_of_as_many_units_as_inputs_lets_them_pass_by():
    cell = ResidualLSTM(3, 3)
    params = init(cell, jax.random.key(0))
    assert params.w_r is None
    assert_close(outputs(cell, params, H[:, :3], C[:, :3]), outputs(
        cell, params._replace(w_r=np.eye(3)), H[:, :3], C[:, :3]
    ))  # fmt: skip


def test_ea_lstm_is_an_lstm_whose_gates_share_the_input_out():
    cell = EALSTM(3, SIZE, 1)
    params = drawn(cell)
    static = np.zeros((1, 3 * SIZE))
    w_s = np.concatenate([np.zeros((2, SIZE)), params.w_s])
    w_x = np.concatenate([w_s, np.concatenate([params.w_x, static])], axis=-1)
    w_h = np.concatenate([np.zeros((SIZE, SIZE)), params.w_h], axis=-1)
    own = type("Fused", (), {"w_x": w_x, "w_h": w_h, "b": np.append(params.b_s, params.b)})
    expected = outputs(LSTM(3, SIZE), lstm_like(own, "ifog"), H, C)
    assert_close(outputs(cell, params, H, C), expected)


def test_ea_lstm_begins_as_the_authors_have_it():
    params = init(EALSTM(5, SIZE, 2, forget_bias=3.0), jax.random.key(0))
    assert_close(params.w_x @ params.w_x.T, np.eye(3), tolerance=1e-6)
    assert_close(params.w_s @ params.w_s.T, np.eye(2), tolerance=1e-6)
    assert_close(params.w_h, np.tile(np.eye(SIZE), 3))
    assert_close(params.b, np.repeat([3.0, 0.0, 0.0], SIZE))
    assert_close(params.b_s, np.zeros(SIZE))
    with pytest.raises(ValueError, match=r"^EALSTM: static_size must be below .*\.$"):
        EALSTM(3, SIZE, 3)


@pytest.mark.parametrize("mass_size", [1, 2, 3])
def test_mass_conserving_lstm_conserves_mass(mass_size):
    cell = MassConservingLSTM(3, SIZE, mass_size)
    params, xs = drawn(cell), np.abs(XS)
    carry = cell.initial_carry((2,))
    for x in xs:
        after, y = cell(params, carry, x)
        given = carry.c.sum(-1) + x[:, :mass_size].sum(-1)
        assert_close(after.c.sum(-1) + y.sum(-1), given)
        assert (after.c > 0).all()
        carry = after


def test_mass_conserving_lstm_conserves_mass_in_half_precision():
    cell = MassConservingLSTM(3, SIZE, 1)
    half = jax.tree.map(lambda own: own.astype(jnp.bfloat16), drawn(cell))
    carry = cell.initial_carry((2,), jnp.float32)._replace(c=np.abs(C).astype(np.float32))
    after, y = cell.step(half, carry, cell.project(half, np.abs(XS[0]).astype(jnp.bfloat16)))
    given = carry.c.sum(-1) + np.abs(XS[0]).astype(jnp.bfloat16)[:, 0].astype(np.float32)
    left = given - after.c.sum(-1) - y.astype(np.float32).sum(-1)
    assert_close(left, 0 * left, tolerance=2e-2)


def test_mass_conserving_lstm_begins_as_the_authors_have_it():
    params = init(MassConservingLSTM(3, SIZE, 1), jax.random.key(0))
    given, moved, out = np.split(params.b, [SIZE, SIZE + SIZE**2])
    assert_close(given, np.zeros(SIZE))
    assert_close(moved.reshape(SIZE, SIZE), np.eye(SIZE))
    assert_close(out, np.full(SIZE, -3.0))
    w = np.concatenate([params.w_x, params.w_c])
    given, moved, out = np.split(w, [SIZE, SIZE + SIZE**2], axis=-1)
    assert_close(moved @ moved.T, np.eye(6), tolerance=1e-6)
    for narrow in (given, out):
        assert_close(narrow.T @ narrow, np.eye(SIZE), tolerance=1e-6)
    with pytest.raises(ValueError, match=r"^MassConservingLSTM: mass_size must be at most .*\.$"):
        MassConservingLSTM(3, SIZE, 4)


def test_rwa_without_attention_is_a_mean():
    cell = RWA(3, SIZE)
    params = drawn(cell)
    open_ = np.repeat([0.0, 1.0, 1.0], SIZE)
    params = params._replace(w_x=params.w_x * open_, w_h=params.w_h * open_[: 2 * SIZE])
    h, zs = np.tanh(params.s) + np.zeros((2, 1)), []
    for x in XS:
        g, u = np.split(x @ params.w_x[:, SIZE:] + params.b, 2, axis=-1)
        zs.append(u * np.tanh(g + h @ params.w_h[:, SIZE:]))
        h = np.tanh(np.mean(zs, axis=0))
    carry, ys = loop(cell, params, XS, cell.first_carry(params, (2,)))
    assert_close(ys[-1], h)
    assert_close(carry.d, np.full_like(h, 3.0))


@pytest.mark.parametrize("shift", [-3.0, 5000.0, -5000.0])
def test_rwa_does_not_see_what_is_added_to_every_attention(shift):
    cell = RWA(3, SIZE)
    params, xs = drawn(cell), XS.copy()
    xs[..., -1] = 1
    moved = params.w_x.copy()
    moved[-1, :SIZE] += shift
    first = cell.first_carry(params, (2,))
    expected = loop(cell, params, xs, first)[1]
    assert_close(loop(cell, params._replace(w_x=moved), xs, first)[1], expected)


def test_rwa_begins_as_the_authors_have_it():
    cell = RWA(30, 40)
    params = init(cell, jax.random.key(0))
    bounds = np.sqrt(6 / np.array([110, 110, 70]))
    for block, bound in zip(np.split(params.w_x, 3, axis=-1), bounds, strict=True):
        assert 0.95 * bound < np.abs(block).max() <= bound
    assert 0.95 * bounds[0] < np.abs(params.w_h).max() <= bounds[0]
    assert (params.b == 0).all()
    assert 0.7 < params.s.std() < 1.3
    first = cell.first_carry(params, (2,))
    assert_close(first.h, np.tanh(params.s) + np.zeros((2, 1)), tolerance=1e-6)


def test_nru_writes_directions_and_survives_heads_that_are_zero():
    cell = NRU(3, SIZE, 8, 2, rectify=True, use_bias=False)
    params = jax.tree.map(lambda own: 0 * own, drawn(cell))

    def total(params):
        carry, y = cell(params, cell.initial_carry((2,)), XS[0])
        return carry.m.sum() + y.sum()

    value, gradient = jax.value_and_grad(total)(params)
    assert value == 0
    assert all(np.isfinite(own).all() for own in jax.tree.leaves(gradient))


def test_nru_does_not_see_how_long_what_it_writes_is():
    cell = NRU(3, SIZE, 8, 2)
    params = drawn(cell)
    longer = np.repeat([1.0, 1e4], [4, 16])
    scaled = params._replace(u=params.u * longer, b_u=params.b_u * longer)
    m = np.tile(C, 2)
    assert_close(outputs(cell, scaled, H, m), outputs(cell, params, H, m))


def test_nru_needs_a_square_number_and_begins_like_linear_layers():
    with pytest.raises(ValueError, match=r"^NRU: the product of heads and memory_size .*\.$"):
        NRU(3, SIZE, 6, 2)
    params = init(NRU(3, SIZE), jax.random.key(0))
    assert params.u.shape == (SIZE + 64, 2 * 4 + 4 * 16)
    assert max(np.abs(own).max() for own in (params.w_x, params.w_h, params.w_m)) <= 71**-0.5
    assert 0.9 * 68**-0.5 < np.abs(params.u).max() <= 68**-0.5


def test_jordan_rnn_that_gives_out_its_units_is_a_simple_rnn():
    cell, simple = JordanRNN(3, SIZE), SimpleRNN(3, SIZE)
    params = drawn(cell)
    params = params._replace(w_y=np.eye(SIZE), b_y=0 * params.b_y)
    own = type(init(simple, jax.random.key(0)))(params.w_x, params.w_s, params.b, None)
    assert_close(outputs(cell, params, H), outputs(simple, own, H))


def test_light_ru_is_a_gru_whose_candidate_is_blind():
    cell = LightRU(3, SIZE)
    params = drawn(cell)
    w_x, b = blocks(params.w_x, "fg"), blocks(params.b, "fg")
    closed = np.zeros((3, SIZE)), np.zeros((SIZE, SIZE)), np.zeros(SIZE)
    own = gru_like(
        np.concatenate([closed[0], -w_x["f"], w_x["g"]], axis=-1),
        np.concatenate([closed[1], -params.w_h, closed[1]], axis=-1),
        np.concatenate([closed[2], -b["f"], b["g"]]),
    )
    assert_close(outputs(cell, params, H), outputs(GRU(3, SIZE), own, H))


def test_miru1_is_a_gru_with_a_constant_gate():
    cell = MiRU1(3, SIZE, 0.8)
    params = drawn(cell)
    logit = np.log(0.8 / 0.2)
    w_x, w_h, b = (blocks(own, "rn") for own in params)
    own = gru_like(
        *(
            np.concatenate([part["r"], 0 * part["r"] + constant, part["n"]], axis=-1)
            for part, constant in ((w_x, 0), (w_h, 0), (b, logit))
        )
    )
    expected = outputs(GRU(3, SIZE, reset_after=False), own, H)
    assert_close(outputs(cell, params, H), expected)


def test_miru2_is_miru1_with_a_constant_reset_gate():
    cell, other = MiRU2(3, SIZE), MiRU1(3, SIZE)
    params = drawn(cell)
    wide = [np.concatenate([0 * own, own], axis=-1) for own in params]
    assert_close(outputs(cell, params, H), outputs(other, type(params)(*wide), H))


def test_miru2_that_keeps_nothing_is_a_simple_rnn():
    cell, simple = MiRU2(3, SIZE, 0.0, 0.3), SimpleRNN(3, SIZE)
    params = drawn(cell)
    own = type(init(simple, jax.random.key(0)))(params.w_x, 0.3 * params.w_h, params.b, None)
    assert_close(outputs(cell, params, H), outputs(simple, own, H))


@pytest.mark.parametrize(("kind", "value"), [(SGU, np.log(2)), (DSGU, 0.5)])
def test_a_simple_gated_unit_leaves_zero(kind, value):
    cell = kind(3, SIZE)
    params = drawn(cell)
    _, y = cell(params, cell.initial_carry((2,)), XS[0])
    gate = np.clip(0.2 * (XS[0] @ params.w_x + params.b)[:, SIZE:] + 0.5, 0, 1)
    assert_close(y, gate * value)


@pytest.mark.parametrize("kind", [WMCLSTM, ResidualLSTM, MemoryControllerLSTM])
def test_forget_gates_begin_open(kind):
    cell = kind(3, SIZE)
    forget = cell.gate_names.index("f")
    expected = np.repeat(np.eye(len(cell.gate_names))[forget], SIZE)
    assert_close(init(cell, jax.random.key(0)).b, expected)
