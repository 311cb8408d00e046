"""The block of Mamba."""

from __future__ import annotations

import dataclasses
import math

import jax

from rnnjax.blocks.gated import GatedBlock, GatedBlockParams
from rnnjax.cells.causal_conv import CausalConv
from rnnjax.cells.linear.s6 import S6
from rnnjax.combinators.stack import Stack
from rnnjax.hyperparameters import Flag, Size
from rnnjax.initializers import symmetric_uniform


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class MambaBlock(GatedBlock):
    r"""The block of Mamba: a short convolution and a selective state space, gated.

    .. math::
        u = \mathrm{S6}(\mathrm{SiLU}(\mathrm{conv}(x W_b))), \qquad
        y = (u \odot \mathrm{SiLU}(x W_g)) W_o

    with E = expansion · D features between the matrices.

    Args:
        input_size: D, features of one input and of an output.
        state_size: N, of `S6`.
        expansion: E / D.
        window: of the convolution.
        rank: R, of `S6`; None for ⌈D / 16⌉.
        use_bias: whether the two matrices have biases; the convolution has one in any case.

    Parameters: `GatedBlockParams`, with a pair of `CausalConvParams` and `S6Params`; matrices
    uniform at ±1/√(their inputs). Carry: a pair of `CausalConvCarry` and `S6Carry`. Output:
    ``[..., D]``.

    Raises:
        ValueError: a size is not a positive integer, or the window is 1.

    The authors' model has an RMS norm in front of it and a residual connection around both.

    >>> block = MambaBlock(8)
    >>> conv, state = block.initial_carry()
    >>> conv.x.shape, state.s.shape
    ((3, 16), (16, 16))

    Source: A. Gu, T. Dao, "Mamba: linear-time sequence modeling with selective state spaces",
    arXiv:2312.00752, section 3.4; state-spaces/mamba.
    """

    input_size: Size
    state_size: Size = 16
    expansion: Size = 2
    window: Size = 4
    rank: Size | None = None
    use_bias: Flag = False

    gate = staticmethod(jax.nn.silu)

    @property
    def branch(self) -> Stack:
        width = self.expansion * self.input_size
        rank = self.rank or math.ceil(self.input_size / 16)
        conv = CausalConv(width, self.window, activation="silu")
        return Stack((conv, S6(width, self.state_size, rank)))

    def init(self, key: jax.Array) -> GatedBlockParams:
        d, width = self.input_size, self.expansion * self.input_size
        keys = jax.random.split(key, 5)
        inner, outer = symmetric_uniform(d), symmetric_uniform(width)
        return GatedBlockParams(
            inner(keys[0], (d, 2 * width)),
            self.branch.init(keys[1]),
            outer(keys[2], (width, d)),
            inner(keys[3], (2 * width,)) if self.use_bias else None,
            outer(keys[4], (d,)) if self.use_bias else None,
        )
