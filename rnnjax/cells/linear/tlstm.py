"""The strongly typed LSTM."""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from rnnjax.cell import affine, check_input, zero_carry
from rnnjax.hyperparameters import Flag, Initialization, Size, check_hyperparameters
from rnnjax.initializers import draw_dense
from rnnjax.linear_cell import LinearCell
from rnnjax.recurrences import Diagonal, State


class TLSTMParams(NamedTuple):
    """Parameters, fused in the order z, f, o: ``w_x [D, 3H]``, ``b [3H]`` (None where absent)."""

    w_x: jax.Array
    b: jax.Array | None = None


class TLSTMCarry(NamedTuple):
    """Carry: the memory ``c [..., H]``."""

    c: jax.Array


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class TLSTM(LinearCell):
    r"""The strongly typed LSTM.

    .. math::
        z_t &= u_t W_z + b_z, \qquad f_t = \sigma(u_t W_f + b_f), \qquad
        o_t = \tanh(u_t W_o + b_o) \\
        c_t &= f_t \odot c_{t-1} + (1 - f_t) \odot z_t, \qquad y_t = c_t \odot o_t

    The paper's u_t is the last two inputs, [x_t, x_{t-1}]: that layer is
    ``Stack((Window(D, 2), TLSTM(2 * D, H)))``. On its own this is the paper's cell without V.

    Args:
        input_size: features of one u.
        hidden_size: H, units.
        initialization: of the fused matrix and the biases, "keras" or "torch"; the paper names
            none.
        use_bias: whether there are biases.

    Parameters: `TLSTMParams`. Carry: `TLSTMCarry`. Output: ``[..., H]``.

    Raises:
        ValueError: a size is not a positive integer, or a name is unknown.

    The time-aware LSTM, which others call T-LSTM, is another cell.

    Source: D. Balduzzi, M. Ghifary, "Strongly-typed recurrent neural networks", ICML 2016,
    arXiv:1602.02218, section 3.
    """

    input_size: Size
    hidden_size: Size
    initialization: Initialization = "keras"
    use_bias: Flag = True

    carry_type = TLSTMCarry

    def __post_init__(self) -> None:
        check_hyperparameters(self)

    @property
    def output_size(self) -> int:
        return self.hidden_size

    def init(self, key: jax.Array) -> TLSTMParams:
        width = 3 * self.hidden_size
        drawn = draw_dense(key, self.initialization, self.input_size, width, use_bias=self.use_bias)
        return TLSTMParams(*drawn)

    def initial_carry(self, batch_shape: tuple[int, ...] = (), dtype: Any = None) -> TLSTMCarry:
        return zero_carry(TLSTMCarry, batch_shape, dtype, c=self.hidden_size)

    def project(self, params: TLSTMParams, x: jax.Array) -> jax.Array:
        check_input(self, x)
        return affine(x, params.w_x, params.b)

    def coefficients(self, params: TLSTMParams, z: jax.Array) -> Diagonal:
        candidate, forget, _ = jnp.split(z, 3, axis=-1)
        return Diagonal(jax.nn.sigmoid(forget), jax.nn.sigmoid(-forget) * candidate)

    def readout(self, params: TLSTMParams, state: State, z: jax.Array) -> jax.Array:
        return state[0] * jnp.tanh(jnp.split(z, 3, axis=-1)[2])
