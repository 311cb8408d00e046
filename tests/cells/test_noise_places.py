"""Where the noise that a step is given acts: on what a product reads, and on what is added."""

# NumPy arrays go where JAX arrays are declared.
# pyright: reportArgumentType=false

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rnnjax import LayerNormGRU, LayerNormLSTM, PeepholeLSTM
from rnnjax.noise import Noise
from tests.cells_under_test import random_like
from tests.running import assert_close, quick_jit

FACTORS = np.array([0.0, 1.5, 0.7, 1.2])

pytestmark = [
    pytest.mark.usefixtures("x64"),
    pytest.mark.parametrize("cell_type", [LayerNormLSTM, LayerNormGRU, PeepholeLSTM]),
]


def sample(cell_type):
    """A step that can be given noise, the parameters and a carry of three rows."""
    # Not relu, which doesn't tell whether a factor of at least 0 is inside of it or outside.
    cell = cell_type(3, 4, activation="softplus")
    rng = np.random.default_rng(0)
    params = random_like(rng, jax.eval_shape(cell.init, jax.random.key(0)), dtype=np.float64)
    carry = random_like(rng, jax.eval_shape(lambda: cell.initial_carry((3,))), dtype=np.float64)
    x = rng.standard_normal((3, 3))

    @quick_jit
    def step(params, factors):
        noise = Noise(**{name: jnp.broadcast_to(f, (3, 4)) for name, f in factors.items()})
        return cell.step(params, carry, cell.project(params, x), noise)

    return lambda params, **factors: jax.device_get(step(params, factors)), params


def test_state_noise_is_on_what_the_recurrent_product_reads_and_nowhere_else(cell_type):
    step, params = sample(cell_type)
    scaled = params._replace(w_h=FACTORS[:, None] * params.w_h)
    assert_close(step(params, state=FACTORS), step(scaled))
    assert np.abs(step(params)[1] - step(scaled)[1]).max() > 1e-2


def test_update_noise_is_on_what_is_added_to_the_memory_and_nowhere_else(cell_type):
    step, params = sample(cell_type)
    # The last field of the carry is the memory: c, or the h of a GRU.
    none, full, some = (step(params, update=f)[0][-1] for f in (0 * FACTORS, FACTORS**0, FACTORS))
    assert_close(some, none + FACTORS * (full - none))
    assert_close(full, step(params)[0][-1])
    # Both candidates, g and n, are the third block; so far down softplus makes zeros of them.
    blocks = np.split(params.b, len(params.b) // 4)
    closed = params._replace(b=np.concatenate([*blocks[:2], blocks[2] - 1e3, *blocks[3:]]))
    assert_close(none, step(closed)[0][-1])
    assert np.abs(full - none).max() > 1e-2
