"""The recurrent additive network."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import jax
import jax.numpy as jnp

from rnnjax.activations import ACTIVATIONS, gates
from rnnjax.cell import affine, check_input, settled
from rnnjax.gated_cell import GatedCell, GatedParams, MemoryCarry
from rnnjax.hyperparameters import Activation
from rnnjax.noise import SILENCE, Noise


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class RAN(GatedCell):
    r"""Recurrent additive network: the memory is a gated sum of linear images of the inputs.

    .. math::
        i_t &= \sigma(x_t W_{xi} + h_{t-1} W_{hi} + b_i) \\
        f_t &= \sigma(x_t W_{xf} + h_{t-1} W_{hf} + b_f) \\
        c_t &= i_t \odot (x_t W_{xc}) + f_t \odot c_{t-1} \\
        h_t &= \phi(c_t), \qquad y_t = h_t

    Args:
        input_size: D, features of one input.
        hidden_size: H, units.
        activation: φ, a name in `rnnjax.activations.ACTIVATIONS`; "tanh" or "linear" in the paper.
        initialization: "keras" or "torch", as of `rnnjax.gated_cell.GatedCell`.
        use_bias: whether there are biases.

    Parameters: `GatedParams`, in the order i, f, c, of which c reads no state and has no bias:
    ``w_x [D, 3H]``, ``w_h [H, 2H]``, ``b [2H]``. Carry: `MemoryCarry`. Output: ``[..., H]``.

    Raises:
        ValueError: a size is not a positive integer, or a name is unknown.

    Equals `rnnjax.LSTM`, both with linear activations, whose output gate is open and whose
    candidate reads no state and has no bias. With any activation c is a weighted sum of the images
    of all inputs, the weight of each its input gate times all forget gates since. The authors' code
    can put a dense layer behind h, and feeds back what that gives.

    >>> cell = RAN(input_size=3, hidden_size=2)
    >>> params = cell.init(jax.random.key(0))
    >>> carry, y = cell(params, cell.initial_carry(), jnp.array([1.0, -1.0, 2.0]))
    >>> y.shape
    (2,)

    Source: K. Lee, O. Levy, L. Zettlemoyer, "Recurrent additive networks", arXiv:1705.07393;
    kentonl/ran, ``ran.py``.
    """

    activation: Activation = "tanh"

    gate_names = ("i", "f", "c")
    recurrent_gates: ClassVar = 2
    carry_type = MemoryCarry

    def init(self, key: jax.Array) -> GatedParams:
        params = super().init(key)
        own = 2 * self.hidden_size
        return params._replace(b=None if params.b is None else params.b[:own])

    def project(self, params: GatedParams, x: jax.Array) -> jax.Array:
        check_input(self, x)
        b = None if params.b is None else jnp.pad(params.b, (0, self.hidden_size))
        return affine(x, params.w_x, b)

    def step(
        self, params: GatedParams, carry: MemoryCarry, z: jax.Array, noise: Noise = SILENCE
    ) -> tuple[MemoryCarry, jax.Array]:
        a = self.sums(params, carry.h, z, noise)
        i, f, content = gates(a, ("sigmoid", "sigmoid", "linear"))
        c = i * noise.on_update(content) + f * carry.c
        h = ACTIVATIONS[self.activation](c)
        return settled(carry, MemoryCarry(h, c), h, z)
