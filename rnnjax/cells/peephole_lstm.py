"""The long short-term memory whose gates see the memory."""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import jax
import jax.numpy as jnp

from rnnjax.activations import ACTIVATIONS, gates
from rnnjax.cell import recur, settled
from rnnjax.fused_cell import FusedCell
from rnnjax.hyperparameters import Activation, Flag, Initialization
from rnnjax.initializers import INITIALIZATIONS
from rnnjax.noise import SILENCE, Noise


class PeepholeLSTMParams(NamedTuple):
    """Parameters, gates fused in the order i, f, g, o, and the peepholes of three of them.

    ``w_x [D, 4H]``, ``w_h [H, 4H]``, ``p_i [H]``, ``p_f [H]``, ``p_o [H]``, ``b [4H]``,
    ``b_h [4H]`` (None where absent).
    """

    w_x: jax.Array
    w_h: jax.Array
    p_i: jax.Array
    p_f: jax.Array
    p_o: jax.Array
    b: jax.Array | None = None
    b_h: jax.Array | None = None


class PeepholeLSTMCarry(NamedTuple):
    """Carry: the hidden state ``h [..., H]`` and the memory ``c [..., H]``."""

    h: jax.Array
    c: jax.Array


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class PeepholeLSTM(FusedCell):
    r"""Long short-term memory with peepholes: each gate sees the memory that it guards.

    .. math::
        i_t &= \sigma(x_t W_{xi} + b_i + h_{t-1} W_{hi} + b_{hi} + p_i \odot c_{t-1}) \\
        f_t &= \sigma(x_t W_{xf} + b_f + h_{t-1} W_{hf} + b_{hf} + p_f \odot c_{t-1}) \\
        g_t &= \phi(x_t W_{xg} + b_g + h_{t-1} W_{hg} + b_{hg}) \\
        c_t &= f_t \odot c_{t-1} + i_t \odot g_t \\
        o_t &= \sigma(x_t W_{xo} + b_o + h_{t-1} W_{ho} + b_{ho} + p_o \odot c_t) \\
        h_t &= o_t \odot \phi(c_t), \qquad y_t = h_t

    Args:
        input_size: D, features of one input.
        hidden_size: H, units.
        activation: φ, a name in `rnnjax.activations.ACTIVATIONS`.
        recurrent_activation: σ, likewise; the activation of the gates.
        initialization: "keras" or "torch", as for `rnnjax.LSTM`. The peepholes are diagonals of
            matrices drawn like w_x: with "keras" uniform ±√(3/H), as TensorFlow draws them, with
            "torch" ±1/√H, like all of its recurrent weights.
        use_bias: whether there are biases.

    Parameters: `PeepholeLSTMParams`. Carry: `PeepholeLSTMCarry`. Output: ``[..., H]``.

    Raises:
        ValueError: a size is not a positive integer, or a name is unknown.

    Without peepholes, p = 0, equal to `rnnjax.LSTM`. Equal to TensorFlow 1's
    ``tf.nn.rnn_cell.LSTMCell(use_peepholes=True)``, which orders the gates i, g, f, o, has one
    kernel for (x, h) and adds 1 to the forget gate at every step. Keras, PyTorch and Flax have no
    such cell.

    >>> cell = PeepholeLSTM(input_size=3, hidden_size=2)
    >>> params = cell.init(jax.random.key(0))
    >>> carry, y = cell(params, cell.initial_carry(), jnp.array([1.0, -1.0, 2.0]))
    >>> carry.c.shape, y.shape
    ((2,), (2,))

    Source: F. Gers, N. Schraudolph, J. Schmidhuber, "Learning precise timing with LSTM recurrent
    networks", JMLR 3 (2002), 115-143; in the form of A. Graves, "Generating sequences with
    recurrent neural networks", arXiv:1308.0850, equations 7-11.
    """

    activation: Activation = "tanh"
    recurrent_activation: Activation = "sigmoid"
    initialization: Initialization = "keras"
    use_bias: Flag = True

    carry_type = PeepholeLSTMCarry

    def init(self, key: jax.Array) -> PeepholeLSTMParams:
        gates_key, *peephole_keys = jax.random.split(key, 4)
        w_x, w_h, b, b_h = self.draw_gates(gates_key, num_gates=4, forget_gate=1)
        draw = INITIALIZATIONS[self.initialization].kernel(self.hidden_size)
        square = (self.hidden_size, self.hidden_size)
        p_i, p_f, p_o = (jnp.diagonal(draw(k, square)) for k in peephole_keys)
        return PeepholeLSTMParams(w_x, w_h, p_i, p_f, p_o, b, b_h)

    def step(
        self,
        params: PeepholeLSTMParams,
        carry: PeepholeLSTMCarry,
        z: jax.Array,
        noise: Noise = SILENCE,
    ) -> tuple[PeepholeLSTMCarry, jax.Array]:
        activation = ACTIVATIONS[self.activation]
        a = z + recur(noise.on_state(carry.h), params.w_h)
        a_i, a_f, a_g, a_o = jnp.split(a, 4, axis=-1)
        i = self._gate(a_i, params.p_i, carry.c)
        f = self._gate(a_f, params.p_f, carry.c)
        c = f * carry.c + i * noise.on_update(activation(a_g))
        h = self._gate(a_o, params.p_o, c) * activation(c)
        return settled(carry, PeepholeLSTMCarry(h, c), h, z)

    def _gate(self, a: jax.Array, peephole: jax.Array, c: jax.Array) -> jax.Array:
        (gate,) = gates(a + jnp.broadcast_to(peephole, c.shape) * c, (self.recurrent_activation,))
        return gate
