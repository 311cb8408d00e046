"""The recurrent block of Griffin and Hawk."""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp

from rnnjax.blocks.gated import GatedBlock, GatedBlockParams
from rnnjax.cells.causal_conv import CausalConv, CausalConvParams
from rnnjax.cells.linear.rg_lru import RGLRU
from rnnjax.combinators.stack import Stack
from rnnjax.hyperparameters import Flag, Size


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class GriffinBlock(GatedBlock):
    r"""The recurrent block of Griffin and Hawk: a short convolution and an RG-LRU, gated.

    .. math::
        u = \mathrm{RGLRU}(\mathrm{conv}(x W_b + b_b)), \qquad
        y = (u \odot \mathrm{GELU}(x W_g + b_g)) W_o + b_o

    Args:
        input_size: D, features of one input and of an output.
        hidden_size: E, units of the RG-LRU; the paper has about 4 D / 3.
        heads: blocks of its gates' matrices; they divide E.
        window: of the convolution.
        power_in_ring: as of `RGLRU`.

    Parameters: `GatedBlockParams`, with a pair of `CausalConvParams` and `RGLRUParams`; matrices
    and kernel are normal with a variance of 1 / (their inputs), biases zero. Carry: a pair of
    `CausalConvCarry` and `RGLRUCarry`. Output: ``[..., D]``.

    Raises:
        ValueError: a size is not a positive integer, the window is 1, or the heads do not divide E.

    GELU is its approximation by tanh, as in the authors' code. The model has an RMS norm in front
    of it, a residual connection around both, and a gated feed-forward block behind.

    Source: S. De et al., "Griffin: mixing gated linear recurrences with local attention for
    efficient language models", arXiv:2402.19427, section 2.3; google-deepmind/recurrentgemma.
    """

    input_size: Size
    hidden_size: Size
    heads: Size = 1
    window: Size = 4
    power_in_ring: Flag = False

    @staticmethod
    def gate(x: jax.Array) -> jax.Array:
        return jax.nn.gelu(x, approximate=True)

    @property
    def branch(self) -> Stack:
        conv = CausalConv(self.hidden_size, self.window)
        lru = RGLRU(self.hidden_size, heads=self.heads, power_in_ring=self.power_in_ring)
        return Stack((conv, lru))

    def init(self, key: jax.Array) -> GatedBlockParams:
        d, e = self.input_size, self.hidden_size
        keys = jax.random.split(key, 4)
        draw = jax.nn.initializers.variance_scaling(1.0, "fan_in", "normal")
        conv = CausalConvParams(draw(keys[0], (self.window, e)), jnp.zeros(e))
        branch = (conv, self.branch.layers[1].init(keys[1]))
        w_in, w_out = draw(keys[2], (d, 2 * e)), draw(keys[3], (e, d))
        return GatedBlockParams(w_in, branch, w_out, jnp.zeros(2 * e), jnp.zeros(d))
