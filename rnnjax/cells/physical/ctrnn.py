"""The continuous-time recurrent network."""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp

from rnnjax.cell import recur, settled
from rnnjax.gated_cell import GatedCell, GatedParams, HiddenCarry
from rnnjax.hyperparameters import Positive, Size
from rnnjax.noise import SILENCE, Noise
from rnnjax.timed_cell import solved


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class CTRNN(GatedCell):
    r"""Neurons that leak, several small steps of their differential equation for each input.

    .. math:: \dot h = -h / \tau + \tanh(x_t W_x + h W_h + b), \qquad y_t = h

    Args:
        input_size: D, features of one input.
        hidden_size: H, units.
        unfolds: K, how many of Euler's steps are taken for each input.
        step_size: the length of each.
        time_constant: τ.
        initialization: "keras" or "torch", as of `rnnjax.gated_cell.GatedCell`.
        use_bias: whether there is a bias.

    Parameters: `GatedParams`. Carry: `HiddenCarry`. Output: ``[..., H]``.

    Raises:
        ValueError: a size is not a positive integer, a number is not positive, or a name is
            unknown.

    Equals `rnnjax.SimpleRNN` where K, the step and τ are 1. The defaults are those of
    ``ctrnn_model.py`` in raminmh/liquid_time_constant_networks, where h is not inside of tanh
    unless ``global_feedback`` is set, and where a τ that is trained is not the one that is used.

    >>> cell = CTRNN(input_size=3, hidden_size=2)
    >>> params = cell.init(jax.random.key(0))
    >>> carry, y = cell(params, cell.initial_carry(), jnp.array([1.0, -1.0, 2.0]))
    >>> y.shape
    (2,)

    Source: K. Funahashi, Y. Nakamura, "Approximation of dynamical systems by continuous time
    recurrent neural networks", Neural Networks 6 (1993). Checked against the code named above, not
    against the paper.
    """

    unfolds: Size = 6
    step_size: Positive = 0.1
    time_constant: Positive = 1.0

    gate_names = ("n",)

    def step(
        self, params: GatedParams, carry: HiddenCarry, z: jax.Array, noise: Noise = SILENCE
    ) -> tuple[HiddenCarry, jax.Array]:
        def slope(h: jax.Array) -> jax.Array:
            n = jnp.tanh(z + recur(noise.on_state(h), params.w_h))
            return noise.on_update(n) - h / self.time_constant

        time = self.unfolds * self.step_size
        h = solved("euler", slope, carry.h, time, self.unfolds)
        return settled(carry, HiddenCarry(h), h, z)
