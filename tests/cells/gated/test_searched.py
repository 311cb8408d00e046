"""What gated cells become with certain parameters, and what they begin with."""

# NumPy arrays go where JAX arrays are declared.
# pyright: reportArgumentType=false

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rnnjax import (
    BRC,
    GRU,
    LSTM,
    MGU,
    MUT1,
    MUT2,
    MUT3,
    NAS,
    NBRC,
    RHN,
    SCRN,
    STAR,
    UGRNN,
    NestedLSTM,
    SimpleRNN,
    SlimGRU,
    SlimLSTM,
    SlimMGU,
)
from rnnjax.gated_cell import GatedParams
from rnnjax.noise import Noise
from tests.cells_under_test import random_like
from tests.oracles import sigmoid
from tests.running import assert_close, init, quick_jit, unroll

# The equations are asked each time, by tests/cells/test_catalogue.py.
pytestmark = [pytest.mark.usefixtures("x64"), pytest.mark.slow]

D, H, ROWS, STEPS = 3, 4, 2, 3
NOTHING = np.zeros((H, H))
OPEN = 40.0
"""A sum whose sigmoid is 1."""


def drawn(cell):
    """Random parameters."""
    shapes = jax.eval_shape(cell.init, jax.random.key(0))
    return random_like(np.random.default_rng(0), shapes, 0.6, np.float64)


def inputs(size):
    return np.random.default_rng(1).standard_normal((STEPS, ROWS, size))


def carry_of(cell):
    """A random carry."""
    shapes = jax.eval_shape(lambda: cell.initial_carry((ROWS,)))
    return random_like(np.random.default_rng(2), shapes, 0.8, np.float64)


def ran(cell, params, xs=None):
    """The final carry, as a plain tuple, and the outputs of a run from a random carry."""
    final, ys = unroll(cell, params, inputs(cell.input_size) if xs is None else xs, carry_of(cell))
    return tuple(final), ys


def blocks(fused, count):
    return np.split(fused, count, axis=-1)


def joined(*arrays):
    return np.concatenate(arrays, axis=-1)


def of(cell, w_x, w_h, b):
    """Parameters of one of the basic cells, which has but one bias."""
    return cell.init(jax.random.key(0))._replace(w_x=w_x, w_h=w_h, b=b)


def turned(fused):
    """From the order z, r, n to that of a GRU, r, z, n, whose update gate keeps."""
    z, r, n = blocks(fused, 3)
    return joined(r, -z, n)


GRU_BEFORE = GRU(H, H, reset_after=False)


def test_mut1_is_a_gru_whose_candidate_is_given_tanh_of_the_input():
    cell, twice = MUT1(H, H), GRU(2 * H, H, reset_after=False)
    p = drawn(cell)
    assert p.p is None
    w_x = np.block([[*blocks(p.w_x, 2), NOTHING], [NOTHING, NOTHING, np.eye(H)]])
    params = of(twice, *(turned(own) for own in (w_x, joined(NOTHING, p.w_h), p.b)))
    both = joined(inputs(H), np.tanh(inputs(H)))
    assert_close(ran(cell, p), ran(twice, params, both))


def test_mut2_is_a_gru_whose_reset_gate_takes_the_input_itself():
    cell = MUT2(H, H)
    p = drawn(cell)
    assert p.p is None
    w_z, w_n = blocks(p.w_x, 2)
    params = of(GRU_BEFORE, *map(turned, (joined(w_z, np.eye(H), w_n), p.w_h, p.b)))
    assert_close(ran(cell, p), ran(GRU_BEFORE, params))


def test_mut3_is_a_gru_where_the_update_gate_sees_the_input_alone():
    cell = MUT3(H, H)
    p = drawn(cell)
    p.w_h[:, :H] = 0
    assert_close(ran(cell, p), ran(GRU_BEFORE, of(GRU_BEFORE, *map(turned, p[:3]))))


@pytest.mark.parametrize("cell_type", [MUT1, MUT2])
def test_a_mutant_brings_inputs_of_another_size_to_its_own(cell_type):
    cell, same = cell_type(D, H), cell_type(H, H)
    p = drawn(cell)
    inverse = np.linalg.pinv(p.p)
    assert_close(p.p @ inverse, np.eye(D))
    alike = p._replace(w_x=inverse @ p.w_x, p=None)
    assert_close(ran(cell, p), ran(same, alike, inputs(D) @ p.p))


def test_the_fourth_branch_of_nas_multiplies():
    cell = NAS(D, H)
    p = drawn(cell)
    branch = slice(3 * H, 4 * H)
    p.w_h[:, branch] = 0
    other = p._replace(w_x=p.w_x.copy())
    other.w_x[:, branch] = 1
    assert_close(ran(cell, p), ran(cell, other), tolerance=0.0)


def test_brc_is_nbrc_with_diagonal_matrices():
    p = drawn(BRC(D, H))
    w_h = joined(*(np.diag(own) for own in blocks(p.w_h, 2)))
    assert_close(ran(BRC(D, H), p), ran(NBRC(D, H), GatedParams(p.w_x, w_h, p.b)))


def test_a_bistable_unit_remembers_its_sign_where_a_is_more_than_1():
    cell = BRC(1, 2)
    p = drawn(cell)
    # The sum of a is its bias; c is a half.
    a = np.array([1.6, 0.4])
    p = p._replace(w_h=np.zeros(4), b=joined(np.arctanh(a - 1), np.zeros(2)))
    start = np.array([[0.3, 0.3], [-0.3, -0.3]])
    _, ys = unroll(cell, p, np.zeros((80, 2, 1)), type(cell.initial_carry())(start))
    assert_close(ys[-1, :, 0], np.tanh(1.6 * ys[-1, :, 0]))
    assert ys[-1, 0, 0] > 0.8
    assert ys[-1, 1, 0] < -0.8
    assert np.abs(ys[-1, :, 1]).max() < 1e-6


def test_bistable_cells_begin_as_their_authors_have_them():
    p, whole = init(BRC(50, 100), jax.random.key(0)), init(NBRC(50, 100), jax.random.key(0))
    assert (p.w_h == 1).all()
    for own, inputs_ in ((p.w_x, 50), (whole.w_x, 50), (whole.w_h, 100)):
        bound = np.sqrt(6 / (inputs_ + 100))
        assert 0.99 * bound < np.abs(own).max() <= bound
    assert not p.b.any()
    assert not whole.b.any()


def test_star_lets_in_what_is_made_of_the_input_or_keeps_its_state():
    cell = STAR(D, H)
    p = drawn(cell)
    w_n, b_n = p.w_x[:, H:], p.b[H:]
    shut = p._replace(w_x=joined(np.zeros((D, H)), w_n), w_h=NOTHING)
    _, ys = ran(cell, shut._replace(b=joined(np.full(H, OPEN), b_n)))
    assert_close(ys, np.tanh(np.tanh(inputs(D) @ w_n + b_n)))
    _, ys = ran(cell, shut._replace(b=joined(np.full(H, -OPEN), b_n)))
    assert_close(ys, np.stack([np.tanh(h) for h in (carry_of(cell).h, *ys[:-1])]))
    first = init(cell, jax.random.key(0))
    assert_close(first.w_h @ first.w_h.T, np.eye(H))


def test_a_nested_lstm_of_one_level_is_an_lstm():
    cell, plain = NestedLSTM(D, H, 1, "tanh"), LSTM(D, H)
    (p,) = drawn(cell)
    (h, c), ys = ran(cell, (p,))
    begun = carry_of(cell)
    own = type(plain.initial_carry())(begun.h, begun.c[:, 0])
    final, expected = unroll(plain, of(plain, *p), inputs(D), own)
    assert_close(((h, c[:, 0]), ys), (tuple(final), expected))


def test_the_memory_of_a_nested_lstm_is_an_lstm():
    cell, inside = NestedLSTM(D, H), LSTM(H, H)
    outer, inner = drawn(cell)
    h, c = carry_of(cell)
    x = inputs(D)[0]
    i, f, g, o = blocks(x @ outer.w_x + h @ outer.w_h + outer.b, 4)
    within = type(inside.initial_carry())(sigmoid(f) * c[:, 0], c[:, 1])
    state, memory = unroll(inside, of(inside, *inner), (sigmoid(i) * g)[None], within)
    final, ys = unroll(cell, (outer, inner), x[None], carry_of(cell))
    assert_close(final.c, np.stack([memory[0], state.c], axis=1))
    assert_close(ys[0], sigmoid(o) * np.tanh(memory[0]))


def test_every_level_of_a_nested_lstm_forgets_little_at_first():
    for level in init(NestedLSTM(D, H, 3), jax.random.key(0)):
        assert_close(level.b, np.repeat([0.0, 1, 0, 0], H))
        assert level.w_h.shape == (H, 4 * H)


def parent(p, count, position, by_vector=False):
    """A slim cell's parameters in a parent's form: no gate sees x, the candidate where it stands.

    Args:
        p: the slim cell's.
        count: its gates.
        position: how many of them stand before the candidate.
        by_vector: whether the state is multiplied by vectors.
    """
    square = np.diag if by_vector else np.asarray
    u = [NOTHING] * count if p.u is None else [square(own) for own in blocks(p.u, count)]
    b_u = [np.zeros(H)] * count if p.b_u is None else blocks(p.b_u, count)
    w_x = [np.zeros((D, H))] * count
    w_h = square(p.w_h) if p.w_h.ndim == 1 else p.w_h
    for gates, own in ((w_x, p.w_x), (u, w_h), (b_u, p.b)):
        gates.insert(position, own)
    return joined(*w_x), joined(*u), joined(*b_u)


@pytest.mark.parametrize("variant", ["1", "2", "3", "4", "5", "10", "11"])
def test_a_slim_lstm_is_an_lstm_with_less(variant):
    cell, plain = SlimLSTM(D, H, variant), LSTM(D, H)
    p = drawn(cell)
    params = of(plain, *parent(p, 3, 2, variant in ("4", "5", "10", "11")))
    assert_close(ran(cell, p), ran(plain, params))


@pytest.mark.parametrize(("variant", "forget"), [("4a", 0.96), ("5a", 0.96), ("6", 0.4)])
def test_gates_of_a_slim_lstm_may_be_constants(variant, forget):
    cell, whole = SlimLSTM(D, H, variant), SlimLSTM(D, H, "3" if variant == "6" else "5")
    p = drawn(cell)
    open_, kept = np.full(H, OPEN), np.full(H, np.log(forget / (1 - forget)))
    let_in = {"4a": np.zeros(H), "5a": p.b_u, "6": open_}[variant]
    u = None if variant == "6" else joined(p.u, np.zeros(2 * H))
    alike = p._replace(u=u, b_u=joined(let_in, kept, open_))
    assert_close(ran(cell, p), ran(whole, alike))


@pytest.mark.parametrize("variant", ["1", "2", "3"])
def test_a_slim_gru_is_a_gru_with_less(variant):
    cell, plain = SlimGRU(D, H, variant), GRU(D, H, reset_after=False)
    p = drawn(cell)
    w_x, w_h, b = (np.array(own) for own in parent(p, 2, 2))
    for own in (w_h, b):
        own[..., H : 2 * H] *= -1
    assert_close(ran(cell, p), ran(plain, of(plain, w_x, w_h, b)))


@pytest.mark.parametrize("variant", ["1", "2", "3"])
def test_a_slim_mgu_is_an_mgu_with_less(variant):
    cell, plain = SlimMGU(D, H, variant), MGU(D, H)
    p = drawn(cell)
    assert_close(ran(cell, p), ran(plain, of(plain, *parent(p, 1, 1))))


def test_slim_cells_have_what_their_variant_leaves():
    def names(cell):
        return {n for n, a in jax.eval_shape(cell.init, jax.random.key(0))._asdict().items() if a}

    candidate = {"w_x", "w_h", "b"}
    assert names(SlimGRU(D, H)) == candidate | {"u", "b_u"}
    assert names(SlimGRU(D, H, "2")) == candidate | {"u"}
    assert names(SlimGRU(D, H, "3")) == candidate | {"b_u"}
    assert names(SlimLSTM(D, H, "6")) == candidate
    assert names(SlimLSTM(D, H, "5", use_bias=False)) == {"w_x", "w_h", "u"}


def test_a_highway_of_one_layer_has_one_gate():
    p = drawn(RHN(D, H, 1))
    fused = (joined(-t, g) for g, t in (blocks(own, 2) for own in p))
    assert_close(ran(RHN(D, H, 1), p), ran(UGRNN(D, H), type(p)(*fused)))


def test_a_highway_is_coupled_where_one_gate_is_the_other_with_its_sign_turned():
    cell, own_gate = RHN(D, H, 2), RHN(D, H, 2, coupled=False)
    p = drawn(cell)

    def with_gate(fused):
        layers = blocks(fused, fused.shape[-1] // (2 * H))
        return joined(*(joined(own, -own[..., H:]) for own in layers))

    assert_close(ran(cell, p), ran(own_gate, type(p)(*map(with_gate, p))))


def test_a_highway_begins_small_and_carries_most():
    p = init(RHN(30, 20, 2, first_bias=-4.0), jax.random.key(0))
    for own in (p.w_x, p.w_h):
        assert 0.039 < np.abs(own).max() <= 0.04
    assert_close(p.b, np.tile(np.repeat([0.0, -4], 20), 2))
    assert_close(init(RHN(3, 1, 1, False), jax.random.key(0)).b, np.array([0.0, -2, 2]))


def test_scrn_is_a_simple_network_beside_an_average():
    cell, plain = SCRN(D, H, 2), SimpleRNN(D, H, activation="sigmoid")
    p = drawn(cell)._replace(w_s=np.zeros((2, H)))
    begun = carry_of(cell)
    _, ys = ran(cell, p)
    state = type(plain.initial_carry())(begun.h)
    _, expected = unroll(plain, of(plain, p.w_x[:, :H], p.w_h, np.zeros(H)), inputs(D), state)
    assert_close(ys[..., :H], expected)
    given, s = inputs(D) @ p.w_x[:, H:], begun.s
    for own, found in zip(given, ys[..., H:], strict=True):
        s = 0.95 * s + 0.05 * own
        assert_close(found, s)


FACTORS = np.array([0.0, 1.5, 0.7, 1.2])


@pytest.mark.parametrize(
    "cell",
    [MUT1(D, H), MUT2(D, H), MUT3(D, H), NAS(D, H), NBRC(D, H), NestedLSTM(D, H, 1), RHN(D, H, 2),
     SCRN(D, H), STAR(D, H), SlimGRU(D, H), SlimLSTM(D, H), SlimMGU(D, H)],
    ids=lambda cell: type(cell).__name__,
)  # fmt: skip
def test_noise_is_on_what_products_read_and_on_what_is_added(cell):
    p, x, carry = drawn(cell), inputs(D)[0], carry_of(cell)

    @quick_jit
    def stepped(params, noise):
        factors = (None if f is None else jnp.broadcast_to(f, (ROWS, H)) for f in noise)
        return cell.step(params, carry, cell.project(params, x), Noise(*factors))

    def step(params, noise):
        return jax.device_get(stepped(params, noise))

    def scaled(params):
        if type(params) is tuple:
            return tuple(map(scaled, params))
        names = {"w_h", "u"} & set(params._fields)
        return params._replace(**{n: FACTORS[:, None] * getattr(params, n) for n in names})

    plain = step(p, (None, None))
    if not isinstance(cell, NBRC):  # the state is also multiplied by a, which is no matrix
        assert_close(step(p, (FACTORS, None)), step(scaled(p), (None, None)))
    assert np.abs(step(p, (FACTORS, None))[1] - plain[1]).max() > 1e-2
    assert_close(step(p, (FACTORS**0, FACTORS**0)), plain)
    if not isinstance(cell, NAS | RHN | STAR):  # whose memory is no sum, or one in another
        none, full, some = (step(p, (None, f))[0][-1] for f in (0 * FACTORS, None, FACTORS))
        assert_close(some, none + FACTORS * (full - none))
    assert np.abs(step(p, (None, FACTORS))[1] - plain[1]).max() > 1e-2
