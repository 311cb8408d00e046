"""The simple gated recurrent network."""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp

from rnnjax.activations import gates
from rnnjax.cell import affine, check_input, recur, settled
from rnnjax.gated_cell import GatedCell, GatedParams, HiddenCarry
from rnnjax.noise import SILENCE, Noise


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class SGRN(GatedCell):
    r"""Simple gated recurrent network: the gate and what it weighs share one product of the input.

    .. math::
        p_t &= x_t W_x \\
        f_t &= \sigma(p_t + h_{t-1} W_h + b) \\
        h_t &= \tanh((1 - f_t) \odot p_t + f_t \odot h_{t-1}), \qquad y_t = h_t

    Args:
        input_size: D, features of one input.
        hidden_size: H, units.
        initialization: "keras" or "torch", as of `rnnjax.gated_cell.GatedCell`.
        use_bias: whether the gate has a bias.

    Parameters: `GatedParams`, of f alone. Carry: `HiddenCarry`. Output: ``[..., H]``.

    Raises:
        ValueError: a size is not a positive integer, or a name is unknown.

    Equals torchrecurrent's ``SGRNCell`` with ``bias_ih`` = 0, which is in p and so in the candidate
    there. The equations are those of torchrecurrent and RecurrentLayers.jl with the one bias that
    the authors of the latter took from the paper, which was not read here.

    >>> cell = SGRN(input_size=3, hidden_size=2)
    >>> params = cell.init(jax.random.key(0))
    >>> carry, y = cell(params, cell.initial_carry(), jnp.array([1.0, -1.0, 2.0]))
    >>> y.shape
    (2,)

    Source: X. Zu, K. Wei, "A simple gated recurrent network for detection of power quality
    disturbances", IET Generation, Transmission & Distribution (2020), doi:10.1049/gtd2.12056.
    """

    gate_names = ("f",)

    def project(self, params: GatedParams, x: jax.Array) -> jax.Array:
        check_input(self, x)
        return affine(x, params.w_x)

    def step(
        self, params: GatedParams, carry: HiddenCarry, z: jax.Array, noise: Noise = SILENCE
    ) -> tuple[HiddenCarry, jax.Array]:
        (f,) = gates(z + recur(noise.on_state(carry.h), params.w_h, params.b), ("sigmoid",))
        h = jnp.tanh((1 - f) * noise.on_update(z) + f * carry.h)
        return settled(carry, HiddenCarry(h), h, z)
