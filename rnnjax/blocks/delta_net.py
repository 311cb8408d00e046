"""The layers of DeltaNet and of gated DeltaNet with their convolutions."""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from rnnjax.blocks.convolved import ConvolvedBlock
from rnnjax.cells.causal_conv import CausalConv, CausalConvParams
from rnnjax.cells.memory.delta_net import DeltaNet, GatedDeltaNet
from rnnjax.hyperparameters import Flag, Positive, Size


class DeltaNetBlockParams(NamedTuple):
    """Parameters: ``w_in``, the cell's ``w_x``; those of the convolution; those of the cell, whose
    ``w_x`` is None."""

    w_in: jax.Array
    conv: CausalConvParams
    core: Any


class _Read:
    """A cell that reads what its matrix would give."""

    def project(self, params: Any, x: jax.Array) -> jax.Array:
        return x


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class DeltaNetCore(_Read, DeltaNet):
    """Without a gate."""


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class GatedDeltaNetCore(_Read, GatedDeltaNet):
    """With one."""


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class DeltaNetBlock(ConvolvedBlock):
    r"""A memory that learns by the delta rule, and a short convolution before it.

    The equations of `rnnjax.GatedDeltaNet`, or ungated those of `rnnjax.DeltaNet`, with
    :math:`\mathrm{conv}(x W)` for :math:`x W` in q, k and v: a convolution of the last inputs,
    each feature by itself and without bias, in front of SiLU.

    Args:
        input_size: D, features of one input and of an output.
        heads: matrices, each by itself.
        key_size: K, features of a key; None for D / heads.
        value_size: V, features of a value; None for D / heads.
        gated: whether the memory fades and the output has a gate: gated DeltaNet.
        negative: as of `rnnjax.DeltaNet`.
        window: of the convolution.
        epsilon: of the norm.

    Parameters: `DeltaNetBlockParams`, uniform at ±1/√(their inputs), with `DeltaNetParams` or
    `GatedDeltaNetParams`. Carry: a pair of `CausalConvCarry` and
    `rnnjax.matrix_cell.MatrixCarry`. Output: ``[..., D]``.

    Raises:
        ValueError: a size is not a positive integer, the window is 1, or the heads do not divide D.

    Equals the cell with a kernel that is 1 for the present input and 0 for those before. The
    authors' models have an RMS norm in front of it and a residual connection around both.

    >>> block = DeltaNetBlock(8, heads=2)
    >>> conv, state = block.initial_carry()
    >>> conv.x.shape, state.s.shape
    ((3, 24), (2, 4, 4))

    Source: S. Yang et al., arXiv:2406.06484 (DeltaNet), and S. Yang, J. Kautz, A. Hatamizadeh,
    arXiv:2412.06464 (gated); fla-org/flash-linear-attention.
    """

    input_size: Size
    heads: Size = 4
    key_size: Size | None = None
    value_size: Size | None = None
    gated: Flag = True
    negative: Flag = False
    window: Size = 4
    epsilon: Positive = 1e-5

    @property
    def core(self) -> DeltaNet | GatedDeltaNet:
        d = self.input_size
        return (GatedDeltaNetCore if self.gated else DeltaNetCore)(
            d, d, self.heads, self.key_size, self.value_size, self.negative, epsilon=self.epsilon
        )

    @property
    def conv(self) -> CausalConv:
        own = self.input_size // self.heads
        width = 2 * (self.key_size or own) + (self.value_size or own)
        return CausalConv(self.heads * width, self.window, use_bias=False)

    def init(self, key: jax.Array) -> DeltaNetBlockParams:
        keys = jax.random.split(key)
        core = self.core.init(keys[0])
        return DeltaNetBlockParams(core.w_x, self.conv.init(keys[1]), core._replace(w_x=None))

    def enter(self, params: DeltaNetBlockParams, x: jax.Array) -> tuple[jax.Array, jax.Array]:
        read = jnp.matmul(x, params.w_in)
        width = self.conv.input_size
        return read[..., :width], read[..., width:]

    def between(
        self, params: DeltaNetBlockParams, convolved: jax.Array, rest: jax.Array
    ) -> jax.Array:
        return jnp.concatenate((convolved, rest), axis=-1)

    def leave(
        self,
        params: DeltaNetBlockParams,
        y: jax.Array,
        convolved: jax.Array,
        rest: jax.Array,
        x: jax.Array,
    ) -> jax.Array:
        return y
