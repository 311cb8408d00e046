"""RWKV-4's time mixing as its paper writes it: a mean over all steps before."""

# NumPy arrays go where JAX arrays are declared.
# pyright: reportArgumentType=false

import jax
import numpy as np
import pytest

from rnnjax.cells.linear.rwkv4 import RWKV4
from tests.cells.linear.case import sigmoid
from tests.cells_under_test import random_like
from tests.running import assert_close, unroll

pytestmark = pytest.mark.usefixtures("x64")


def drawn():
    cell, rng = RWKV4(3, 4), np.random.default_rng(0)
    params = random_like(rng, jax.eval_shape(cell.init, jax.random.key(0)), 0.7)
    return cell, params, rng.normal(size=(6, 2, 3))


def test_it_is_a_mean_over_the_past():
    cell, p, xs = drawn()
    before = np.concatenate((np.zeros_like(xs[:1]), xs[:-1]))
    k, v, r = (
        (mu * xs + (1 - mu) * before) @ w
        for mu, w in zip(p.mix, np.split(p.w_x, 3, axis=1), strict=True)
    )
    _, ys = unroll(cell, p, xs, cell.initial_carry((2,)))
    for t in range(len(xs)):
        weights = [np.exp(k[i] - (t - 1 - i) * np.exp(p.decay)) for i in range(t)]
        weights.append(np.exp(p.bonus + k[t]))
        mean = sum(w * v[i] for i, w in enumerate(weights)) / sum(weights)
        assert_close(ys[t], (sigmoid(r[t]) * mean) @ p.w_o)


def test_keys_may_be_large():
    """Of e to them, which is no number, nothing is left."""
    cell, p, xs = drawn()
    p = p._replace(w_x=p.w_x * np.repeat([1000.0, 1.0, 1.0], 4))
    assert np.isfinite(unroll(cell, p, xs, cell.initial_carry((2,)))[1]).all()


def test_first_values():
    params = RWKV4(4, 5).init(jax.random.key(0))
    np.testing.assert_allclose(params.decay, -5 + 8 * (np.arange(5) / 4) ** 0.7, rtol=1e-6)
    np.testing.assert_allclose(
        params.bonus, np.log(0.3) + np.array([0, 0.5, -0.5, 0, 0.5]), rtol=1e-6
    )
    np.testing.assert_allclose(params.mix[2], np.sqrt(np.arange(4) / 4), rtol=1e-6)
