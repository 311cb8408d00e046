"""The long short-term memory of one gate for what is forgotten and what is let in."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import jax
import jax.numpy as jnp

from rnnjax.activations import gates
from rnnjax.cell import settled
from rnnjax.gated_cell import GatedCell, GatedParams, MemoryCarry
from rnnjax.noise import SILENCE, Noise


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class CIFGLSTM(GatedCell):
    r"""Long short-term memory whose input gate is what the forget gate leaves.

    .. math::
        f_t &= \sigma(x_t W_{xf} + h_{t-1} W_{hf} + b_f) \\
        g_t &= \tanh(x_t W_{xg} + h_{t-1} W_{hg} + b_g) \\
        o_t &= \sigma(x_t W_{xo} + h_{t-1} W_{ho} + b_o) \\
        c_t &= f_t \odot c_{t-1} + (1 - f_t) \odot g_t \\
        h_t &= o_t \odot \tanh(c_t), \qquad y_t = h_t

    Args:
        input_size: D, features of one input.
        hidden_size: H, units.
        initialization: "keras" or "torch", as of `rnnjax.gated_cell.GatedCell`; the forget gate's
            bias begins at 1 more.
        use_bias: whether there are biases.

    Parameters: `GatedParams`, in the order f, g, o. Carry: `MemoryCarry`. Output: ``[..., H]``.

    Raises:
        ValueError: a size is not a positive integer, or a name is unknown.

    Equals `rnnjax.LSTM` whose input gate has the parameters of the forget gate with their signs
    turned. TensorFlow 1's ``CoupledInputForgetGateLSTMCell`` adds 1 to the forget gate at every
    step, and the paper's has peepholes.

    >>> cell = CIFGLSTM(input_size=3, hidden_size=2)
    >>> params = cell.init(jax.random.key(0))
    >>> carry, y = cell(params, cell.initial_carry(), jnp.array([1.0, -1.0, 2.0]))
    >>> y.shape
    (2,)

    Source: K. Greff et al., "LSTM: a search space odyssey", IEEE TNNLS 28 (2017),
    arXiv:1503.04069, its variant CIFG.
    """

    gate_names = ("f", "g", "o")
    first_biases: ClassVar = {"f": 1.0}
    carry_type = MemoryCarry

    def step(
        self, params: GatedParams, carry: MemoryCarry, z: jax.Array, noise: Noise = SILENCE
    ) -> tuple[MemoryCarry, jax.Array]:
        a = self.sums(params, carry.h, z, noise)
        f, g, o = gates(a, ("sigmoid", "tanh", "sigmoid"))
        c = f * carry.c + (1 - f) * noise.on_update(g)
        h = o * jnp.tanh(c)
        return settled(carry, MemoryCarry(h, c), h, z)
