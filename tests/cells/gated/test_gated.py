"""What gated cells have in common with others, how they begin, and where noise acts in them."""

# NumPy arrays go where JAX arrays are declared.
# pyright: reportArgumentType=false

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rnnjax import (
    ATR,
    CFN,
    CIFGLSTM,
    GRU,
    JANET,
    LSTM,
    MGU,
    RAN,
    UGRNN,
    IntersectionRNN,
    LiGRU,
    MinimalRNN,
    OriginalLSTM,
    SLiGRU,
)
from rnnjax.cell import param_shapes
from rnnjax.cells import GRUCarry, GRUParams, LSTMCarry, LSTMParams
from rnnjax.gated_cell import MemoryCarry
from rnnjax.noise import Noise
from tests.cells_under_test import random_like
from tests.oracles import sigmoid
from tests.running import assert_close, init, quick_jit, unroll
from tests.test_initializers import is_uniform_on

D, H, ROWS, STEPS = 3, 4, 2, 5
KEY = jax.random.key(0)
OPEN = 40.0
"""The logistic function of this is 1 to the last digit of a double."""


def sample(cell):
    """Random parameters, inputs and a random carry."""
    rng = np.random.default_rng(0)
    params = random_like(rng, jax.eval_shape(cell.init, KEY), 0.7, np.float64)
    carry = random_like(rng, jax.eval_shape(lambda: cell.initial_carry((ROWS,))), dtype=np.float64)
    return params, rng.standard_normal((STEPS, ROWS, cell.input_size)), carry


def blocks(fused, *names):
    """The blocks of a fused last axis, by name."""
    return dict(zip(names, np.split(np.asarray(fused), len(names), axis=-1), strict=True))


def fuse(made, *names):
    """The other way round."""
    return np.concatenate([made[name] for name in names], axis=-1)


def lstm_params(params, make):
    """Those of an LSTM whose fused arrays are made of those of another cell."""
    return LSTMParams(*(fuse(make(leaf), *"ifgo") for leaf in params))


def run_state(cell, *others):
    """The states of all steps and the outputs, as plain arrays."""
    carry, ys = unroll(cell, *others)
    return tuple(carry), ys


@pytest.mark.usefixtures("x64")
def test_the_lstm_with_coupled_gates_is_the_lstm():
    cell = CIFGLSTM(D, H)
    params, xs, carry = sample(cell)

    def coupled(leaf):
        own = blocks(leaf, *"fgo")
        return {**own, "i": -own["f"]}

    expected = run_state(LSTM(D, H), lstm_params(params, coupled), xs, LSTMCarry(*carry))
    assert_close(run_state(cell, params, xs, carry), expected)


@pytest.mark.usefixtures("x64")
def test_the_minimal_gated_unit_is_the_gru_of_one_gate():
    cell = MGU(D, H)
    params, xs, carry = sample(cell)

    def doubled(leaf):
        own = blocks(leaf, *"fn")
        return fuse({"r": own["f"], "z": -own["f"], "n": own["n"]}, *"rzn")

    other = GRUParams(*map(doubled, params))
    expected = run_state(GRU(D, H, reset_after=False), other, xs, GRUCarry(*carry))
    assert_close(run_state(cell, params, xs, carry), expected)


@pytest.mark.usefixtures("x64")
def test_the_original_lstm_is_the_lstm_that_forgets_nothing():
    cell = OriginalLSTM(D, H, "tanh")
    params, xs, carry = sample(cell)

    def kept(leaf):
        own = blocks(leaf, *"igo")
        return {**own, "f": np.full_like(own["i"], OPEN if leaf.ndim == 1 else 0.0)}

    expected = run_state(LSTM(D, H), lstm_params(params, kept), xs, LSTMCarry(*carry))
    assert_close(run_state(cell, params, xs, carry), expected)


@pytest.mark.usefixtures("x64")
def test_the_squashing_functions_of_1997_are_hyperbolic_tangents_of_halves():
    cell = OriginalLSTM(D, H)
    params, xs, carry = sample(cell)

    def halved(leaf):
        own = blocks(leaf, *"igo")
        return fuse({**own, "g": own["g"] / 2}, *"igo")

    half = type(params)(*map(halved, params))
    other = OriginalLSTM(D, H, squash="tanh")
    (h, c), ys = run_state(other, half, xs, MemoryCarry(carry.h, carry.c / 2))
    assert_close(run_state(cell, params, xs, carry), ((h, 2 * c), ys))


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("name", ["janet", "li_gru", "gru", "intersection_rnn"])
def test_four_cells_are_one_function(name):
    # The intersection network gives out something else, but its state is one of them.
    cell = UGRNN(H, H)
    params, xs, carry = sample(cell)
    others = {
        "janet": JANET(H, H, beta=0),
        "li_gru": LiGRU(H, H, activation="tanh", normalization="none"),
        "gru": GRU(H, H, reset_after=False),
        "intersection_rnn": IntersectionRNN(H, H),
    }
    like, _, other_carry = sample(others[name])
    if name == "gru":

        def reset(leaf):
            own = blocks(leaf, *"zn")
            shut = np.full_like(own["z"], OPEN if leaf.ndim == 1 else 0.0)
            return fuse({**own, "r": shut}, *"rzn")

        other = GRUParams(*map(reset, params))
    elif name == "intersection_rnn":
        more = (blocks(leaf, *"kndr") for leaf in like[:3])
        own = [blocks(leaf, *"kn") for leaf in params]
        other = type(like)(*(fuse({**a, **b}, *"kndr") for a, b in zip(more, own, strict=True)))
    else:
        other = type(like)(*params)
    state, ys = run_state(cell, params, xs, carry)
    found, outputs = run_state(others[name], other, xs, type(other_carry)(*carry))
    assert_close(found, state)
    if name == "intersection_rnn":
        assert np.abs(outputs - ys).max() > 0.1
    else:
        assert_close(outputs, ys)


@pytest.mark.usefixtures("x64")
def test_the_intersection_network_hands_its_input_on_where_its_gate_through_depth_is_open():
    cell = IntersectionRNN(H, H)
    params, xs, carry = sample(cell)
    own = blocks(params.b, *"kndr")
    # The other gate is shut, and must not be the one that the output goes through.
    shut = fuse({**own, "k": own["k"] - 9 * OPEN, "d": own["d"] + 9 * OPEN}, *"kndr")
    _, ys = run_state(cell, params._replace(b=shut), xs, carry)
    assert_close(ys, xs)


def weighted_sums(kept, added, first):
    """h_t of h_t = kept_t h_{t-1} + added_t at the last step, as one sum over all of them."""
    behind = [np.prod(kept[t + 1 :], axis=0) for t in range(len(kept))]
    return sum(b * a for b, a in zip(behind, added, strict=True)) + np.prod(kept, axis=0) * first


@pytest.mark.usefixtures("x64")
def test_the_minimal_network_is_linear_where_its_gate_sees_no_state():
    cell = MinimalRNN(D, H)
    params, xs, carry = sample(cell)
    params = params._replace(w_h=np.zeros((H, H)))
    v = np.tanh(xs @ params.w_x + params.b)
    u = sigmoid(v @ params.w_v + params.b_u)
    _, ys = run_state(cell, params, xs, carry)
    assert_close(ys[-1], weighted_sums(u, (1 - u) * v, carry.h))


@pytest.mark.usefixtures("x64")
def test_twin_gates_are_linear_where_they_see_no_state():
    cell = ATR(D, H)
    params, xs, carry = sample(cell)
    params = params._replace(w_h=np.zeros((H, H)))
    p = xs @ params.w_x
    _, ys = run_state(cell, params, xs, carry)
    assert_close(ys[-1], weighted_sums(sigmoid(p), sigmoid(p) * p, carry.h))


@pytest.mark.usefixtures("x64")
def test_what_an_additive_network_holds_is_a_weighted_sum_of_its_inputs():
    cell = RAN(D, H)
    params, xs, carry = sample(cell)
    (_, c), ys = run_state(cell, params, xs, carry)
    w = blocks(params.w_x, *"ifc")
    before = np.stack([carry.h, *ys[:-1]])
    sums = xs @ fuse(w, *"if") + before @ params.w_h + params.b
    i, f = np.split(sigmoid(sums), 2, axis=-1)
    assert_close(c, weighted_sums(f, i * (xs @ w["c"]), carry.c))


@pytest.mark.usefixtures("x64")
def test_a_linear_additive_network_is_a_linear_lstm_whose_output_gate_is_open():
    cell = RAN(D, H, activation="linear")
    params, xs, carry = sample(cell)
    nothing = np.zeros((H, H))
    w, u, b = blocks(params.w_x, *"ifc"), blocks(params.w_h, *"if"), blocks(params.b, *"if")
    other = LSTMParams(
        fuse({**w, "g": w["c"], "o": np.zeros((D, H))}, *"ifgo"),
        fuse({**u, "g": nothing, "o": nothing}, *"ifgo"),
        fuse({**b, "g": np.zeros(H), "o": np.full(H, OPEN)}, *"ifgo"),
    )
    expected = run_state(LSTM(D, H, activation="linear"), other, xs, LSTMCarry(*carry))
    assert_close(run_state(cell, params, xs, carry), expected)


@pytest.mark.usefixtures("x64")
def test_a_network_without_chaos_comes_to_rest():
    cell = CFN(D, H)
    params, xs, carry = sample(cell)
    params = params._replace(w_x=np.concatenate([params.w_x[:, : 2 * H], np.zeros((D, H))], 1))
    _, ys = run_state(cell, params, xs, carry)
    lengths = np.abs(np.stack([carry.h, *ys]))
    assert (lengths[1:] < lengths[:-1]).all()
    assert (np.sign(ys) == np.sign(carry.h)).all()


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize(("cell_type", "name"), [(LiGRU, "w_x"), (SLiGRU, "w_x"), (SLiGRU, "w_h")])
def test_the_scale_of_what_is_normalised_does_not_matter(cell_type, name):
    cell = cell_type(D, H, epsilon=1e-30)
    params, xs, carry = sample(cell)
    scaled = params._replace(**{name: 3 * getattr(params, name)})
    assert_close(run_state(cell, scaled, xs, carry), run_state(cell, params, xs, carry))


@pytest.mark.parametrize(
    ("cell", "name", "first"),
    [
        (OriginalLSTM(D, H), "b", (0, 0, -1)),
        (JANET(D, H), "b", (1, 0)),
        (MinimalRNN(D, H), "b", (0,)),
        (MinimalRNN(D, H), "b_u", (1,)),
        (UGRNN(D, H), "b", (1, 0)),
        (IntersectionRNN(D, H), "b", (1, 0, 1, 0)),
        (LiGRU(D, H), "b", (0, 0)),
        (LiGRU(D, H), "gain", (1, 1)),
        (SLiGRU(D, H), "gain", (1, 1)),
        (CFN(D, H), "b", (1, -1)),
        (RAN(D, H), "b", (0, 0)),
        (ATR(D, H, use_bias=True), "b", (0,)),
        (ATR(D, H, use_bias=True), "b_h", (0,)),
    ],
)
def test_first_biases_are_those_of_the_papers(cell, name, first):
    found = getattr(init(cell, KEY), name)
    np.testing.assert_array_equal(found, np.repeat(np.asarray(first, np.float32), H))


def test_twin_gates_have_no_biases_unless_asked_for():
    assert param_shapes(ATR(D, H))[2:] == (None, None)


def test_weights_of_a_network_without_chaos_begin_small():
    params = init(CFN(30, 40), KEY)
    assert params.w_x.shape == (30, 120)
    assert params.w_h.shape == (40, 80)
    assert is_uniform_on(0.07, params.w_x)
    assert is_uniform_on(0.07, params.w_h)


def test_forget_biases_are_spread_over_the_lengths_that_matter():
    longest = 200
    params = init(JANET(2, 64, longest=longest), KEY)
    forget, candidate = np.split(params.b, 2)
    assert is_uniform_on((longest - 1) / 2, np.exp(forget) - (longest + 1) / 2)
    assert (candidate == 0).all()
    assert forget.max() < math.log(longest)
    plain = init(JANET(2, 64), KEY)
    np.testing.assert_array_equal(params.w_x, plain.w_x)
    np.testing.assert_array_equal(params.w_h, plain.w_h)


def test_an_input_of_the_size_of_the_state_is_not_projected():
    def projection(cell):
        return param_shapes(cell)[3:]

    assert projection(IntersectionRNN(H, H)) == (None, None)
    w_p, b_p = projection(IntersectionRNN(D, H))
    assert (w_p.shape, b_p.shape) == ((D, H), (H,))
    assert projection(IntersectionRNN(D, H, use_bias=False))[1] is None


def test_the_first_matrices_of_the_minimal_network_differ():
    params = init(MinimalRNN(H, H), KEY)
    assert not np.allclose(params.w_x, params.w_v)


NOISY = [
    CIFGLSTM(D, H), MGU(D, H), OriginalLSTM(D, H), JANET(D, H), MinimalRNN(D, H), UGRNN(D, H),
    IntersectionRNN(D, H), LiGRU(D, H, "softplus"), SLiGRU(D, H, "softplus"), CFN(D, H), RAN(D, H),
    ATR(D, H, use_bias=True),
]  # fmt: skip
FACTORS = np.array([0.0, 1.5, 0.7, 1.2])


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("cell", NOISY, ids=lambda cell: type(cell).__name__)
def test_noise_is_on_what_the_products_of_the_state_read_and_on_what_is_added(cell):
    params, xs, carry = sample(cell)

    @quick_jit
    def noisy(params, state, update):
        noise = Noise(*(jnp.broadcast_to(f, (ROWS, H)) for f in (state, update)))
        return cell.step(params, carry, cell.project(params, xs[0]), noise)

    def step(*arguments):
        return jax.device_get(noisy(*arguments))

    ones = np.ones(H)
    plain = step(params, ones, ones)
    scaled = params._replace(w_h=FACTORS[:, None] * params.w_h)
    assert_close(step(params, FACTORS, ones), step(scaled, ones, ones))
    assert np.abs(plain[1] - step(scaled, ones, ones)[1]).max() > 1e-2
    # The last field of the carry is the memory.
    none, some = (step(params, ones, f)[0][-1] for f in (0 * ones, FACTORS))
    assert_close(some, none + FACTORS * (plain[0][-1] - none))
    assert np.abs(plain[0][-1] - none).max() > 1e-2


def test_names_that_are_none_are_refused():
    with pytest.raises(ValueError, match="OriginalLSTM: unknown squash 'relu'"):
        OriginalLSTM(D, H, squash="relu")
    with pytest.raises(ValueError, match="SLiGRU: unknown normalization 'batch'"):
        SLiGRU(D, H, normalization="batch")
