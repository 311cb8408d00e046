"""The recurrent cell that is made to be stacked."""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp

from rnnjax.activations import gates
from rnnjax.cell import settled
from rnnjax.gated_cell import GatedCell, GatedParams, HiddenCarry
from rnnjax.noise import SILENCE, Noise


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class STAR(GatedCell):
    r"""The stackable recurrent cell: one gate lets in what is made of the input alone.

    .. math::
        k_t &= \sigma(x_t W_{xk} + h_{t-1} W_{hk} + b_k) \\
        n_t &= \tanh(x_t W_{xn} + b_n) \\
        h_t &= \tanh((1 - k_t) \odot h_{t-1} + k_t \odot n_t), \qquad y_t = h_t

    Args:
        input_size: D, features of one input.
        hidden_size: H, units.
        initialization: "keras", whose recurrent matrix is orthogonal as the paper's is, or "torch",
            as of `rnnjax.gated_cell.GatedCell`.
        use_bias: whether there are biases.

    Parameters: `GatedParams`, in the order k, n, of which k reads the state. Carry: `HiddenCarry`.
    Output: ``[..., H]``.

    Raises:
        ValueError: a size is not a positive integer, or a name is unknown.

    Equals tanh of a dense layer's tanh where the gate is open. Its authors' TensorFlow code has a
    gate that keeps, and 1 less in the sum of the one that lets in; the cell of their convolutional
    code has no outer tanh.

    >>> cell = STAR(input_size=3, hidden_size=2)
    >>> params = cell.init(jax.random.key(0))
    >>> carry, y = cell(params, cell.initial_carry(), jnp.array([1.0, -1.0, 2.0]))
    >>> y.shape
    (2,)

    Source: M. O. Turkoglu et al., "Gating revisited: deep multi-layer RNNs that can be trained",
    IEEE TPAMI 2021, arXiv:1911.11033; the two codes are those of 0zgur0.
    """

    gate_names = ("k", "n")
    recurrent_gates = 1

    def step(
        self, params: GatedParams, carry: HiddenCarry, z: jax.Array, noise: Noise = SILENCE
    ) -> tuple[HiddenCarry, jax.Array]:
        k, n = gates(self.sums(params, carry.h, z, noise), ("sigmoid", "tanh"))
        h = jnp.tanh((1 - k) * carry.h + k * noise.on_update(n))
        return settled(carry, HiddenCarry(h), h, z)
