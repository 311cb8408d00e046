"""The undamped independent controlled oscillatory recurrent network."""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import jax
import jax.numpy as jnp

from rnnjax.cell import settled
from rnnjax.hyperparameters import Positive, Real
from rnnjax.initializers import symmetric_uniform
from rnnjax.noise import SILENCE, Noise
from rnnjax.physical_cell import PairCarry, PhysicalCell


class UnICORNNParams(NamedTuple):
    """Parameters ``w_x [D, H]``, ``w_h [H]``, ``c [H]`` and ``b [H]`` or None."""

    w_x: jax.Array
    w_h: jax.Array
    c: jax.Array
    b: jax.Array | None = None


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class UnICORNN(PhysicalCell):
    r"""Oscillators without damping and without each other, of time scales that are learnt.

    .. math::
        s &= \Delta\, \sigma(c) \\
        z_t &= z_{t-1} - s \odot \left( \tanh(w \odot y_{t-1} + x_t W_x + b)
               + \alpha y_{t-1} \right) \\
        y_t &= y_{t-1} + s \odot z_t

    Args:
        input_size: D, features of one input.
        hidden_size: H, units.
        step_size: Δ; it and α are those of the authors' permuted digits.
        alpha: α, how strongly an oscillator is drawn back.
        use_bias: whether there is a bias.

    Parameters: `UnICORNNParams`; at first w is uniform within 0 and 1, c within ±0.1, W_x as of
    PyTorch's ``kaiming_uniform_`` with ``a=8``, b is 0. Carry: `PairCarry`. Output: y,
    ``[..., H]``.

    Raises:
        ValueError: a size is not a positive integer, or a number is none.

    The step keeps volumes and can be undone: y and then z of the step before follow from those
    behind it. The authors have three layers and, between them, dropout with one mask for all
    steps. torchrecurrent begins with Δ = 0.1 and α = 0.

    >>> cell = UnICORNN(input_size=3, hidden_size=2)
    >>> params = cell.init(jax.random.key(0))
    >>> carry, y = cell(params, cell.initial_carry(), jnp.array([1.0, -1.0, 2.0]))
    >>> y.shape
    (2,)

    Source: T. K. Rusch, S. Mishra, "UnICORNN: a recurrent model for learning very long time
    dependencies", ICML 2021, arXiv:2103.05487; ``psMNIST/network.py`` of tk-rusch/unicornn.
    """

    step_size: Positive = 0.19
    alpha: Real = 30.65

    carry_type = PairCarry

    def init(self, key: jax.Array) -> UnICORNNParams:
        d, h = self.input_size, self.hidden_size
        keys = jax.random.split(key, 3)
        return UnICORNNParams(
            # The gain of a leaky ReLU of slope 8, whose square is 2/65.
            w_x=symmetric_uniform(d)(keys[0], (d, h)) * (6 / 65) ** 0.5,
            w_h=jax.random.uniform(keys[1], (h,)),
            c=jax.random.uniform(keys[2], (h,), minval=-0.1, maxval=0.1),
            b=jnp.zeros((h,)) if self.use_bias else None,
        )

    def step(
        self, params: UnICORNNParams, carry: PairCarry, z: jax.Array, noise: Noise = SILENCE
    ) -> tuple[PairCarry, jax.Array]:
        y = carry.h
        own = (params.w_h, self.step_size * jax.nn.sigmoid(params.c))
        w, scale = (jnp.broadcast_to(vector, y.shape) for vector in own)
        force = noise.on_update(jnp.tanh(z + w * noise.on_state(y))) + self.alpha * y
        speed = carry.z - scale * force
        y = y + scale * speed
        return settled(carry, PairCarry(y, speed), y, z)
