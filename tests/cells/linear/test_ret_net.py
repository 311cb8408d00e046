"""RetNet's retention as its paper writes it: queries and keys turned by their steps' numbers."""

# NumPy arrays go where JAX arrays are declared.
# pyright: reportArgumentType=false

import functools

import jax
import numpy as np
import pytest

import rnnjax
from rnnjax.cells.memory.ret_net import RetNet
from tests.cells.linear.case import silu
from tests.cells.linear.loops_memory import rms
from tests.cells_under_test import random_like
from tests.running import assert_close, quick_jit


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("executor", ["scan", "chunkwise"])
def test_it_is_retention(executor):
    cell, rng = RetNet(3, 8, heads=2, key_size=4), np.random.default_rng(0)
    p = random_like(rng, jax.eval_shape(cell.init, jax.random.key(0)), 0.7)
    xs = rng.normal(size=(20, 3))
    q, k, v, g = (own.reshape(20, 2, -1) for own in np.split(xs @ p.w_x, [8, 16, 24], axis=-1))
    # A pair of features as a complex number, which a number of modulus 1 turns.
    phase = np.exp(1j * np.arange(20)[:, None, None] * 10000 ** -np.linspace(0, 1, 2))
    q, k = ((own[..., ::2] + 1j * own[..., 1::2]) * phase for own in (q, k))
    run = quick_jit(functools.partial(rnnjax.unroll, cell, executor=executor))
    ys = run(p, xs)[1]
    for t in range(20):
        found = []
        for i, gamma in enumerate((1 - 1 / 32, 1 - 1 / 64)):
            scores = (q[t, i] * k[: t + 1, i].conj()).real.sum(axis=-1) / 2
            o = (scores * gamma ** np.arange(t, -1, -1)) @ v[: t + 1, i]
            found.append(rms(o, p.gain, 1e-6) * silu(g[t, i]))
        assert_close(ys[t], np.concatenate(found) @ p.w_o)


def test_first_values_and_sizes():
    cell = RetNet(32, 64)
    params = cell.init(jax.random.key(0))
    bound = 2**-2.5 * np.sqrt(6 / 96)
    assert 0.98 * bound < abs(params.w_x).max() <= bound
    assert cell.initial_carry().s.shape == (4, 16, 16)
    assert RetNet(3, 4).initial_carry().s.shape == (4, 2, 1)
    with pytest.raises(ValueError, match="RetNet: key_size must be even"):
        RetNet(3, 8, key_size=3)
