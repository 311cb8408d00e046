"""The light recurrent unit."""

from __future__ import annotations

import dataclasses

import jax

from rnnjax.activations import gates
from rnnjax.cell import settled
from rnnjax.gated_cell import GatedCell, GatedParams, HiddenCarry
from rnnjax.noise import SILENCE, Noise


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class LightRU(GatedCell):
    r"""Light recurrent unit: one gate lets in a candidate that reads the input alone.

    .. math::
        f_t &= \sigma(x_t W_{xf} + h_{t-1} W_{hf} + b_f) \\
        g_t &= \tanh(x_t W_{xg} + b_g) \\
        h_t &= (1 - f_t) \odot h_{t-1} + f_t \odot g_t, \qquad y_t = h_t

    Args:
        input_size: D, features of one input.
        hidden_size: H, units.
        initialization: "keras" or "torch", as of `rnnjax.gated_cell.GatedCell`.
        use_bias: whether there are biases.

    Parameters: `GatedParams`, in the order f, g, of which f alone reads the state. Carry:
    `HiddenCarry`. Output: ``[..., H]``.

    Raises:
        ValueError: a size is not a positive integer, or a name is unknown.

    Equals `rnnjax.GRU` whose update gate, which keeps, has the parameters of f with their signs
    turned, and whose candidate has W_h = 0. torchrecurrent fuses in the order g, f. The equations
    are those of torchrecurrent and RecurrentLayers.jl, with the bias b_g of their code; the paper
    was not read, and whether it has b_g was not established.

    >>> cell = LightRU(input_size=3, hidden_size=2)
    >>> params = cell.init(jax.random.key(0))
    >>> carry, y = cell(params, cell.initial_carry(), jax.numpy.array([1.0, -1.0, 2.0]))
    >>> y.shape
    (2,)

    Source: H. Ye et al., "Light recurrent unit: towards an interpretable recurrent neural network
    for modeling long-range dependency", Electronics 13 (2024), 3204.
    """

    gate_names = ("f", "g")
    recurrent_gates = 1

    def step(
        self, params: GatedParams, carry: HiddenCarry, z: jax.Array, noise: Noise = SILENCE
    ) -> tuple[HiddenCarry, jax.Array]:
        f, g = gates(self.sums(params, carry.h, z, noise), ("sigmoid", "tanh"))
        h = (1 - f) * carry.h + f * noise.on_update(g)
        return settled(carry, HiddenCarry(h), h, z)
