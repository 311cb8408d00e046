"""The block of xLSTM around an sLSTM."""

from __future__ import annotations

import dataclasses
import math
from typing import NamedTuple

import jax
import jax.numpy as jnp

from rnnjax.blocks.convolved import ConvolvedBlock
from rnnjax.cells.causal_conv import CausalConv, CausalConvParams
from rnnjax.cells.gated.slstm import SLSTM, SLSTMParams
from rnnjax.hyperparameters import Positive, Real, Size
from rnnjax.initializers import small_normal
from rnnjax.matrix_cell import blocked, by_head, together
from rnnjax.normalization import layer_norm


class SLSTMBlockParams(NamedTuple):
    """Parameters.

    ``gain [D]`` of the first norm; those of the convolution; ``w_i``, ``w_f``, ``w_z``, ``w_o``,
    each ``[heads, S, S]`` with S = D / heads; those of the sLSTM, whose ``w_x`` is None; ``gain_h
    [D]`` of the norm of heads; ``gain_f [D]`` of the norm before the last layers; ``w_up [D, 2F]``,
    fused in the order gate, value; ``w_down [F, D]``.
    """

    gain: jax.Array
    conv: CausalConvParams
    w_i: jax.Array
    w_f: jax.Array
    w_z: jax.Array
    w_o: jax.Array
    core: SLSTMParams
    gain_h: jax.Array
    gain_f: jax.Array
    w_up: jax.Array
    w_down: jax.Array


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class SLSTMCore(SLSTM):
    """An sLSTM that reads what its matrix would give."""

    def project(self, params: SLSTMParams, x: jax.Array) -> jax.Array:
        assert params.b is not None
        return x + jnp.broadcast_to(params.b, x.shape)


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class SLSTMBlock(ConvolvedBlock):
    r"""The sLSTM block of xLSTM: a norm, an sLSTM that a convolution feeds, and dense layers.

    .. math::
        n &= \mathrm{LN}(x), \qquad c = \mathrm{SiLU}(\mathrm{conv}(n)) \\
        h &= \mathrm{sLSTM}(c\, W_i,\; c\, W_f,\; n\, W_z,\; n\, W_o), \qquad
            u = x + \mathrm{LN}_{heads}(h) \\
        y &= u + \big(\mathrm{GELU}(\mathrm{LN}(u) W_1) \odot \mathrm{LN}(u) W_2\big)\, W_3

    where the matrices of the gates have a block for each head.

    Args:
        input_size: D, features of one input and of an output.
        heads: of the sLSTM; they divide D.
        inner_size: F, features between the last layers; None for ⌈4 D / 3⌉.
        window: of the convolution.
        depth: as of `rnnjax.SLSTM`.
        blocks: how many blocks the model has, for the first values of W_3.
        epsilon: of the norms.

    Parameters: `SLSTMBlockParams`. As in the authors' code W_3 is N(0, 4 / (D blocks²)) at first,
    the other matrices N(0, 2 / (5 D)), those of the sLSTM its own; gains are 1. Carry: a pair of
    `CausalConvCarry` and `SLSTMCarry`. Output: ``[..., D]``.

    Raises:
        ValueError: a size is not a positive integer, the window is 1, the heads do not divide D, or
            the depth is not between 0 and 1.

    Norms have no shift. The authors' code keeps gains less 1.

    >>> block = SLSTMBlock(8)
    >>> conv, state = block.initial_carry()
    >>> conv.x.shape, state.h.shape
    ((3, 8), (8,))

    Source: M. Beck et al., "xLSTM: extended long short-term memory", NeurIPS 2024,
    arXiv:2405.04517; NX-AI/xlstm, ``xlstm/blocks/slstm/layer.py`` and ``xlstm_block.py``.
    """

    input_size: Size
    heads: Size = 4
    inner_size: Size | None = None
    window: Size = 4
    depth: Real = 0.0
    blocks: Size = 1
    epsilon: Positive = 1e-5

    @property
    def core(self) -> SLSTM:
        d = self.input_size
        return SLSTMCore(4 * d, d, self.heads, depth=self.depth)

    @property
    def conv(self) -> CausalConv:
        return CausalConv(self.input_size, self.window, activation="silu")

    def init(self, key: jax.Array) -> SLSTMBlockParams:
        d, size = self.input_size, self.input_size // self.heads
        inner = self.inner_size or math.ceil(4 * d / 3)
        keys = jax.random.split(key, 8)
        draw = small_normal(d)
        w_i, w_f, w_z, w_o = (draw(own, (self.heads, size, size)) for own in keys[:4])
        return SLSTMBlockParams(
            jnp.ones(d), self.conv.init(keys[4]), w_i, w_f, w_z, w_o,
            self.core.init(keys[5])._replace(w_x=None), jnp.ones(d), jnp.ones(d),
            draw(keys[6], (d, 2 * inner)),
            2 / self.blocks * d**-0.5 * jax.random.normal(keys[7], (inner, d)),
        )  # fmt: skip

    def enter(self, params: SLSTMBlockParams, x: jax.Array) -> tuple[jax.Array, jax.Array]:
        normed = layer_norm(x, params.gain, epsilon=self.epsilon)
        gates = [blocked(normed, w) for w in (params.w_z, params.w_o)]
        return normed, jnp.concatenate(gates, axis=-1)

    def between(self, params: SLSTMBlockParams, convolved: jax.Array, rest: jax.Array) -> jax.Array:
        gates = [blocked(convolved, w) for w in (params.w_i, params.w_f)]
        return jnp.concatenate((*gates, rest), axis=-1)

    def leave(
        self,
        params: SLSTMBlockParams,
        y: jax.Array,
        convolved: jax.Array,
        rest: jax.Array,
        x: jax.Array,
    ) -> jax.Array:
        gain = by_head(params.gain_h, self.heads)
        x = x + together(layer_norm(by_head(y, self.heads), gain, epsilon=self.epsilon))
        normed = layer_norm(x, params.gain_f, epsilon=self.epsilon)
        gate, value = jnp.split(jnp.matmul(normed, params.w_up), 2, axis=-1)
        return x + jnp.matmul(jax.nn.gelu(gate, approximate=False) * value, params.w_down)
