"""The long short-term memory with a projected state."""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

import jax

from rnnjax.activations import ACTIVATIONS, gates
from rnnjax.cell import recur, settled, zero_carry
from rnnjax.fused_cell import FusedCell
from rnnjax.hyperparameters import Activation, Flag, Initialization, Size
from rnnjax.initializers import INITIALIZATIONS
from rnnjax.noise import SILENCE, Noise


class LSTMPParams(NamedTuple):
    """Parameters, gates fused in the order i, f, g, o; P is the size of the projection.

    ``w_x [D, 4H]``, ``w_h [P, 4H]``, ``w_p [H, P]``, ``b [4H]``, ``b_h [4H]`` (None where absent).
    """

    w_x: jax.Array
    w_h: jax.Array
    w_p: jax.Array
    b: jax.Array | None = None
    b_h: jax.Array | None = None


class LSTMPCarry(NamedTuple):
    """Carry: the projected state ``h [..., P]`` and the memory ``c [..., H]``."""

    h: jax.Array
    c: jax.Array


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class LSTMP(FusedCell):
    r"""Long short-term memory whose output and state are a linear projection.

    With gates as in `rnnjax.LSTM`, computed from the projected :math:`h_{t-1}`:

    .. math::
        c_t &= f_t \odot c_{t-1} + i_t \odot g_t \\
        h_t &= (o_t \odot \phi(c_t)) W_p, \qquad y_t = h_t

    Args:
        input_size: D, features of one input.
        hidden_size: H, memory cells.
        projection_size: P, features of the state and the output.
        activation: φ, a name in `rnnjax.activations.ACTIVATIONS`.
        recurrent_activation: σ, likewise; the activation of the gates.
        initialization: "keras" or "torch", as for `rnnjax.LSTM`; w_p as the recurrent matrix.
        use_bias: whether there are biases.

    Parameters: `LSTMPParams`. Carry: `LSTMPCarry`. Output: ``[..., P]``.

    Raises:
        ValueError: a size is not a positive integer, or a name is unknown.

    Equal to ``torch.nn.LSTM(proj_size=P)``. Keras and Flax have no such cell.

    >>> cell = LSTMP(input_size=3, hidden_size=4, projection_size=2)
    >>> carry = cell.initial_carry()
    >>> carry.h.shape, carry.c.shape
    ((2,), (4,))

    Source: H. Sak, A. Senior, F. Beaufays, "Long short-term memory based recurrent neural network
    architectures for large vocabulary speech recognition", arXiv:1402.1128: the LSTM with a
    recurrent projection layer, here without peepholes and without the other projection.
    """

    projection_size: Size
    activation: Activation = "tanh"
    recurrent_activation: Activation = "sigmoid"
    initialization: Initialization = "keras"
    use_bias: Flag = True

    carry_type = LSTMPCarry

    @property
    def output_size(self) -> int:
        return self.projection_size

    def init(self, key: jax.Array) -> LSTMPParams:
        gates_key, projection_key = jax.random.split(key)
        w_x, w_h, b, b_h = self.draw_gates(
            gates_key, num_gates=4, state_size=self.projection_size, forget_gate=1
        )
        draw = INITIALIZATIONS[self.initialization].recurrent_kernel(self.hidden_size)
        w_p = draw(projection_key, (self.hidden_size, self.projection_size))
        return LSTMPParams(w_x, w_h, w_p, b, b_h)

    def initial_carry(self, batch_shape: tuple[int, ...] = (), dtype: Any = None) -> LSTMPCarry:
        return zero_carry(
            LSTMPCarry, batch_shape, dtype, h=self.projection_size, c=self.hidden_size
        )

    def step(
        self, params: LSTMPParams, carry: LSTMPCarry, z: jax.Array, noise: Noise = SILENCE
    ) -> tuple[LSTMPCarry, jax.Array]:
        activation = ACTIVATIONS[self.activation]
        gate = self.recurrent_activation
        a = z + recur(noise.on_state(carry.h), params.w_h)
        i, f, g, o = gates(a, (gate, gate, self.activation, gate))
        c = f * carry.c + i * noise.on_update(g)
        h = recur(o * activation(c), params.w_p)
        return settled(carry, LSTMPCarry(h, c), h, z)
