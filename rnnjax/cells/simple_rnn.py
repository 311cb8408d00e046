"""The simple (Elman) recurrent cell."""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

import jax

from rnnjax.activations import ACTIVATIONS
from rnnjax.cell import NoisyCell, affine, check_input, recur, zero_carry
from rnnjax.hyperparameters import Activation, Flag, Initialization, Size, check_hyperparameters
from rnnjax.initializers import gate_params
from rnnjax.noise import SILENCE, Noise


class SimpleRNNParams(NamedTuple):
    """Parameters: ``w_x [D, H]``, ``w_h [H, H]``, ``b [H]``, ``b_h [H]`` (None where absent)."""

    w_x: jax.Array
    w_h: jax.Array
    b: jax.Array | None = None
    b_h: jax.Array | None = None


class SimpleRNNCarry(NamedTuple):
    """Carry: the hidden state ``h [..., H]``."""

    h: jax.Array


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class SimpleRNN(NoisyCell):
    r"""The simple recurrent cell: one dense layer over the input and the previous state.

    .. math:: h_t = \phi(x_t W_x + b + h_{t-1} W_h + b_h), \qquad y_t = h_t

    Args:
        input_size: D, features of one input.
        hidden_size: H, units.
        activation: φ, a name in `rnnjax.activations.ACTIVATIONS`.
        initialization: "keras" (Glorot uniform, orthogonal, zero bias) or "torch" (all uniform
            ±1/√H, with a bias b for the input and another, b_h, for the state).
        use_bias: whether there are biases.

    Parameters: `SimpleRNNParams`. Carry: `SimpleRNNCarry`. Output: ``[..., H]``.

    Raises:
        ValueError: a size is not a positive integer, or a name is unknown.

    Equal to ``keras.layers.SimpleRNN``, to ``torch.nn.RNN`` (which keeps its weights transposed)
    and to ``flax.linen.SimpleCell`` (whose default initial distributions differ).

    >>> cell = SimpleRNN(input_size=3, hidden_size=2, activation="relu")
    >>> params = cell.init(jax.random.key(0))
    >>> carry, y = cell(params, cell.initial_carry(), jax.numpy.array([1.0, -1.0, 2.0]))
    >>> y.shape
    (2,)

    Source: J. L. Elman, "Finding structure in time", Cognitive Science 14 (1990), 179-211.
    """

    input_size: Size
    hidden_size: Size
    activation: Activation = "tanh"
    initialization: Initialization = "keras"
    use_bias: Flag = True

    noise_places = ("state",)

    def __post_init__(self) -> None:
        check_hyperparameters(self)

    @property
    def output_size(self) -> int:
        return self.hidden_size

    def init(self, key: jax.Array) -> SimpleRNNParams:
        return SimpleRNNParams(
            *gate_params(
                key,
                self.initialization,
                self.input_size,
                self.hidden_size,
                num_gates=1,
                use_bias=self.use_bias,
            )
        )

    def initial_carry(self, batch_shape: tuple[int, ...] = (), dtype: Any = None) -> SimpleRNNCarry:
        return zero_carry(SimpleRNNCarry, batch_shape, dtype, h=self.hidden_size)

    def project(self, params: SimpleRNNParams, x: jax.Array) -> jax.Array:
        check_input(self, x)
        return affine(x, params.w_x, params.b, params.b_h)

    def step(
        self, params: SimpleRNNParams, carry: SimpleRNNCarry, z: jax.Array, noise: Noise = SILENCE
    ) -> tuple[SimpleRNNCarry, jax.Array]:
        h = ACTIVATIONS[self.activation](z + recur(noise.on_state(carry.h), params.w_h))
        return SimpleRNNCarry(h.astype(carry.h.dtype)), h
