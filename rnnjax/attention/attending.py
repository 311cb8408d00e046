"""The context read for the state before a step is a second input of the step."""

from __future__ import annotations

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp

from rnnjax.attention.reader import Reader, ReaderCarry, ReaderParams, added, hidden, matrix_into
from rnnjax.attention.scoring import Remembered


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class Attending(Reader):
    r"""A cell that reads a memory by its last state, and steps with what it has read.

    .. math::
        a_t &= \mathrm{softmax}_s\, \mathrm{score}(h_{t-1}, m_s), \qquad
        c_t = \sum_s a_{ts} m_s \\
        s_t &= \mathrm{step}(s_{t-1},\, \mathrm{project}(x_t) + c_t W_c), \qquad y_t = [h_t; c_t]

    Args:
        cell: what has the state: any cell, or a `rnnjax.Stack` of cells, whose top one's state
            asks and whose lowest one reads c.
        attention: how places are scored: a `rnnjax.attention.Attention`.
        initialization: "keras" or "torch": W_c is drawn as the cell's input matrix would be.

    Parameters: `ReaderParams` with W_c ``[M, Z]`` as ``more``. Carry: `ReaderCarry`. Output:
    ``[..., H + M]``, state and context side by side, for the layer that predicts.

    Raises:
        ValueError: the sizes of cell and attention don't fit each other, or ``project`` of the
            cell gives more than one array.

    The GRU form, with additive scores, is the decoder of Bahdanau et al. A PyTorch cell that
    reads ``torch.cat((x, c), 1)`` has W_x and W_c one below the other.

    >>> from rnnjax import GRU, Memory, unroll
    >>> from rnnjax.attention import Additive
    >>> cell = Attending(GRU(3, 4), Additive(query_size=4, memory_size=5, attention_size=6))
    >>> params = cell.init(jax.random.key(0))
    >>> memory = Memory(jnp.ones((2, 7, 5)))  # 2 rows, 7 places
    >>> carry, ys = unroll(cell, params, jnp.ones((8, 2, 3)), memory=memory)
    >>> ys.shape
    (8, 2, 9)

    Source: D. Bahdanau, K. Cho, Y. Bengio, arXiv:1409.0473, equations 4 to 6, appendix A.2.2.
    """

    @property
    def output_size(self) -> int:
        return self.cell.output_size + self.memory_size

    def init(self, key: jax.Array) -> ReaderParams:
        keys = jax.random.split(key, 3)
        return ReaderParams(
            self.cell.init(keys[0]),
            self.attention.init(keys[1]),
            matrix_into(self.cell, self.memory_size, self.initialization, keys[2]),
        )

    def step_and_weights(
        self, params: ReaderParams, carry: ReaderCarry, z: Any, remembered: Remembered
    ) -> tuple[ReaderCarry, jax.Array, jax.Array]:
        query = hidden(carry.cell)
        context, weights, past = self._read(params, query, remembered, carry.past)
        state, y = self.cell.step(params.cell, carry.cell, added(z, context, params.more))
        y = jnp.concatenate((y, context.astype(y.dtype)), axis=-1)
        return ReaderCarry(state, None, past), y, weights
