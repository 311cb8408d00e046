"""The LSTM with exponential gates and a scalar memory, of xLSTM."""

from __future__ import annotations

import dataclasses
from typing import Annotated, ClassVar, NamedTuple

import jax
import jax.numpy as jnp

from rnnjax.cell import settled
from rnnjax.exponents import mean, over_largest
from rnnjax.gated_cell import GatedCell
from rnnjax.hyperparameters import Real, Size, one_of
from rnnjax.noise import SILENCE, Noise

FORGET_GATES = "exponential", "sigmoid"
"""What a forget gate may be."""


class SLSTMParams(NamedTuple):
    """Parameters, fused in the order i, f, z, o.

    ``w_x [D, 4H]``, ``w_h [heads, S, 4, S]`` with S = H / heads, and ``b [4H]`` (None where
    absent).
    """

    w_x: jax.Array
    w_h: jax.Array
    b: jax.Array | None = None


class SLSTMCarry(NamedTuple):
    """Carry, all ``[..., H]``: the hidden state ``h``; over e to ``m``, the memory ``c`` and what
    was written in all, ``n``."""

    h: jax.Array
    c: jax.Array
    n: jax.Array
    m: jax.Array


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class SLSTM(GatedCell):
    r"""The sLSTM of xLSTM: an LSTM whose input gate is an exponential, and whose output is a mean.

    .. math::
        \tilde i_t, \tilde f_t, \tilde z_t, \tilde o_t &= x_t W_x + h_{t-1} W_h + b \\
        m_t &= \max(\log f_t + m_{t-1},\; \tilde i_t), \qquad \log f_t = \log \sigma(\tilde f_t) \\
        c_t &= e^{\log f_t + m_{t-1} - m_t} \odot c_{t-1}
               + e^{\tilde i_t - m_t} \odot \tanh(\tilde z_t) \\
        n_t &= e^{\log f_t + m_{t-1} - m_t} \odot n_{t-1} + e^{\tilde i_t - m_t} \\
        h_t &= \sigma(\tilde o_t) \odot c_t / n_t, \qquad y_t = h_t

    with :math:`m_t = \tilde i_t` where n is 0, nothing being written yet. W_h has a block for each
    head: the units of a head read each other's states only. What comes out does not depend on m,
    which keeps the exponentials from overflowing.

    Args:
        input_size: D, features of one input.
        hidden_size: H, units.
        heads: blocks of W_h; they divide H.
        forget_gate: "sigmoid", as above; "exponential", log f is f̃ itself.
        depth: ρ, from 0 for the lowest block of a model to 1 for the highest, for the first biases.
        initialization: of W_x, "keras" (Glorot uniform) or "torch" (uniform ±1/√H).
        use_bias: whether there are biases.

    Parameters: `SLSTMParams`. As in the authors' code W_h begins with zeros, and so do the biases
    but f̃'s, which is :math:`5 - 12\, (k / (S - 1))^{0.3 + 1.3 \rho}` for unit k of a head of S.
    Carry: `SLSTMCarry`. Output: ``[..., H]``.

    Raises:
        ValueError: a size is not a positive integer, the heads do not divide H, ρ is not between 0
            and 1, or a name is unknown.

    Equals, with W_h of zeros, a mean of the candidates tanh(z̃) so far, each weighted by its input
    gate and all the forget gates since, times the output gate. The authors' code begins with m = ĩ
    where n is 0 in all rows at once: it gives 0 / 0 where a row is reset alone and ĩ is far below
    the m of before. The convolution, the norm and the projections around it are the block's.

    >>> cell = SLSTM(input_size=3, hidden_size=4, heads=2)
    >>> params = cell.init(jax.random.key(0))
    >>> carry, y = cell(params, cell.initial_carry(), jnp.array([1.0, -1.0, 2.0]))
    >>> y.shape, carry.n.tolist()
    ((4,), [1.0, 1.0, 1.0, 1.0])

    Source: M. Beck et al., "xLSTM: extended long short-term memory", NeurIPS 2024,
    arXiv:2405.04517; NX-AI/xlstm, ``xlstm/blocks/slstm``, for m and the first values.
    """

    heads: Size = 1
    forget_gate: Annotated[str, one_of(FORGET_GATES)] = "sigmoid"
    depth: Real = 0.0

    gate_names = ("i", "f", "z", "o")
    carry_type: ClassVar[type] = SLSTMCarry

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.hidden_size % self.heads:
            raise ValueError(
                f"SLSTM: heads={self.heads} must divide the hidden size, {self.hidden_size}."
            )
        if not 0 <= self.depth <= 1:
            raise ValueError(f"SLSTM: depth must lie between 0 and 1, not be {self.depth}.")

    def init(self, key: jax.Array) -> SLSTMParams:
        own, size = self.hidden_size, self.hidden_size // self.heads
        w_x, _, b, _ = self.draw_gates(key, num_gates=4, two_biases=False)
        if b is not None:
            place = jnp.arange(own) % size / max(size - 1, 1)
            forget = 5 - 12 * place ** (0.3 + 1.3 * self.depth)
            b = jnp.zeros_like(b).at[own : 2 * own].set(forget)
        return SLSTMParams(w_x, jnp.zeros((self.heads, size, 4, size)), b)

    def sums(self, params: SLSTMParams, h: jax.Array, z: jax.Array, noise: Noise) -> jax.Array:
        """As of `GatedCell`, by head."""
        read = noise.on_state(h).astype(params.w_h.dtype)
        read = read.reshape(*h.shape[:-1], self.heads, h.shape[-1] // self.heads)
        u = jnp.einsum("...hj,hjgk->...ghk", read, params.w_h)
        return z + u.reshape(z.shape)

    def step(
        self, params: SLSTMParams, carry: SLSTMCarry, z: jax.Array, noise: Noise = SILENCE
    ) -> tuple[SLSTMCarry, jax.Array]:
        i, f, candidate, o = jnp.split(self.sums(params, carry.h, z, noise), 4, axis=-1)
        log_f = jax.nn.log_sigmoid(f) if self.forget_gate == "sigmoid" else f
        m, kept, gained = over_largest(log_f + carry.m, i.astype(carry.m.dtype), carry.n)
        c = kept * carry.c + gained * noise.on_update(jnp.tanh(candidate))
        n = kept * carry.n + gained
        h = jax.nn.sigmoid(o) * mean(c, n)
        return settled(carry, SLSTMCarry(h, c, n, m), h, z)
