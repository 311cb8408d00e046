"""The initial distributions of the parameters: bounds, orthogonality, biases, counts."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rnnjax import GRU, LSTM, LSTMP, LayerNormGRU, LayerNormLSTM, PeepholeLSTM, SimpleRNN
from rnnjax.initializers import symmetric_uniform
from tests.running import init

KEY = jax.random.key(7)
SIZES = (30, 50)
GATES = [
    (SimpleRNN, 1),
    (LSTM, 4),
    (GRU, 3),
    (LayerNormLSTM, 4),
    (LayerNormGRU, 3),
    (PeepholeLSTM, 4),
]
families = pytest.mark.parametrize(("cell_type", "num_gates"), GATES)


def count(params):
    return sum(p.size for p in jax.tree.leaves(params))


def is_uniform_on(limit, weights):
    """Whether weights fill [-limit, limit] evenly, as far as so many can tell."""
    weights = np.ravel(weights)
    inside = np.abs(weights).max() <= limit
    # The largest of n uniform numbers falls short by 1/n; ten times that does not happen.
    reached = weights.max() > limit * (1 - 20 / weights.size)
    reached &= weights.min() < -limit * (1 - 20 / weights.size)
    spread = weights.std() / (limit / np.sqrt(3))
    return inside and reached and abs(spread - 1) < 5 / np.sqrt(weights.size)


@families
def test_keras_input_kernel_is_glorot_uniform_over_all_gates(cell_type, num_gates):
    w_x = init(cell_type(*SIZES), KEY).w_x
    assert w_x.shape == (30, num_gates * 50)
    assert is_uniform_on(np.sqrt(6 / (30 + num_gates * 50)), w_x)


@families
def test_keras_recurrent_kernel_is_one_orthogonal_matrix(cell_type, num_gates):
    w_h = init(cell_type(*SIZES), KEY).w_h
    assert w_h.shape == (50, num_gates * 50)
    np.testing.assert_allclose(w_h @ w_h.T, np.eye(50), atol=1e-5)


@families
def test_keras_biases_are_zero_but_the_forget_gate_s(cell_type, num_gates):
    params = init(cell_type(*SIZES), KEY)
    expected = np.zeros((num_gates, 50))
    if num_gates == 4:
        expected[1] = 1
    np.testing.assert_array_equal(params.b.reshape(num_gates, 50), expected)
    if num_gates == 3:
        np.testing.assert_array_equal(params.b_h, np.zeros(150))
    else:
        assert params.b_h is None


@families
def test_torch_parameters_are_all_uniform_by_the_hidden_size(cell_type, num_gates):
    params = init(cell_type(*SIZES, initialization="torch"), KEY)
    width = num_gates * 50
    shapes = {"w_x": (30, width), "w_h": (50, width), "b": (width,), "b_h": (width,)}
    for name, shape in shapes.items():
        array = getattr(params, name)
        assert array.shape == shape
        assert is_uniform_on(50**-0.5, array), name
    assert not (params.b == params.b_h).any()


def test_lstmp_starts_as_an_lstm_with_a_smaller_state():
    keras = init(LSTMP(30, 50, 20), KEY)
    assert (keras.w_h.shape, keras.w_p.shape) == ((20, 200), (50, 20))
    np.testing.assert_allclose(keras.w_h @ keras.w_h.T, np.eye(20), atol=1e-5)
    np.testing.assert_allclose(keras.w_p.T @ keras.w_p, np.eye(20), atol=1e-5)
    np.testing.assert_array_equal(keras.b.reshape(4, 50), np.eye(4)[1][:, None] * np.ones(50))
    torch = init(LSTMP(30, 50, 20, initialization="torch"), KEY)
    assert all(is_uniform_on(50**-0.5, p) for p in torch)


@pytest.mark.parametrize(
    ("cell", "number"),
    [
        (SimpleRNN(28, 32), 1_952),
        (SimpleRNN(28, 32, initialization="torch"), 1_984),
        (SimpleRNN(28, 32, use_bias=False), 1_920),
        (LSTM(32, 64), 24_832),
        (LSTM(32, 64, initialization="torch"), 25_088),
        (LSTM(32, 64, use_bias=False), 24_576),
        (GRU(28, 64), 18_048),  # as keras.layers.GRU(64) and torch.nn.GRU(28, 64)
        (GRU(28, 64, reset_after=False), 17_856),  # as keras.layers.GRU(64, reset_after=False)
        (GRU(28, 64, initialization="torch"), 18_048),
        (GRU(28, 64, use_bias=False), 17_664),
        (LayerNormLSTM(32, 64), 25_472),  # the LSTM's, gains 2 * 256 + 64, shifts 64
        (LayerNormLSTM(32, 64, use_bias=False), 25_152),
        (LayerNormGRU(28, 64), 18_432),  # the GRU's, gains 2 * 192
        (PeepholeLSTM(32, 64), 25_024),  # the LSTM's, peepholes 3 * 64
        (LSTMP(10, 20, 5, initialization="torch"), 1_460),  # torch.nn.LSTM(10, 20, proj_size=5)
    ],
)
def test_number_of_parameters(cell, number):
    assert count(jax.eval_shape(cell.init, KEY)) == number


@families
def test_without_biases_there_are_none(cell_type, num_gates):
    for initialization in ("keras", "torch"):
        cell = cell_type(3, 4, initialization=initialization, use_bias=False)
        params = jax.eval_shape(cell.init, KEY)
        assert (params.b, params.b_h) == (None, None)


@families
def test_no_two_arrays_are_drawn_from_one_key(cell_type, num_gates):
    # With D = H both matrices have one shape, and one key would make them equal.
    params = init(cell_type(4, 4, initialization="torch"), KEY)
    assert not (params.w_x == params.w_h).any()
    ratio = params.w_x[0] / params.b
    assert np.unique(np.round(ratio, 5)).size > 1


def test_symmetric_uniform_draws_the_type_it_is_asked_for():
    for dtype in (jnp.bfloat16, jnp.float32):
        drawn = symmetric_uniform(16)(KEY, (4000,), dtype)
        assert drawn.dtype == dtype
        assert np.abs(drawn.astype(np.float32)).max() <= 0.25
    assert is_uniform_on(0.25, symmetric_uniform(16)(KEY, (4000,)))


@pytest.mark.usefixtures("x64")
def test_parameters_follow_the_default_type(case):
    params = jax.eval_shape(case.make().init, KEY)
    assert {p.dtype for p in jax.tree.leaves(params)} == {np.dtype(np.float64)}
