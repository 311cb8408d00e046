"""The coupled oscillatory recurrent network."""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import jax
import jax.numpy as jnp

from rnnjax.cell import recur, settled
from rnnjax.hyperparameters import Positive, Real
from rnnjax.initializers import symmetric_uniform
from rnnjax.noise import SILENCE, Noise
from rnnjax.physical_cell import PairCarry, PhysicalCell


class CoRNNParams(NamedTuple):
    """Parameters ``w_x [D, H]``, ``w_h [H, H]``, ``w_z [H, H]`` and ``b [H]`` or None."""

    w_x: jax.Array
    w_h: jax.Array
    w_z: jax.Array
    b: jax.Array | None = None


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class CoRNN(PhysicalCell):
    r"""Damped oscillators, which the input and each other drive.

    .. math::
        z_t &= z_{t-1} + \Delta \left( \tanh(x_t W_x + y_{t-1} W_h + z_{t-1} W_z + b)
               - \gamma y_{t-1} - \varepsilon z_{t-1} \right) \\
        y_t &= y_{t-1} + \Delta z_t

    Args:
        input_size: D, features of one input.
        hidden_size: H, units.
        step_size: Δ; this and the next two are those of the authors' permuted digits.
        stiffness: γ.
        damping: ε.
        use_bias: whether there is a bias.

    Parameters: `CoRNNParams`, all uniform within ±1/√(D + 2H) at first. Carry: `PairCarry`.
    Output: y, ``[..., H]``.

    Raises:
        ValueError: a size is not a positive integer, or a number is none.

    Equals a linear damped oscillator where all parameters are 0. The damping reads the old z, as
    in the authors' code. torchrecurrent begins with Δ = 0.1 and γ = ε = 1.

    >>> cell = CoRNN(input_size=3, hidden_size=2)
    >>> params = cell.init(jax.random.key(0))
    >>> carry, y = cell(params, cell.initial_carry(), jnp.array([1.0, -1.0, 2.0]))
    >>> y.shape
    (2,)

    Source: T. K. Rusch, S. Mishra, "Coupled oscillatory recurrent neural network (coRNN): an
    accurate and (gradient) stable architecture for learning long time dependencies", ICLR 2021,
    arXiv:2010.00951; ``psMNIST/network.py`` of tk-rusch/coRNN.
    """

    step_size: Positive = 0.076
    stiffness: Real = 0.4
    damping: Real = 8.0

    carry_type = PairCarry

    def init(self, key: jax.Array) -> CoRNNParams:
        d, h = self.input_size, self.hidden_size
        draw, keys = symmetric_uniform(d + 2 * h), jax.random.split(key, 4)
        return CoRNNParams(
            draw(keys[0], (d, h)), draw(keys[1], (h, h)), draw(keys[2], (h, h)),
            draw(keys[3], (h,)) if self.use_bias else None,
        )  # fmt: skip

    def step(
        self, params: CoRNNParams, carry: PairCarry, z: jax.Array, noise: Noise = SILENCE
    ) -> tuple[PairCarry, jax.Array]:
        y, speed = (noise.on_state(own) for own in carry)
        drive = jnp.tanh(z + recur(y, params.w_h) + recur(speed, params.w_z))
        force = noise.on_update(drive)
        force = force - self.stiffness * carry.h - self.damping * carry.z
        speed = carry.z + self.step_size * force
        y = carry.h + self.step_size * speed
        return settled(carry, PairCarry(y, speed), y, z)
