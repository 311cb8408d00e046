"""The minimal gated unit."""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp

from rnnjax.activations import gates
from rnnjax.cell import recur, settled
from rnnjax.gated_cell import GatedCell, GatedParams, HiddenCarry
from rnnjax.noise import SILENCE, Noise


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class MGU(GatedCell):
    r"""Minimal gated unit: one gate resets what the candidate reads, and lets the candidate in.

    .. math::
        f_t &= \sigma(x_t W_{xf} + h_{t-1} W_{hf} + b_f) \\
        n_t &= \tanh(x_t W_{xn} + (f_t \odot h_{t-1}) W_{hn} + b_n) \\
        h_t &= (1 - f_t) \odot h_{t-1} + f_t \odot n_t, \qquad y_t = h_t

    Args:
        input_size: D, features of one input.
        hidden_size: H, units.
        initialization: "keras" or "torch", as of `rnnjax.gated_cell.GatedCell`.
        use_bias: whether there are biases.

    Parameters: `GatedParams`, in the order f, n. Carry: `HiddenCarry`. Output: ``[..., H]``.

    Raises:
        ValueError: a size is not a positive integer, or a name is unknown.

    Equals `rnnjax.GRU` with ``reset_after=False`` whose reset gate has the parameters of f and
    whose update gate, which keeps, has them with their signs turned. ``flax.linen.MGUCell`` is
    another function: its gate keeps, and resets behind the product.

    >>> cell = MGU(input_size=3, hidden_size=2)
    >>> params = cell.init(jax.random.key(0))
    >>> carry, y = cell(params, cell.initial_carry(), jnp.array([1.0, -1.0, 2.0]))
    >>> y.shape
    (2,)

    Source: G.-B. Zhou et al., "Minimal gated unit for recurrent neural networks", International
    Journal of Automation and Computing 13 (2016), arXiv:1603.09420.
    """

    gate_names = ("f", "n")

    def step(
        self, params: GatedParams, carry: HiddenCarry, z: jax.Array, noise: Noise = SILENCE
    ) -> tuple[HiddenCarry, jax.Array]:
        read = noise.on_state(carry.h)
        (w_f, w_n), (z_f, z_n) = (jnp.split(own, 2, axis=-1) for own in (params.w_h, z))
        (f,) = gates(z_f + recur(read, w_f), ("sigmoid",))
        n = jnp.tanh(z_n + recur(f * read, w_n))
        h = (1 - f) * carry.h + f * noise.on_update(n)
        return settled(carry, HiddenCarry(h), h, z)
