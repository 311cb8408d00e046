"""What the peepholes of an LSTM do, and how they begin."""

# NumPy arrays go where JAX arrays are declared.
# pyright: reportArgumentType=false

from __future__ import annotations

import jax
import numpy as np
import pytest

from rnnjax import LSTM, PeepholeLSTM
from rnnjax.cells import LSTMCarry, LSTMParams
from tests.cells_under_test import random_like
from tests.running import assert_close, init, pull_back, unroll
from tests.test_initializers import is_uniform_on

D, H, ROWS = 3, 4, 2
KEY = jax.random.key(0)
CELL = PeepholeLSTM(D, H)
PEEPHOLES = ("p_i", "p_f", "p_o")


def sample(steps=5):
    rng = np.random.default_rng(0)
    params = random_like(rng, jax.eval_shape(CELL.init, KEY), dtype=np.float64)
    carry = random_like(rng, jax.eval_shape(lambda: CELL.initial_carry((ROWS,))), dtype=np.float64)
    return params, rng.standard_normal((steps, ROWS, D)), carry


@pytest.mark.usefixtures("x64")
def test_without_peepholes_it_is_the_lstm():
    params, xs, carry = sample()
    shut = params._replace(**{name: np.zeros(H) for name in PEEPHOLES})
    plain = LSTMParams(params.w_x, params.w_h, params.b, params.b_h)
    final, ys = unroll(CELL, shut, xs, carry)
    expected = unroll(LSTM(D, H), plain, xs, LSTMCarry(*carry))
    assert_close((LSTMCarry(*final), ys), expected)
    cotangents = random_like(np.random.default_rng(1), expected)
    gradients = pull_back((type(final)(*cotangents[0]), cotangents[1]), CELL, shut, xs, carry)
    others = pull_back(cotangents, LSTM(D, H), plain, xs, LSTMCarry(*carry))
    for name in ("w_x", "w_h", "b"):
        assert_close(getattr(gradients[0], name), getattr(others[0], name))
    assert_close(gradients[1], others[1])
    for name in PEEPHOLES:  # from zero they learn all the same
        assert (np.abs(getattr(gradients[0], name)) > 1e-3).all()


@pytest.mark.usefixtures("x64")
def test_the_output_gate_alone_sees_the_memory_of_its_own_step():
    # The memory is 0 before the step and 1 after it, or the other way round.
    params, xs, _ = sample(steps=1)
    nothing = jax.tree.map(np.zeros_like, params)
    gates = {"b": np.concatenate([np.full(H, 1e3), np.full(H, -1e3), np.full(H, 1e3), np.zeros(H)])}
    before = CELL.initial_carry((ROWS,))
    open_, _ = unroll(CELL, nothing._replace(**gates), xs, before)
    assert_close(open_.c, np.ones((ROWS, H)))

    def outputs(carry, **peepholes):
        peepholes = {name: np.full(H, value) for name, value in peepholes.items()}
        return unroll(CELL, nothing._replace(**gates, **peepholes), xs, carry)

    _, y = outputs(before, p_o=2.0)
    assert_close(y, np.full((1, ROWS, H), np.tanh(1) / (1 + np.exp(-2.0))))
    assert_close(outputs(before, p_i=-2e3, p_f=2e3)[0].c, np.ones((ROWS, H)))
    full = before._replace(c=np.ones((ROWS, H)))
    assert_close(outputs(full, p_i=-2e3)[0].c, np.zeros((ROWS, H)))
    assert_close(outputs(full, p_f=2e3)[0].c, np.full((ROWS, H), 2.0))


@pytest.mark.parametrize(
    ("initialization", "bound"), [("keras", (3 / 150) ** 0.5), ("torch", 150**-0.5)]
)
def test_peepholes_begin_as_tensorflow_s_or_as_all_of_pytorch_s(initialization, bound):
    params = init(PeepholeLSTM(2, 150, initialization=initialization), KEY)
    peepholes = [getattr(params, name) for name in PEEPHOLES]
    for peephole in peepholes:
        assert peephole.shape == (150,)
        assert is_uniform_on(bound, peephole)
    assert np.unique(np.concatenate(peepholes)).size == 450


def test_arguments_are_checked_like_those_of_every_cell():
    for size in ("input_size", "hidden_size"):
        sizes = {"input_size": D, "hidden_size": H, size: 0}
        with pytest.raises(
            ValueError, match=f"^PeepholeLSTM: {size} must be a positive integer, not 0"
        ):
            PeepholeLSTM(**sizes)
    for field in ("activation", "recurrent_activation", "initialization"):
        with pytest.raises(ValueError, match=f"^PeepholeLSTM: unknown {field} 'tahn'; expected"):
            PeepholeLSTM(D, H, **{field: "tahn"})
