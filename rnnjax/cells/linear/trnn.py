"""The strongly typed recurrent network: an average whose weights the input chooses."""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from rnnjax.cell import check_input, zero_carry
from rnnjax.hyperparameters import Flag, Initialization, Size, check_hyperparameters
from rnnjax.initializers import INITIALIZATIONS
from rnnjax.linear_cell import LinearCell
from rnnjax.recurrences import Diagonal, State


class TRNNParams(NamedTuple):
    """Parameters, fused in the order z, f: ``w_x [D, 2H]``; ``b [H]`` of f (None where absent)."""

    w_x: jax.Array
    b: jax.Array | None = None


class TRNNCarry(NamedTuple):
    """Carry: the hidden state ``h [..., H]``."""

    h: jax.Array


class Projected(NamedTuple):
    """What depends on the input alone: z, and f before σ, ``[..., H]``."""

    z: jax.Array
    f: jax.Array


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class TRNN(LinearCell):
    r"""The strongly typed recurrent network.

    .. math::
        z_t &= x_t W_z, \qquad f_t = \sigma(x_t W_f + b) \\
        h_t &= f_t \odot h_{t-1} + (1 - f_t) \odot z_t, \qquad y_t = h_t

    No matrix ever multiplies the state: that is its type rule.

    Args:
        input_size: D, features of one input.
        hidden_size: H, units.
        initialization: of the fused matrix and the bias, "keras" or "torch"; the paper names none.
        use_bias: whether f has a bias; z has none.

    Parameters: `TRNNParams`. Carry: `TRNNCarry`. Output: ``[..., H]``.

    Raises:
        ValueError: a size is not a positive integer, or a name is unknown.

    `MinGRU` with ``positive=False`` is this cell with f = 1 - z and a bias in both parts. Other
    packages differ: a ``TRNNCell`` of Julia's RecurrentLayers gates with tanh by default, and
    there and in torchrecurrent z has a bias.

    >>> cell = TRNN(input_size=3, hidden_size=2)
    >>> params = cell.init(jax.random.key(0))
    >>> carry, y = cell(params, cell.initial_carry(), jax.numpy.array([1.0, -1.0, 2.0]))
    >>> y.shape
    (2,)

    Source: D. Balduzzi, M. Ghifary, "Strongly-typed recurrent neural networks", ICML 2016,
    arXiv:1602.02218, section 3.
    """

    input_size: Size
    hidden_size: Size
    initialization: Initialization = "keras"
    use_bias: Flag = True

    carry_type = TRNNCarry

    def __post_init__(self) -> None:
        check_hyperparameters(self)

    @property
    def output_size(self) -> int:
        return self.hidden_size

    def init(self, key: jax.Array) -> TRNNParams:
        chosen = INITIALIZATIONS[self.initialization]
        keys = jax.random.split(key)
        shape = (self.input_size, 2 * self.hidden_size)
        w_x = chosen.dense_kernel(self.input_size)(keys[0], shape)
        bias = chosen.dense_bias(self.input_size)
        return TRNNParams(w_x, bias(keys[1], (self.hidden_size,)) if self.use_bias else None)

    def initial_carry(self, batch_shape: tuple[int, ...] = (), dtype: Any = None) -> TRNNCarry:
        return zero_carry(TRNNCarry, batch_shape, dtype, h=self.hidden_size)

    def project(self, params: TRNNParams, x: jax.Array) -> Projected:
        check_input(self, x)
        z, f = jnp.split(jnp.matmul(x, params.w_x), 2, axis=-1)
        if params.b is not None:
            f = f + jnp.broadcast_to(params.b, f.shape)
        return Projected(z, f)

    def coefficients(self, params: TRNNParams, z: Projected) -> Diagonal:
        # Not 1 - σ: near 0 that has lost its digits.
        return Diagonal(jax.nn.sigmoid(z.f), jax.nn.sigmoid(-z.f) * z.z)

    def readout(self, params: TRNNParams, state: State, z: Projected) -> jax.Array:
        return state[0]
