"""The simple (Elman) recurrent cell."""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import jax

from rnnjax.activations import ACTIVATIONS
from rnnjax.cell import recur, settled
from rnnjax.fused_cell import FusedCell
from rnnjax.hyperparameters import Activation, Flag, Initialization
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
class SimpleRNN(FusedCell):
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

    activation: Activation = "tanh"
    initialization: Initialization = "keras"
    use_bias: Flag = True

    noise_places = ("state",)
    carry_type = SimpleRNNCarry

    def init(self, key: jax.Array) -> SimpleRNNParams:
        return SimpleRNNParams(*self.draw_gates(key, num_gates=1))

    def step(
        self, params: SimpleRNNParams, carry: SimpleRNNCarry, z: jax.Array, noise: Noise = SILENCE
    ) -> tuple[SimpleRNNCarry, jax.Array]:
        h = ACTIVATIONS[self.activation](z + recur(noise.on_state(carry.h), params.w_h))
        return settled(carry, SimpleRNNCarry(h), h, z)
