"""The block of Mamba-2."""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import jax
import jax.numpy as jnp

from rnnjax.blocks.convolved import ConvolvedBlock
from rnnjax.cell import affine
from rnnjax.cells.causal_conv import CausalConv, CausalConvParams
from rnnjax.cells.memory.ssd import SSD, SSDParams
from rnnjax.hyperparameters import Flag, Positive, Size
from rnnjax.initializers import symmetric_uniform
from rnnjax.matrix_cell import by_head, parts, together
from rnnjax.normalization import rms_norm


class Mamba2BlockParams(NamedTuple):
    """Parameters, the first matrix fused in the order gate, x, B, C, dt.

    ``w_in [D, 2E + 2 groups · N + heads]``, ``w_out [E, D]``, their biases (None where absent); the
    norm's ``gain [E]``; those of the convolution and of the state space.
    """

    w_in: jax.Array
    conv: CausalConvParams
    core: SSDParams
    gain: jax.Array
    w_out: jax.Array
    b_in: jax.Array | None = None
    b_out: jax.Array | None = None


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class Mamba2Block(ConvolvedBlock):
    r"""The block of Mamba-2: a short convolution and a state space of matrices, gated.

    .. math::
        g, u, dt &= x W_g,\; x W_u,\; x W_{dt}, \qquad
            x', B, C = \mathrm{SiLU}(\mathrm{conv}(u)) \\
        y &= \mathrm{RMS}(\mathrm{SSD}(x', B, C, dt) \odot \mathrm{SiLU}(g))\, W_o

    with E = expansion · D features of x', and a norm of the features of each group by itself.

    Args:
        input_size: D, features of one input and of an output.
        heads: as of `rnnjax.SSD`; they divide E. The authors have heads of 64 features.
        state_size: N, of the same.
        groups: of the same.
        expansion: E / D.
        window: of the convolution.
        norm_first: whether the gate is behind the norm, as ``norm_before_gate`` of the authors'.
        use_bias: whether the two matrices have biases; the convolution has one in any case.
        epsilon: of the norm.

    Parameters: `Mamba2BlockParams`; matrices uniform at ±1/√(their inputs). Carry: a pair of
    `CausalConvCarry` and `rnnjax.matrix_cell.MatrixCarry`. Output: ``[..., D]``.

    Raises:
        ValueError: a size is not a positive integer, the window is 1, or one size does not divide
            the other.

    The authors' model has an RMS norm in front of it and a residual connection around both.

    >>> block = Mamba2Block(8, state_size=16)
    >>> conv, state = block.initial_carry()
    >>> conv.x.shape, state.s.shape
    ((3, 48), (4, 16, 4))

    Source: T. Dao, A. Gu, "Transformers are SSMs", ICML 2024, arXiv:2405.21060, section 7;
    state-spaces/mamba, ``modules/mamba2.py``.
    """

    input_size: Size
    heads: Size = 4
    state_size: Size = 128
    groups: Size = 1
    expansion: Size = 2
    window: Size = 4
    norm_first: Flag = False
    use_bias: Flag = False
    epsilon: Positive = 1e-5

    @property
    def _width(self) -> int:
        """E."""
        return self.expansion * self.input_size

    @property
    def core(self) -> SSD:
        return SSD(self._width, self.heads, self.state_size, self.groups)

    @property
    def conv(self) -> CausalConv:
        width = self._width + 2 * self.groups * self.state_size
        return CausalConv(width, self.window, activation="silu")

    def init(self, key: jax.Array) -> Mamba2BlockParams:
        d, e = self.input_size, self._width
        keys = jax.random.split(key, 6)
        inner, outer = symmetric_uniform(d), symmetric_uniform(e)
        width = e + self.conv.input_size + self.heads
        return Mamba2BlockParams(
            inner(keys[0], (d, width)),
            self.conv.init(keys[1]),
            self.core.init(keys[2]),
            jnp.ones(e),
            outer(keys[3], (e, d)),
            inner(keys[4], (width,)) if self.use_bias else None,
            outer(keys[5], (d,)) if self.use_bias else None,
        )

    def enter(
        self, params: Mamba2BlockParams, x: jax.Array
    ) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
        read = affine(x, params.w_in, params.b_in)
        gate, u, dt = parts(read, [self._width, self.conv.input_size, self.heads])
        return u, (gate, dt)

    def between(
        self,
        params: Mamba2BlockParams,
        convolved: jax.Array,
        rest: tuple[jax.Array, jax.Array],
    ) -> jax.Array:
        return jnp.concatenate((convolved, rest[1]), axis=-1)

    def leave(
        self,
        params: Mamba2BlockParams,
        y: jax.Array,
        convolved: jax.Array,
        rest: tuple[jax.Array, jax.Array],
        x: jax.Array,
    ) -> jax.Array:
        gate = jax.nn.silu(rest[0])
        y = y if self.norm_first else y * gate
        gain = by_head(params.gain, self.groups)
        y = together(rms_norm(by_head(y, self.groups), gain, epsilon=self.epsilon))
        return affine(y * gate if self.norm_first else y, params.w_out, params.b_out)
