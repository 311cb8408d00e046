"""The minimal LSTM, whose gates do not read the state."""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import jax
import jax.numpy as jnp

from rnnjax.activations import positive
from rnnjax.cell import affine, check_input, zero_carry
from rnnjax.hyperparameters import Flag, Initialization, Size, check_hyperparameters
from rnnjax.initializers import draw_dense
from rnnjax.linear_cell import LinearCell
from rnnjax.recurrences import Diagonal, State


class MinLSTMParams(NamedTuple):
    """Parameters, fused in the order f, i, h: ``w_x [D, 3H]``, ``b [3H]`` (None where absent)."""

    w_x: jax.Array
    b: jax.Array | None = None


class MinLSTMCarry(NamedTuple):
    """Carry: the hidden state ``h [..., H]``."""

    h: jax.Array


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class MinLSTM(LinearCell):
    r"""The minimal LSTM, with gates that sum to one.

    .. math::
        f_t &= \sigma(x_t W_f + b_f), \qquad i_t = \sigma(x_t W_i + b_i) \\
        f'_t &= \frac{f_t}{f_t + i_t}, \qquad i'_t = \frac{i_t}{f_t + i_t} \\
        h_t &= f'_t \odot h_{t-1} + i'_t \odot g(x_t W_h + b_h), \qquad y_t = h_t

    with g as of `MinGRU`. The quotients are computed as σ(log f - log i) and its complement.

    Args:
        input_size: D, features of one input.
        hidden_size: H, units.
        positive: as of `MinGRU`.
        initialization: of the fused matrix, "torch" or "keras".
        use_bias: whether there are biases.

    Parameters: `MinLSTMParams`. Carry: `MinLSTMCarry`. Output: ``[..., H]``.

    Raises:
        ValueError: a size is not a positive integer, or a name is unknown.

    Source: L. Feng et al., arXiv:2410.01201, section 3.2 and appendix B. In its listing the form in
    parallel applies g to the previous state, too, and the step does not; this is the step.
    """

    input_size: Size
    hidden_size: Size
    positive: Flag = True
    initialization: Initialization = "torch"
    use_bias: Flag = True

    carry_type = MinLSTMCarry

    def __post_init__(self) -> None:
        check_hyperparameters(self)

    @property
    def output_size(self) -> int:
        return self.hidden_size

    def init(self, key: jax.Array) -> MinLSTMParams:
        width = 3 * self.hidden_size
        drawn = draw_dense(key, self.initialization, self.input_size, width, use_bias=self.use_bias)
        return MinLSTMParams(*drawn)

    def initial_carry(self, batch_shape: tuple[int, ...] = (), dtype=None) -> MinLSTMCarry:
        return zero_carry(MinLSTMCarry, batch_shape, dtype, h=self.hidden_size)

    def project(self, params: MinLSTMParams, x: jax.Array) -> jax.Array:
        check_input(self, x)
        return affine(x, params.w_x, params.b)

    def coefficients(self, params: MinLSTMParams, z: jax.Array) -> Diagonal:
        forget, gate, candidate = jnp.split(z, 3, axis=-1)
        if self.positive:
            candidate = positive(candidate)
        # log f - log i, of logarithms that neither overflow nor lose digits.
        apart = jax.nn.softplus(-gate) - jax.nn.softplus(-forget)
        return Diagonal(jax.nn.sigmoid(apart), jax.nn.sigmoid(-apart) * candidate)

    def readout(self, params: MinLSTMParams, state: State, z: jax.Array) -> jax.Array:
        return state[0]
