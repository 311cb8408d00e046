"""The cell that a search by reinforcement learning found."""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp

from rnnjax.activations import gates
from rnnjax.cell import affine, check_input, recur, settled
from rnnjax.gated_cell import GatedCell, GatedParams, MemoryCarry
from rnnjax.hyperparameters import Flag
from rnnjax.noise import SILENCE, Noise

_ACTIVATIONS = ("sigmoid", "relu", "sigmoid", "relu", "tanh", "sigmoid", "tanh", "sigmoid")
"""The activations of the eight branches."""

_PRODUCT = 3
"""The branch that multiplies what the others add."""


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class NAS(GatedCell):
    r"""A cell of eight branches, found by a search for one that models English well.

    .. math::
        a^k &= x_t W_x^k + h_{t-1} W_h^k + b^k, \quad k = 0, 1, 2, 4, 5, 6, 7 \\
        a^3 &= (x_t W_x^3) \odot (h_{t-1} W_h^3 + b^3) \\
        p &= \tanh(\sigma(a^0) \odot \mathrm{relu}(a^1)) \\
        q &= \tanh(\sigma(a^2) + \mathrm{relu}(a^3)) \\
        u &= \tanh(\tanh(a^4) \odot \sigma(a^5)) \\
        v &= \sigma(\tanh(a^6) + \sigma(a^7)) \\
        c_t &= \tanh(p + c_{t-1}) \odot q \\
        h_t &= \tanh(c_t \odot \tanh(u + v)), \qquad y_t = h_t

    Args:
        input_size: D, features of one input.
        hidden_size: H, units.
        initialization: "keras" or "torch", as of `rnnjax.gated_cell.GatedCell`.
        use_bias: whether there are biases; not by default, as in TensorFlow.

    Parameters: `GatedParams`, in the order of k. Carry: `MemoryCarry`. Output: ``[..., H]``.

    Raises:
        ValueError: a size is not a positive integer, or a name is unknown.

    Equals ``NASCell`` of TensorFlow 1 and of TensorFlow Addons, whose first values are others and
    whose optional projection of h is not here. In torchrecurrent and RecurrentLayers.jl the fourth
    branch adds, too.

    >>> cell = NAS(input_size=3, hidden_size=2)
    >>> params = cell.init(jax.random.key(0))
    >>> carry, y = cell(params, cell.initial_carry(), jnp.array([1.0, -1.0, 2.0]))
    >>> y.shape
    (2,)

    Source: B. Zoph, Q. V. Le, "Neural architecture search with reinforcement learning", ICLR 2017,
    arXiv:1611.01578; the fourth branch as in ``NASCell`` of tensorflow/addons.
    """

    use_bias: Flag = dataclasses.field(default=False, kw_only=True)

    gate_names = tuple("01234567")
    carry_type = MemoryCarry

    def project(self, params: GatedParams, x: jax.Array) -> jax.Array:
        check_input(self, x)
        return affine(x, params.w_x)

    def step(
        self, params: GatedParams, carry: MemoryCarry, z: jax.Array, noise: Noise = SILENCE
    ) -> tuple[MemoryCarry, jax.Array]:
        given = jnp.split(z, 8, axis=-1)
        read = jnp.split(recur(noise.on_state(carry.h), params.w_h, params.b), 8, axis=-1)
        a = [own + other for own, other in zip(given, read, strict=True)]
        a[_PRODUCT] = given[_PRODUCT] * read[_PRODUCT]
        s = gates(jnp.concatenate(a, axis=-1), _ACTIVATIONS)
        p, q = jnp.tanh(s[0] * s[1]), jnp.tanh(s[2] + s[3])
        u = jnp.tanh(s[4] * s[5])
        (v,) = gates(s[6] + s[7], ("sigmoid",))
        c = jnp.tanh(noise.on_update(p) + carry.c) * q
        h = jnp.tanh(c * jnp.tanh(u + v))
        return settled(carry, MemoryCarry(h, c), h, z)
