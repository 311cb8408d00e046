"""The minimal gated recurrent unit, whose gate does not read the state."""

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


class MinGRUParams(NamedTuple):
    """Parameters, fused in the order z, h: ``w_x [D, 2H]``, ``b [2H]`` (None where absent)."""

    w_x: jax.Array
    b: jax.Array | None = None


class MinGRUCarry(NamedTuple):
    """Carry: the hidden state ``h [..., H]``."""

    h: jax.Array


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class MinGRU(LinearCell):
    r"""The minimal gated recurrent unit.

    .. math::
        z_t &= \sigma(x_t W_z + b_z), \qquad \tilde h_t = g(x_t W_h + b_h) \\
        h_t &= (1 - z_t) \odot h_{t-1} + z_t \odot \tilde h_t, \qquad y_t = h_t

    with g(v) = v + ½ for v ≥ 0 and σ(v) below, so that h stays positive; or g(v) = v.

    Args:
        input_size: D, features of one input.
        hidden_size: H, units.
        positive: whether g is the first of these, which the paper's appendix needs for its form in
            logarithms; the plain listing has the second, another function.
        initialization: of the fused matrix, "torch" (what the paper's code has) or "keras".
        use_bias: whether there are biases.

    Parameters: `MinGRUParams`. Carry: `MinGRUCarry`. Output: ``[..., H]``.

    Raises:
        ValueError: a size is not a positive integer, or a name is unknown.

    With g(v) = v this is the strongly typed ``TRNN`` (Balduzzi and Ghifary, 2016), its f being
    1 - z.

    >>> cell = MinGRU(input_size=3, hidden_size=2)
    >>> params = cell.init(jax.random.key(0))
    >>> carry, y = cell(params, cell.initial_carry(), jax.numpy.array([1.0, -1.0, 2.0]))
    >>> y.shape
    (2,)

    Source: L. Feng, F. Tung, M. Ahmed, Y. Bengio, H. Hajimirsadeghi, "Were RNNs all we needed?",
    arXiv:2410.01201, section 3.1 and appendix B.
    """

    input_size: Size
    hidden_size: Size
    positive: Flag = True
    initialization: Initialization = "torch"
    use_bias: Flag = True

    carry_type = MinGRUCarry

    def __post_init__(self) -> None:
        check_hyperparameters(self)

    @property
    def output_size(self) -> int:
        return self.hidden_size

    def init(self, key: jax.Array) -> MinGRUParams:
        width = 2 * self.hidden_size
        drawn = draw_dense(key, self.initialization, self.input_size, width, use_bias=self.use_bias)
        return MinGRUParams(*drawn)

    def initial_carry(self, batch_shape: tuple[int, ...] = (), dtype=None) -> MinGRUCarry:
        return zero_carry(MinGRUCarry, batch_shape, dtype, h=self.hidden_size)

    def project(self, params: MinGRUParams, x: jax.Array) -> jax.Array:
        check_input(self, x)
        return affine(x, params.w_x, params.b)

    def coefficients(self, params: MinGRUParams, z: jax.Array) -> Diagonal:
        gate, candidate = jnp.split(z, 2, axis=-1)
        if self.positive:
            candidate = positive(candidate)
        # Not 1 - σ: near 0 that has lost its digits.
        return Diagonal(jax.nn.sigmoid(-gate), jax.nn.sigmoid(gate) * candidate)

    def readout(self, params: MinGRUParams, state: State, z: jax.Array) -> jax.Array:
        return state[0]
