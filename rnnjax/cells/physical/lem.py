"""The long expressive memory."""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import jax
import jax.numpy as jnp

from rnnjax.activations import gates
from rnnjax.cell import recur, settled
from rnnjax.gated_cell import GatedCell
from rnnjax.hyperparameters import Initialization, Positive
from rnnjax.initializers import INITIALIZATIONS
from rnnjax.noise import SILENCE, Noise
from rnnjax.physical_cell import PairCarry


class LEMParams(NamedTuple):
    """Parameters, fused in the order Δ_y, Δ_z, that of z, that of y.

    ``w_x [D, 4H]``, ``w_h [H, 3H]`` of the first three, which read y, ``b [4H]`` or None, and
    ``w_z [H, H]``, by which y reads z.
    """

    w_x: jax.Array
    w_h: jax.Array
    b: jax.Array | None
    w_z: jax.Array


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class LEM(GatedCell):
    r"""Two states, each with time steps of its own that the input and the state choose.

    .. math::
        \Delta^y_t &= \Delta\, \sigma(x_t W_{x1} + y_{t-1} W_{h1} + b_1) \\
        \Delta^z_t &= \Delta\, \sigma(x_t W_{x2} + y_{t-1} W_{h2} + b_2) \\
        z_t &= (1 - \Delta^z_t) \odot z_{t-1}
               + \Delta^z_t \odot \tanh(x_t W_{x3} + y_{t-1} W_{h3} + b_3) \\
        y_t &= (1 - \Delta^y_t) \odot y_{t-1}
               + \Delta^y_t \odot \tanh(x_t W_{x4} + z_t W_z + b_4)

    Args:
        input_size: D, features of one input.
        hidden_size: H, units.
        step_size: Δ, a hyperparameter of long tasks: 0.0242 for adding over 2000 steps.
        initialization: "torch", all uniform within ±1/√H as in the authors' code, or "keras", as
            of `rnnjax.gated_cell.GatedCell`.
        use_bias: whether there are biases.

    Parameters: `LEMParams`. Carry: `PairCarry`. Output: y, ``[..., H]``.

    Raises:
        ValueError: a size is not a positive integer, Δ is not positive, or a name is unknown.

    Equals two layers without gates, the lower of which reads what the upper one gave before, where
    Δ = 1 and both gates are open. In torchrecurrent, RecurrentLayers.jl and LuxRecurrentLayers.jl
    y reads the z of the step before, which is another cell. The authors' fused product has the
    order Δ_y, Δ_z, that of y, that of z.

    >>> cell = LEM(input_size=3, hidden_size=2)
    >>> params = cell.init(jax.random.key(0))
    >>> carry, y = cell(params, cell.initial_carry(), jnp.array([1.0, -1.0, 2.0]))
    >>> y.shape
    (2,)

    Source: T. K. Rusch, S. Mishra, N. B. Erichson, M. W. Mahoney, "Long expressive memory for
    sequence modeling", ICLR 2022, arXiv:2110.04744; ``src/adding/network.py`` of tk-rusch/LEM.
    """

    step_size: Positive = 1.0
    initialization: Initialization = dataclasses.field(default="torch", kw_only=True)

    gate_names = ("step_y", "step_z", "z", "y")
    recurrent_gates = 3
    carry_type = PairCarry

    def init(self, key: jax.Array) -> LEMParams:
        first, own = jax.random.split(key)
        h = self.hidden_size
        draw = INITIALIZATIONS[self.initialization].recurrent_kernel(h)
        return LEMParams(*super().init(first), w_z=draw(own, (h, h)))

    def step(
        self, params: LEMParams, carry: PairCarry, z: jax.Array, noise: Noise = SILENCE
    ) -> tuple[PairCarry, jax.Array]:
        a = self.sums(params, carry.h, z, noise)
        step_y, step_z, to_z, to_y = gates(a, ("sigmoid", "sigmoid", "tanh", "linear"))
        step_y, step_z = self.step_size * step_y, self.step_size * step_z
        slow = (1 - step_z) * carry.z + step_z * noise.on_update(to_z)
        to_y = jnp.tanh(to_y + recur(noise.on_state(slow), params.w_z))
        y = (1 - step_y) * carry.h + step_y * noise.on_update(to_y)
        return settled(carry, PairCarry(y, slow), y, z)
