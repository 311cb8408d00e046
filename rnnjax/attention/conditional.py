"""Two steps for each input, with a look at the memory between them."""

from __future__ import annotations

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp

from rnnjax.attention.reader import PlainCell, Reader, ReaderCarry, ReaderParams
from rnnjax.attention.scoring import Remembered


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True, kw_only=True)
class Conditional(Reader):
    r"""A state that takes one step for the input, and a second one for what it then reads.

    .. math::
        s'_t &= \mathrm{step}_1(s_{t-1}, x_t), \qquad
        a_t = \mathrm{softmax}_s\, \mathrm{score}(h'_t, m_s), \qquad c_t = \sum_s a_{ts} m_s \\
        s_t &= \mathrm{step}_2(s'_t, c_t), \qquad y_t = [h_t; c_t]

    Args:
        cell: step 1.
        attention: how places are scored.
        second: step 2, whose inputs are M features and whose carry is that of step 1.
        initialization: without use here; the cells and the attention have their own.

    Parameters: `ReaderParams` with those of the second cell as ``more``. Carry: `ReaderCarry`.
    Output: ``[..., H + M]``.

    Raises:
        ValueError: the sizes don't fit each other, or the carries of the cells differ.

    With two GRUs and additive scores, the "conditional GRU" of Nematus and of dl4mt.

    Source: R. Sennrich et al., "Nematus: a toolkit for neural machine translation",
    arXiv:1703.04357, section 2.1.
    """

    second: PlainCell

    def __post_init__(self) -> None:
        super().__post_init__()
        carries = [jax.eval_shape(cell.initial_carry) for cell in (self.cell, self.second)]
        if self.second.input_size != self.memory_size or carries[0] != carries[1]:
            raise ValueError(
                "Conditional: the second cell must read the memory's "
                f"{self.memory_size} features and have the first one's carry, but is "
                f"{self.second!r}."
            )

    @property
    def output_size(self) -> int:
        return self.cell.output_size + self.memory_size

    def init(self, key: jax.Array) -> ReaderParams:
        keys = jax.random.split(key, 3)
        parts = (self.cell, self.attention, self.second)
        return ReaderParams(*(part.init(k) for part, k in zip(parts, keys, strict=True)))

    def step_and_weights(
        self, params: ReaderParams, carry: ReaderCarry, z: Any, remembered: Remembered
    ) -> tuple[ReaderCarry, jax.Array, jax.Array]:
        between, h = self.cell.step(params.cell, carry.cell, z)
        context, weights, past = self._read(params, h, remembered, carry.past)
        context = context.astype(h.dtype)
        state, y = self.second.step(params.more, between, self.second.project(params.more, context))
        return ReaderCarry(state, None, past), jnp.concatenate((y, context), axis=-1), weights
