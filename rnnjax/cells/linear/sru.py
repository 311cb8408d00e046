"""The simple recurrent unit, whose gates do not read the state."""

from __future__ import annotations

import dataclasses
import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from rnnjax.activations import ACTIVATIONS
from rnnjax.cell import check_input, zero_carry
from rnnjax.hyperparameters import Activation, Flag, Real, Size, check_hyperparameters
from rnnjax.initializers import symmetric_uniform
from rnnjax.linear_cell import LinearCell
from rnnjax.recurrences import Diagonal, State


class SRUParams(NamedTuple):
    """Parameters: ``w_x [D, 3H]`` of x̃, f, r, with a skip's ``[D, 4H]``; ``b [2H]`` of f and r."""

    w_x: jax.Array
    b: jax.Array


class SRUCarry(NamedTuple):
    """Carry: the memory ``c [..., H]``."""

    c: jax.Array


class Projected(NamedTuple):
    """What depends on the input alone, ``[..., H]``: x̃, f and r before σ, and the skip."""

    x: jax.Array
    f: jax.Array
    r: jax.Array
    skip: jax.Array


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class SRU(LinearCell):
    r"""The simple recurrent unit, version 1.

    .. math::
        \tilde x_t &= x_t W, \qquad f_t = \sigma(x_t W_f + b_f), \qquad
        r_t = \sigma(x_t W_r + b_r) \\
        c_t &= f_t \odot c_{t-1} + (1 - f_t) \odot \tilde x_t \\
        y_t &= r_t \odot g(c_t) + (1 - r_t) \odot \alpha\, x_t

    Where D and H differ the skip is :math:`x_t W_s` instead of :math:`\alpha\, x_t`, and α is in
    the first values of W_s.

    Args:
        input_size: D, features of one input.
        hidden_size: H, units.
        activation: g, a name in `rnnjax.activations.ACTIVATIONS`.
        highway_bias: b_r at first.
        rescale: whether :math:`\alpha = \sqrt{1 + 2 e^{b}}` of that first bias b, which keeps the
            variance of the inputs at first, or 1.

    Parameters: `SRUParams`, uniform at ±√(3/D). Carry: `SRUCarry`. Output: ``[..., H]``.

    Raises:
        ValueError: a size is not a positive integer, a name is unknown, or the bias is no number.

    Version 2, which ``sru.SRU`` of the authors' package is unless it gets ``v1=True``, adds c of
    the step before to both gates: it is not linear in its state, and another cell. That package
    keeps the columns of one unit together, ``[D, H, 3]``.

    Source: T. Lei, Y. Zhang, S. I. Wang, H. Dai, Y. Artzi, "Simple recurrent units for highly
    parallelizable recurrence", arXiv:1709.02755 in its first versions; α as in its version 5,
    EMNLP 2018, and asappresearch/sru.
    """

    input_size: Size
    hidden_size: Size
    activation: Activation = "linear"
    highway_bias: Real = 0.0
    rescale: Flag = True

    carry_type = SRUCarry

    def __post_init__(self) -> None:
        check_hyperparameters(self)

    @property
    def output_size(self) -> int:
        return self.hidden_size

    @property
    def scale(self) -> float:
        """α."""
        return math.sqrt(1 + 2 * math.exp(self.highway_bias)) if self.rescale else 1.0

    def init(self, key: jax.Array) -> SRUParams:
        d, h = self.input_size, self.hidden_size
        w_x = math.sqrt(3) * symmetric_uniform(d)(key, (d, (3 if d == h else 4) * h))
        b = jnp.concatenate([jnp.zeros(h), jnp.full(h, self.highway_bias)])
        return SRUParams(w_x if d == h else w_x.at[:, 3 * h :].multiply(self.scale), b)

    def initial_carry(self, batch_shape: tuple[int, ...] = (), dtype: Any = None) -> SRUCarry:
        return zero_carry(SRUCarry, batch_shape, dtype, c=self.hidden_size)

    def project(self, params: SRUParams, x: jax.Array) -> Projected:
        check_input(self, x)
        parts = jnp.split(jnp.matmul(x, params.w_x), params.w_x.shape[1] // self.hidden_size, -1)
        candidate, f, r, *skips = parts
        f, r = (
            own + jnp.broadcast_to(b, own.shape)
            for own, b in zip((f, r), jnp.split(params.b, 2), strict=True)
        )
        return Projected(candidate, f, r, skips[0] if skips else x * self.scale)

    def coefficients(self, params: SRUParams, z: Projected) -> Diagonal:
        return Diagonal(jax.nn.sigmoid(z.f), jax.nn.sigmoid(-z.f) * z.x)

    def readout(self, params: SRUParams, state: State, z: Projected) -> jax.Array:
        shown = jax.nn.sigmoid(z.r) * ACTIVATIONS[self.activation](state[0])
        return shown + jax.nn.sigmoid(-z.r) * z.skip
