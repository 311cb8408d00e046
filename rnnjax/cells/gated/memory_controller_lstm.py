"""The long short-term memory with a gate of its own for what it reads of itself."""

from __future__ import annotations

import dataclasses
from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp

from rnnjax.activations import gates
from rnnjax.cell import settled
from rnnjax.gated_cell import GatedCell, GatedParams
from rnnjax.noise import SILENCE, Noise


class MemoryControllerLSTMCarry(NamedTuple):
    """Carry: what the gates read, ``v [..., H]``, and the memory ``c [..., H]``."""

    v: jax.Array
    c: jax.Array


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class MemoryControllerLSTM(GatedCell):
    r"""Long short-term memory whose gates read another view of the memory than is given out.

    .. math::
        f_t, i_t, o_t, m_t &= \sigma(x_t W_x + v_{t-1} W_v + b) \\
        n_t &= \tanh(x_t W_{xn} + v_{t-1} W_{vn} + b_n) \\
        c_t &= f_t \odot c_{t-1} + i_t \odot n_t \\
        v_t &= m_t \odot \tanh(c_t), \qquad y_t = o_t \odot \tanh(c_t)

    Args:
        input_size: D, features of one input.
        hidden_size: H, units.
        initialization: "keras" or "torch", as of `rnnjax.gated_cell.GatedCell`; the forget gate's
            bias begins at 1 more.
        use_bias: whether there are biases.

    Parameters: `GatedParams`, in the order f, i, o, m, n. Carry: `MemoryControllerLSTMCarry`.
    Output: ``[..., H]``.

    Raises:
        ValueError: a size is not a positive integer, or a name is unknown.

    Equals `rnnjax.LSTM` where the parameters of m are those of o. torchrecurrent and
    RecurrentLayers.jl call it MCLSTM, which elsewhere is the mass-conserving one. The equations
    were checked against the former only; the paper was not read.

    >>> cell = MemoryControllerLSTM(input_size=3, hidden_size=2)
    >>> params = cell.init(jax.random.key(0))
    >>> carry, y = cell(params, cell.initial_carry(), jnp.array([1.0, -1.0, 2.0]))
    >>> y.shape
    (2,)

    Source: I. Ben-Ari, R. Shwartz-Ziv, time series workshop at NIPS 2017, as torchrecurrent cites
    it.
    """

    gate_names = ("f", "i", "o", "m", "n")
    first_biases: ClassVar = {"f": 1.0}
    carry_type = MemoryControllerLSTMCarry

    def step(
        self,
        params: GatedParams,
        carry: MemoryControllerLSTMCarry,
        z: jax.Array,
        noise: Noise = SILENCE,
    ) -> tuple[MemoryControllerLSTMCarry, jax.Array]:
        a = self.sums(params, carry.v, z, noise)
        f, i, o, m, n = gates(a, ("sigmoid", "sigmoid", "sigmoid", "sigmoid", "tanh"))
        c = f * carry.c + i * noise.on_update(n)
        seen = jnp.tanh(c)
        return settled(carry, MemoryControllerLSTMCarry(m * seen, c), o * seen, z)
