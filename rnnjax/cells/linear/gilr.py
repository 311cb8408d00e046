"""The gated impulse linear recurrence."""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from rnnjax.activations import ACTIVATIONS
from rnnjax.cell import affine, check_input, zero_carry
from rnnjax.hyperparameters import Activation, Size, check_hyperparameters
from rnnjax.linear_cell import LinearCell
from rnnjax.recurrences import Diagonal, State

LARGEST_WEIGHT = 0.05
"""Of the matrices at first, as in the authors' code."""


class GILRParams(NamedTuple):
    """Parameters, fused in the order g, i: ``w_x [D, 2H]``, ``b [2H]``."""

    w_x: jax.Array
    b: jax.Array


class GILRCarry(NamedTuple):
    """Carry: the hidden state ``h [..., H]``."""

    h: jax.Array


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class GILR(LinearCell):
    r"""The gated impulse linear recurrence.

    .. math::
        g_t &= \sigma(x_t U + b_g), \qquad i_t = \tau(x_t V + b_i) \\
        h_t &= g_t \odot h_{t-1} + (1 - g_t) \odot i_t, \qquad y_t = h_t

    Args:
        input_size: D, features of one input.
        hidden_size: H, units.
        activation: τ, a name in `rnnjax.activations.ACTIVATIONS`.

    Parameters: `GILRParams`, uniform at ±0.05 with zero biases. Carry: `GILRCarry`. Output:
    ``[..., H]``.

    Raises:
        ValueError: a size is not a positive integer, or a name is unknown.

    Source: E. Martin, C. Cundy, "Parallelizing linear recurrent neural nets over sequence length",
    ICLR 2018, arXiv:1709.04057, section 3.1; eamartin/parallelizing_linear_rnns.
    """

    input_size: Size
    hidden_size: Size
    activation: Activation = "tanh"

    carry_type = GILRCarry

    def __post_init__(self) -> None:
        check_hyperparameters(self)

    @property
    def output_size(self) -> int:
        return self.hidden_size

    def init(self, key: jax.Array) -> GILRParams:
        shape = (self.input_size, 2 * self.hidden_size)
        w_x = jax.random.uniform(key, shape, minval=-LARGEST_WEIGHT, maxval=LARGEST_WEIGHT)
        return GILRParams(w_x, jnp.zeros(shape[1]))

    def initial_carry(self, batch_shape: tuple[int, ...] = (), dtype: Any = None) -> GILRCarry:
        return zero_carry(GILRCarry, batch_shape, dtype, h=self.hidden_size)

    def project(self, params: GILRParams, x: jax.Array) -> jax.Array:
        check_input(self, x)
        return affine(x, params.w_x, params.b)

    def coefficients(self, params: GILRParams, z: jax.Array) -> Diagonal:
        gate, impulse = jnp.split(z, 2, axis=-1)
        return Diagonal(
            jax.nn.sigmoid(gate), jax.nn.sigmoid(-gate) * ACTIVATIONS[self.activation](impulse)
        )

    def readout(self, params: GILRParams, state: State, z: jax.Array) -> jax.Array:
        return state[0]
