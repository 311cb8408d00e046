"""The quasi-recurrent network, whose gates are convolutions of the input."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Any, NamedTuple

import jax
import jax.numpy as jnp

from rnnjax.cell import affine, check_input, zero_carry
from rnnjax.hyperparameters import Flag, Initialization, Size, check_hyperparameters, one_of
from rnnjax.initializers import draw_dense
from rnnjax.linear_cell import LinearCell
from rnnjax.recurrences import Diagonal, State

POOLINGS = ("f", "fo", "ifo")
"""The gates that a `QRNN` may have."""


class QRNNParams(NamedTuple):
    """Parameters, of the gates that there are in the order z, f, o, i: ``w_x [D, G*H]``,
    ``b [G*H]`` (None where absent)."""

    w_x: jax.Array
    b: jax.Array | None = None


class QRNNCarry(NamedTuple):
    """Carry: the memory ``c [..., H]``."""

    c: jax.Array


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class QRNN(LinearCell):
    r"""The quasi-recurrent network, of window 1.

    .. math::
        z_t &= \tanh(x_t W_z + b_z), \qquad f_t, o_t, i_t = \sigma(x_t W_{f,o,i} + b_{f,o,i}) \\
        \text{f:} \quad & c_t = f_t \odot c_{t-1} + (1 - f_t) \odot z_t, \qquad y_t = c_t \\
        \text{fo:} \quad & c_t = f_t \odot c_{t-1} + (1 - f_t) \odot z_t, \qquad
                           y_t = o_t \odot c_t \\
        \text{ifo:} \quad & c_t = f_t \odot c_{t-1} + i_t \odot z_t, \qquad
                            y_t = o_t \odot c_t

    For a window of k, which is a convolution over the last k inputs, let the cell read them side by
    side: ``Stack((Window(D, k), QRNN(k * D, H)))``.

    Args:
        input_size: D, features of one input.
        hidden_size: H, units.
        pooling: "f", "fo" or "ifo", the gates that there are.
        initialization: of the fused matrix and the biases, "torch" (what the authors' code has) or
            "keras".
        use_bias: whether there are biases; the paper's equations have none, the authors' code has.

    Parameters: `QRNNParams`. Carry: `QRNNCarry`. Output: ``[..., H]``.

    Raises:
        ValueError: a size is not a positive integer, or a name is unknown.

    In the authors' code, and in packages that follow it, f is the share of the **new** value, c =
    f z + (1 - f) c: negate the weights of f to load theirs.

    Source: J. Bradbury, S. Merity, C. Xiong, R. Socher, "Quasi-recurrent neural networks", ICLR
    2017, arXiv:1611.01576, section 2.1; salesforce/pytorch-qrnn.
    """

    input_size: Size
    hidden_size: Size
    pooling: Annotated[str, one_of(POOLINGS)] = "fo"
    initialization: Initialization = "torch"
    use_bias: Flag = True

    carry_type = QRNNCarry

    def __post_init__(self) -> None:
        check_hyperparameters(self)

    @property
    def output_size(self) -> int:
        return self.hidden_size

    def init(self, key: jax.Array) -> QRNNParams:
        width = (1 + len(self.pooling)) * self.hidden_size
        drawn = draw_dense(key, self.initialization, self.input_size, width, use_bias=self.use_bias)
        return QRNNParams(*drawn)

    def initial_carry(self, batch_shape: tuple[int, ...] = (), dtype: Any = None) -> QRNNCarry:
        return zero_carry(QRNNCarry, batch_shape, dtype, c=self.hidden_size)

    def project(self, params: QRNNParams, x: jax.Array) -> jax.Array:
        check_input(self, x)
        return affine(x, params.w_x, params.b)

    def coefficients(self, params: QRNNParams, z: jax.Array) -> Diagonal:
        candidate, forget, *others = self._parts(z)
        share = jax.nn.sigmoid(others[1] if self.pooling == "ifo" else -forget)
        return Diagonal(jax.nn.sigmoid(forget), share * jnp.tanh(candidate))

    def readout(self, params: QRNNParams, state: State, z: jax.Array) -> jax.Array:
        if self.pooling == "f":
            return state[0]
        return jax.nn.sigmoid(self._parts(z)[2]) * state[0]

    def _parts(self, z: jax.Array) -> list[jax.Array]:
        return jnp.split(z, 1 + len(self.pooling), axis=-1)
