"""What was made of state and context is a second input of the next step."""

from __future__ import annotations

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp

from rnnjax.attention.reader import Reader, ReaderCarry, ReaderParams, added, hidden, matrix_into
from rnnjax.attention.scoring import Remembered
from rnnjax.cell import Carry, Memory, recur
from rnnjax.hyperparameters import Size
from rnnjax.initializers import INITIALIZATIONS


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True, kw_only=True)
class InputFeeding(Reader):
    r"""A cell that steps, reads a memory by its new state, and feeds the result to its next step.

    .. math::
        s_t &= \mathrm{step}(s_{t-1},\, \mathrm{project}(x_t) + \tilde h_{t-1} W_f) \\
        a_t &= \mathrm{softmax}_s\, \mathrm{score}(h_t, m_s), \qquad c_t = \sum_s a_{ts} m_s \\
        \tilde h_t &= \tanh([c_t; h_t] W_c), \qquad y_t = \tilde h_t

    Args:
        cell: as of `Attending`.
        attention: likewise.
        attentional_size: features of the attentional state h̃.
        feeding: whether h̃ is fed to the next step; without it, there is no W_f.
        initialization: "keras" or "torch".

    Parameters: `ReaderParams` with (W_c ``[M + H, F]``, W_f ``[F, Z]`` or None) as ``more``. Carry:
    `ReaderCarry`, h̃ in ``fed``. Output: ``[..., F]``.

    Raises:
        ValueError: as `Attending`.

    Source: M.-T. Luong, H. Pham, C. Manning, arXiv:1508.04025, equation 5 and section 3.3.
    """

    attentional_size: Size
    feeding: bool = True

    @property
    def output_size(self) -> int:
        return self.attentional_size

    def init(self, key: jax.Array) -> ReaderParams:
        keys = jax.random.split(key, 4)
        num = self.memory_size + self.cell.output_size
        draw = INITIALIZATIONS[self.initialization].dense_kernel(num)
        fed = None
        if self.feeding:
            fed = matrix_into(self.cell, self.attentional_size, self.initialization, keys[3])
        w_c = draw(keys[2], (num, self.attentional_size))
        return ReaderParams(self.cell.init(keys[0]), self.attention.init(keys[1]), (w_c, fed))

    def carry_around(self, cell: Carry, memory: Memory | None = None) -> ReaderCarry:
        carry = super().carry_around(cell, memory)
        if not self.feeding:
            return carry
        h = hidden(cell)
        return carry._replace(fed=jnp.zeros((*h.shape[:-1], self.attentional_size), h.dtype))

    def step_and_weights(
        self, params: ReaderParams, carry: ReaderCarry, z: Any, remembered: Remembered
    ) -> tuple[ReaderCarry, jax.Array, jax.Array]:
        w_c, w_f = params.more
        if carry.fed is not None:
            z = added(z, carry.fed, w_f)
        state, h = self.cell.step(params.cell, carry.cell, z)
        context, weights, past = self._read(params, h, remembered, carry.past)
        y = jnp.tanh(recur(jnp.concatenate((context.astype(h.dtype), h), axis=-1), w_c))
        fed = None if carry.fed is None else y.astype(carry.fed.dtype)
        return ReaderCarry(state, fed, past), y, weights
