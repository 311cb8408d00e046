"""The block of xLSTM around an mLSTM."""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import jax
import jax.numpy as jnp

from rnnjax.blocks.convolved import ConvolvedBlock
from rnnjax.cell import affine
from rnnjax.cells.causal_conv import CausalConv, CausalConvParams
from rnnjax.cells.memory.mlstm import MLSTM, MLSTMParams, Projected
from rnnjax.hyperparameters import Positive, Size
from rnnjax.initializers import small_normal
from rnnjax.matrix_cell import blocked, by_head, together
from rnnjax.normalization import layer_norm


class MLSTMBlockParams(NamedTuple):
    """Parameters.

    ``gain [D]`` of the first norm; ``w_in [D, 2E]``, fused in the order branch, gate; those of the
    convolution; ``w_q``, ``w_k``, ``w_v``, each ``[E / S, S, S]``; those of the mLSTM, of which
    there are but ``w_g [3E, 2 heads]`` and ``b_g``; ``gain_h [E]`` of the norm of heads; the skip's
    ``[E]``; ``w_out [E, D]``.
    """

    gain: jax.Array
    w_in: jax.Array
    conv: CausalConvParams
    w_q: jax.Array
    w_k: jax.Array
    w_v: jax.Array
    core: MLSTMParams
    gain_h: jax.Array
    skip: jax.Array
    w_out: jax.Array


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class MLSTMCore(MLSTM):
    """An mLSTM that reads q, k and v side by side, and has no output gate."""

    def project(self, params: MLSTMParams, x: jax.Array) -> Projected:
        return Projected(x, affine(x, params.w_g, params.b_g))

    def output(
        self, params: MLSTMParams, found: jax.Array, z: Projected, m: jax.Array | None = None
    ) -> jax.Array:
        return together(self.mean(found, m))


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class MLSTMBlock(ConvolvedBlock):
    r"""The mLSTM block of xLSTM: a norm, a wider mLSTM that a convolution feeds, a gate, a skip.

    .. math::
        u, g &= \mathrm{LN}(x) W_u,\; \mathrm{LN}(x) W_g, \qquad
            c = \mathrm{SiLU}(\mathrm{conv}(u)) \\
        q, k, v &= c\, W_q,\; c\, W_k,\; u\, W_v, \qquad
            \tilde i, \tilde f = [q, k, v]\, W_{i,f} + b_{i,f} \\
        y &= x + \big((\mathrm{LN}_{heads}(h) + s \odot c) \odot \mathrm{SiLU}(g)\big)\, W_o

    where h is the mean that `rnnjax.MLSTM` reads from its memory, without output gate. There are
    E = expansion · D features inside; W_q, W_k and W_v have blocks of S features.

    Args:
        input_size: D, features of one input and of an output.
        heads: of the mLSTM; they divide E.
        expansion: E / D.
        block_size: S; it divides E.
        window: of the convolution.
        blocks: how many blocks the model has, for the first values of W_o.
        epsilon: of the norms.

    Parameters: `MLSTMBlockParams`. As in the authors' code W_o is N(0, 4 / (D blocks²)) at first,
    the other matrices N(0, 2 / (5 D)), but W_{i,f} zeros with biases as of `rnnjax.MLSTM`; gains
    and s are 1. Carry: a pair of `CausalConvCarry` and `MLSTMCarry`. Output: ``[..., D]``.

    Raises:
        ValueError: a size is not a positive integer, the window is 1, or the heads or blocks do not
            divide E.

    Norms have no shift. The authors' code keeps gains less 1.

    >>> block = MLSTMBlock(8)
    >>> conv, state = block.initial_carry()
    >>> conv.x.shape, state.s.shape
    ((3, 16), (4, 4, 5))

    Source: M. Beck et al., "xLSTM: extended long short-term memory", NeurIPS 2024,
    arXiv:2405.04517; NX-AI/xlstm, ``xlstm/blocks/mlstm/layer.py``.
    """

    input_size: Size
    heads: Size = 4
    expansion: Size = 2
    block_size: Size = 4
    window: Size = 4
    blocks: Size = 1
    epsilon: Positive = 1e-5

    def __post_init__(self) -> None:
        super().__post_init__()
        if self._width % self.block_size:
            raise ValueError(
                f"MLSTMBlock: block_size={self.block_size} must divide the {self._width} features "
                "inside."
            )

    @property
    def _width(self) -> int:
        """E."""
        return self.expansion * self.input_size

    @property
    def core(self) -> MLSTM:
        return MLSTMCore(3 * self._width, self._width, self.heads)

    @property
    def conv(self) -> CausalConv:
        return CausalConv(self._width, self.window, activation="silu")

    def init(self, key: jax.Array) -> MLSTMBlockParams:
        d, e, size = self.input_size, self._width, self.block_size
        keys = jax.random.split(key, 7)
        draw = small_normal(d)
        w_q, w_k, w_v = (draw(own, (e // size, size, size)) for own in keys[:3])
        return MLSTMBlockParams(
            jnp.ones(d), draw(keys[3], (d, 2 * e)), self.conv.init(keys[4]), w_q, w_k, w_v,
            self.core.init(keys[5])._replace(w_x=None, b=None), jnp.ones(e), jnp.ones(e),
            2 / self.blocks * d**-0.5 * jax.random.normal(keys[6], (e, d)),
        )  # fmt: skip

    def enter(
        self, params: MLSTMBlockParams, x: jax.Array
    ) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
        normed = layer_norm(x, params.gain, epsilon=self.epsilon)
        u, gate = jnp.split(jnp.matmul(normed, params.w_in), 2, axis=-1)
        return u, (blocked(u, params.w_v), gate)

    def between(
        self, params: MLSTMBlockParams, convolved: jax.Array, rest: tuple[jax.Array, jax.Array]
    ) -> jax.Array:
        q, k = (blocked(convolved, w) for w in (params.w_q, params.w_k))
        return jnp.concatenate((q, k, rest[0]), axis=-1)

    def leave(
        self,
        params: MLSTMBlockParams,
        y: jax.Array,
        convolved: jax.Array,
        rest: tuple[jax.Array, jax.Array],
        x: jax.Array,
    ) -> jax.Array:
        gain = by_head(params.gain_h, self.heads)
        y = together(layer_norm(by_head(y, self.heads), gain, epsilon=self.epsilon))
        y = y + jnp.broadcast_to(params.skip, convolved.shape) * convolved
        return x + jnp.matmul(y * jax.nn.silu(rest[1]), params.w_out)
