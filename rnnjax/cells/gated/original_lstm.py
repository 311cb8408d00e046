"""The long short-term memory of 1997, which forgets nothing."""

from __future__ import annotations

import dataclasses
from typing import Annotated, ClassVar

import jax
import jax.numpy as jnp

from rnnjax.activations import gates
from rnnjax.cell import settled
from rnnjax.gated_cell import GatedCell, GatedParams, MemoryCarry
from rnnjax.hyperparameters import one_of
from rnnjax.noise import SILENCE, Noise

SQUASHES = ("1997", "tanh")
"""What squashes the candidate and the memory."""


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class OriginalLSTM(GatedCell):
    r"""Long short-term memory without a forget gate: the memory keeps all that it was given.

    .. math::
        i_t &= \sigma(x_t W_{xi} + h_{t-1} W_{hi} + b_i) \\
        a_t &= x_t W_{xg} + h_{t-1} W_{hg} + b_g \\
        o_t &= \sigma(x_t W_{xo} + h_{t-1} W_{ho} + b_o) \\
        c_t &= c_{t-1} + i_t \odot s_g(a_t) \\
        h_t &= o_t \odot s_h(c_t), \qquad y_t = h_t

    Args:
        input_size: D, features of one input.
        hidden_size: H, units.
        squash: "1997" for :math:`s_g(a) = 4 \sigma(a) - 2` and :math:`s_h(a) = 2 \sigma(a) - 1`,
            or "tanh" for both.
        initialization: "keras" or "torch", as of `rnnjax.gated_cell.GatedCell`; the output gate's
            bias begins at 1 less.
        use_bias: whether there are biases.

    Parameters: `GatedParams`, in the order i, g, o. Carry: `MemoryCarry`. Output: ``[..., H]``.

    Raises:
        ValueError: a size is not a positive integer, or a name is unknown.

    Equals `rnnjax.LSTM` whose forget gate is open, its weights 0 and its bias large, for "tanh".

    Equals itself with "tanh", the parameters of g halved and c twice as large, for "1997". What
    torchrecurrent and RecurrentLayers.jl call original has tanh. The gradient here is the whole
    one, where that of the paper is cut behind one step.

    >>> cell = OriginalLSTM(input_size=3, hidden_size=2)
    >>> params = cell.init(jax.random.key(0))
    >>> carry, y = cell(params, cell.initial_carry(), jnp.array([1.0, -1.0, 2.0]))
    >>> y.shape
    (2,)

    Source: S. Hochreiter, J. Schmidhuber, "Long short-term memory", Neural Computation 9 (1997),
    1735-1780; checked were the gates, in torchrecurrent. The two squashing functions are as they
    are commonly told of, and how far below 0 the paper's output biases begin was not established.
    """

    squash: Annotated[str, one_of(SQUASHES)] = "1997"

    gate_names = ("i", "g", "o")
    first_biases: ClassVar = {"o": -1.0}
    carry_type = MemoryCarry

    def step(
        self, params: GatedParams, carry: MemoryCarry, z: jax.Array, noise: Noise = SILENCE
    ) -> tuple[MemoryCarry, jax.Array]:
        a = self.sums(params, carry.h, z, noise)
        i, g, o = gates(a, ("sigmoid", "linear", "sigmoid"))
        c = carry.c + i * noise.on_update(self._squashed(g, 2))
        h = o * self._squashed(c, 1)
        return settled(carry, MemoryCarry(h, c), h, z)

    def _squashed(self, a: jax.Array, bound: int) -> jax.Array:
        """In ±1, or for 1997 in ±`bound`: 2σ(a) - 1 is tanh(a / 2), without its cancellation."""
        return jnp.tanh(a) if self.squash == "tanh" else bound * jnp.tanh(a / 2)
