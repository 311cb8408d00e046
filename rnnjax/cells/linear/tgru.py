"""The strongly typed gated recurrent unit."""

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


class TGRUParams(NamedTuple):
    """Parameters, fused in the order z, f, o: ``w_x [D, 3H]``, ``b [3H]`` (None where absent)."""

    w_x: jax.Array
    b: jax.Array | None = None


class TGRUCarry(NamedTuple):
    """Carry: the hidden state ``h [..., H]``."""

    h: jax.Array


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class TGRU(LinearCell):
    r"""The strongly typed gated recurrent unit.

    .. math::
        z_t &= u_t W_z + b_z, \qquad f_t = \sigma(u_t W_f + b_f), \qquad
        o_t = \tanh(u_t W_o + b_o) \\
        h_t &= f_t \odot h_{t-1} + z_t \odot o_t, \qquad y_t = h_t

    The paper's u_t is the last two inputs, [x_t, x_{t-1}]: that layer is
    ``Stack((Window(D, 2), TGRU(2 * D, H)))``. On its own this is the paper's cell without V.

    Args:
        input_size: features of one u.
        hidden_size: H, units.
        initialization: of the fused matrix and the biases, "keras" or "torch"; the paper names
            none.
        use_bias: whether there are biases.

    Parameters: `TGRUParams`. Carry: `TGRUCarry`. Output: ``[..., H]``.

    Raises:
        ValueError: a size is not a positive integer, or a name is unknown.

    Source: D. Balduzzi, M. Ghifary, "Strongly-typed recurrent neural networks", ICML 2016,
    arXiv:1602.02218, section 3.
    """

    input_size: Size
    hidden_size: Size
    initialization: Initialization = "keras"
    use_bias: Flag = True

    carry_type = TGRUCarry

    def __post_init__(self) -> None:
        check_hyperparameters(self)

    @property
    def output_size(self) -> int:
        return self.hidden_size

    def init(self, key: jax.Array) -> TGRUParams:
        width = 3 * self.hidden_size
        drawn = draw_dense(key, self.initialization, self.input_size, width, use_bias=self.use_bias)
        return TGRUParams(*drawn)

    def initial_carry(self, batch_shape: tuple[int, ...] = (), dtype: Any = None) -> TGRUCarry:
        return zero_carry(TGRUCarry, batch_shape, dtype, h=self.hidden_size)

    def project(self, params: TGRUParams, x: jax.Array) -> jax.Array:
        check_input(self, x)
        return affine(x, params.w_x, params.b)

    def coefficients(self, params: TGRUParams, z: jax.Array) -> Diagonal:
        candidate, forget, output = jnp.split(z, 3, axis=-1)
        return Diagonal(jax.nn.sigmoid(forget), candidate * jnp.tanh(output))

    def readout(self, params: TGRUParams, state: State, z: jax.Array) -> jax.Array:
        return state[0]
