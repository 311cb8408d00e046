"""The hierarchically gated recurrent network, with a real state."""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from rnnjax.cell import check_input, zero_carry
from rnnjax.hyperparameters import Positive, Rate, Size, check_hyperparameters
from rnnjax.initializers import symmetric_uniform
from rnnjax.linear_cell import LinearCell
from rnnjax.normalization import rms_norm
from rnnjax.recurrences import Diagonal, State


class HGRNParams(NamedTuple):
    """``w_x [D, 3H]``, fused in the order i, f, g; the norm's ``gain [H]``; ``w_o [H, D]``."""

    w_x: jax.Array
    gain: jax.Array
    w_o: jax.Array


class HGRNCarry(NamedTuple):
    """Carry: the state ``s [..., H]``, h of the equations."""

    s: jax.Array


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class HGRN(LinearCell):
    r"""The token mixer of the hierarchically gated recurrent network, with a real state.

    .. math::
        f_t &= \gamma + (1 - \gamma)\, \sigma(x_t W_f) \\
        h_t &= f_t \odot h_{t-1} + (1 - f_t) \odot \mathrm{SiLU}(x_t W_i) \\
        y_t &= \big(\mathrm{RMSNorm}(h_t) \odot \mathrm{SiLU}(x_t W_g)\big) W_o

    Nothing is forgotten faster than γ lets it, and γ rises from layer to layer: the lower ones
    hold what is near, the upper ones what is far.

    Args:
        input_size: D, features of one input and of an output.
        hidden_size: H, units.
        lower_bound: γ, from 0 in the lowest layer to below 1. The paper learns it for all layers
            together, as a cumulative sum of a softmax over layers; here each layer is told.
        epsilon: added to the mean of the squares in the norm.

    Parameters: `HGRNParams`, matrices uniform at ±1/√(their inputs). Carry: `HGRNCarry`.
    Output: ``[..., D]``.

    Raises:
        ValueError: a size is not a positive integer, or the bound is not in [0, 1).

    The state of the paper is complex, each number of it turned at every step by a learnt angle
    that does not depend on the input; this is the real layer of fla-org/flash-linear-attention
    (``HGRNAttention`` without short convolutions).

    Source: Z. Qin, S. Yang, Y. Zhong, "Hierarchically gated recurrent neural network for sequence
    modeling", NeurIPS 2023, arXiv:2311.04823.
    """

    input_size: Size
    hidden_size: Size
    lower_bound: Rate = 0.0
    epsilon: Positive = 1e-5

    carry_type = HGRNCarry

    def __post_init__(self) -> None:
        check_hyperparameters(self)

    @property
    def output_size(self) -> int:
        return self.input_size

    def init(self, key: jax.Array) -> HGRNParams:
        d, h = self.input_size, self.hidden_size
        keys = jax.random.split(key)
        w_x = symmetric_uniform(d)(keys[0], (d, 3 * h))
        return HGRNParams(w_x, jnp.ones(h), symmetric_uniform(h)(keys[1], (h, d)))

    def initial_carry(self, batch_shape: tuple[int, ...] = (), dtype: Any = None) -> HGRNCarry:
        return zero_carry(HGRNCarry, batch_shape, dtype, s=self.hidden_size)

    def project(self, params: HGRNParams, x: jax.Array) -> jax.Array:
        check_input(self, x)
        return jnp.matmul(x, params.w_x)

    def coefficients(self, params: HGRNParams, z: jax.Array) -> Diagonal:
        candidate, forget, _ = jnp.split(z, 3, axis=-1)
        # Not 1 - f: near 0 that has lost its digits.
        share = (1 - self.lower_bound) * jax.nn.sigmoid(-forget)
        kept = self.lower_bound + (1 - self.lower_bound) * jax.nn.sigmoid(forget)
        return Diagonal(kept, share * jax.nn.silu(candidate))

    def readout(self, params: HGRNParams, state: State, z: jax.Array) -> jax.Array:
        shown = rms_norm(state[0], params.gain, epsilon=self.epsilon)
        return jnp.matmul(shown * jax.nn.silu(jnp.split(z, 3, axis=-1)[2]), params.w_o)
