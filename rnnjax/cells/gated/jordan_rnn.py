"""The network of Jordan, whose output is fed back."""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

import jax

from rnnjax.activations import ACTIVATIONS
from rnnjax.cell import affine, check_input, recur, settled, zero_carry
from rnnjax.fused_cell import FusedCell
from rnnjax.hyperparameters import Activation, Flag, Initialization, Rate, Size
from rnnjax.initializers import draw_dense
from rnnjax.noise import SILENCE, Noise


class JordanRNNParams(NamedTuple):
    """Parameters.

    ``w_x [D, H]``, ``w_s [P, H]``, ``w_y [H, P]``, ``b [H]``, ``b_y [P]`` (None where absent).
    """

    w_x: jax.Array
    w_s: jax.Array
    w_y: jax.Array
    b: jax.Array | None = None
    b_y: jax.Array | None = None


class JordanRNNCarry(NamedTuple):
    """Carry: the state units ``s [..., P]``, sums of past outputs."""

    s: jax.Array


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class JordanRNN(FusedCell):
    r"""Jordan's network: not the hidden units but the outputs are what is remembered.

    .. math::
        h_t &= \phi(x_t W_x + s_{t-1} W_s + b) \\
        y_t &= \psi(h_t W_y + b_y) \\
        s_t &= \alpha s_{t-1} + y_t

    Args:
        input_size: D, features of one input.
        hidden_size: H, units.
        projection_size: P, features of the output; None for H.
        activation: φ, a name in `rnnjax.activations.ACTIVATIONS`.
        output_activation: ψ, likewise.
        decay: α, what the state units keep of themselves.
        initialization: "keras" or "torch", as of `rnnjax.gated_cell.GatedCell`; w_y and b_y are
            those of its dense layer.
        use_bias: whether there are biases.

    Parameters: `JordanRNNParams`. Carry: `JordanRNNCarry`. Output: ``[..., P]``.

    Raises:
        ValueError: a size is not a positive integer, a name is unknown, or α is not in [0, 1).

    Equals `rnnjax.SimpleRNN` with W_y = I, b_y = 0, P = H, ψ linear and α = 0. The equations are
    those of textbooks; the report was not read, and its output units may be other than linear.

    >>> cell = JordanRNN(input_size=3, hidden_size=4, projection_size=2)
    >>> params = cell.init(jax.random.key(0))
    >>> carry, y = cell(params, cell.initial_carry(), jax.numpy.array([1.0, -1.0, 2.0]))
    >>> carry.s.shape, y.shape
    ((2,), (2,))

    Source: M. I. Jordan, "Serial order: a parallel distributed processing approach", ICS report
    8604, University of California, San Diego, 1986.
    """

    projection_size: Size | None = None
    activation: Activation = "tanh"
    output_activation: Activation = "linear"
    decay: Rate = 0.0
    initialization: Initialization = "keras"
    use_bias: Flag = True

    carry_type = JordanRNNCarry
    noise_places = ("state",)

    @property
    def output_size(self) -> int:
        return self.projection_size or self.hidden_size

    def init(self, key: jax.Array) -> JordanRNNParams:
        own_key, output_key = jax.random.split(key)
        w_x, w_s, b, _ = self.draw_gates(
            own_key, num_gates=1, state_size=self.output_size, two_biases=False
        )
        w_y, b_y = draw_dense(
            output_key, self.initialization, self.hidden_size, self.output_size,
            use_bias=self.use_bias,
        )  # fmt: skip
        return JordanRNNParams(w_x, w_s, w_y, b, b_y)

    def initial_carry(self, batch_shape: tuple[int, ...] = (), dtype: Any = None) -> JordanRNNCarry:
        return zero_carry(JordanRNNCarry, batch_shape, dtype, s=self.output_size)

    def project(self, params: JordanRNNParams, x: jax.Array) -> jax.Array:
        check_input(self, x)
        return affine(x, params.w_x, params.b)

    def step(
        self, params: JordanRNNParams, carry: JordanRNNCarry, z: jax.Array, noise: Noise = SILENCE
    ) -> tuple[JordanRNNCarry, jax.Array]:
        activation, output = ACTIVATIONS[self.activation], ACTIVATIONS[self.output_activation]
        h = activation(z + recur(noise.on_state(carry.s), params.w_s))
        y = output(affine(h, params.w_y, params.b_y))
        return settled(carry, JordanRNNCarry(self.decay * carry.s + y), y, z)
