"""What the sLSTM is a case of, and how it begins."""

# NumPy arrays go where JAX arrays are declared.
# pyright: reportArgumentType=false, reportOptionalSubscript=false

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import rnnjax
from rnnjax.cells.gated.slstm import SLSTM, SLSTMCarry
from tests.cells_under_test import random_like
from tests.oracles import sigmoid
from tests.running import assert_close, quick_jit, unroll

pytestmark = pytest.mark.usefixtures("x64")


def drawn(cell, steps=5):
    rng = np.random.default_rng(0)
    params = random_like(rng, jax.eval_shape(cell.init, jax.random.key(0)), 0.7)
    return params, rng.normal(size=(steps, 2, cell.input_size))


def test_m_is_a_unit_of_measurement():
    cell = SLSTM(3, 4)
    params, xs = drawn(cell)
    rng = np.random.default_rng(1)
    h, c, n, m = (rng.normal(size=(2, 4)) for _ in range(4))
    ys = [
        unroll(cell, params, xs, SLSTMCarry(h, c * by, abs(n) * by, m - np.log(by)))[1]
        for by in (1.0, 1e3, 1e-3)
    ]
    assert_close(ys[1], ys[0])
    assert_close(ys[2], ys[0])


def test_without_w_h_it_is_a_weighted_mean():
    cell = SLSTM(3, 4, heads=2)
    params, xs = drawn(cell)
    params = params._replace(w_h=np.zeros_like(params.w_h))
    final, ys = unroll(cell, params, xs, cell.initial_carry((2,)))
    i, f, z, o = np.split(xs @ params.w_x + params.b, 4, axis=-1)
    log_f = np.log(sigmoid(f))
    for t in range(len(xs)):
        weights = [np.exp(i[j] + log_f[j + 1 : t + 1].sum(axis=0)) for j in range(t + 1)]
        mean = sum(w * np.tanh(z[j]) for j, w in enumerate(weights)) / sum(weights)
        assert_close(ys[t], sigmoid(o[t]) * mean)
    assert (abs(final.c) <= final.n).all()


def test_heads_are_blocks_of_one_matrix():
    cell, whole = SLSTM(3, 4, heads=2), SLSTM(3, 4)
    params, xs = drawn(cell)
    w_h = np.zeros((1, 4, 4, 4))
    for k in range(2):
        own = slice(2 * k, 2 * k + 2)
        w_h[0, own, :, own] = params.w_h[k]
    carry = cell.initial_carry((2,))
    assert_close(
        unroll(cell, params, xs, carry), unroll(whole, params._replace(w_h=w_h), xs, carry)
    )


def test_a_row_begins_by_itself_however_small_its_input_gate():
    """Float32, in which e to -200 is 0."""
    cell = SLSTM(1, 2)
    params = cell.init(jax.random.key(0))
    w_x = jnp.zeros((1, 8)).at[0, :2].set(-200.0)
    params = jax.tree.map(
        lambda own: own.astype(jnp.float32), params._replace(w_x=w_x, b=jnp.ones(8))
    )
    xs = jnp.ones((3, 2, 1), jnp.float32)
    resets = jnp.array([[True, True], [False, True], [False, False]])

    def total(params):
        carry = cell.initial_carry((2,), jnp.float32)
        ys = rnnjax.unroll(cell, params, xs, carry, resets=resets)[1]
        return ys.sum(), ys

    (_, ys), slope = quick_jit(jax.value_and_grad(total, has_aux=True))(params)
    np.testing.assert_allclose(ys, np.full((3, 2, 2), sigmoid(1) * np.tanh(1)), rtol=1e-5)
    assert all(np.isfinite(own).all() for own in jax.tree.leaves(slope))


def test_first_values():
    params = SLSTM(3, 8, heads=2, depth=1.0).init(jax.random.key(0))
    place = np.arange(4) / 3
    np.testing.assert_allclose(params.b[8:16], np.tile(5 - 12 * place**1.6, 2), rtol=1e-6)
    assert not params.b[:8].any()
    assert not params.b[16:].any()
    assert not params.w_h.any()
    assert SLSTM(3, 1).init(jax.random.key(0)).b[1] == 5


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"heads": 3}, "SLSTM: heads=3 must divide the hidden size, 4"),
        ({"depth": 1.5}, "SLSTM: depth must lie between 0 and 1"),
        ({"forget_gate": "relu"}, "SLSTM: unknown forget_gate 'relu'"),
    ],
)
def test_settings_that_are_none_are_told(fields, said):
    with pytest.raises(ValueError, match=said):
        SLSTM(3, 4, **fields)
