"""The long short-term memory."""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import jax

from rnnjax.activations import ACTIVATIONS, gates
from rnnjax.cell import recur, settled
from rnnjax.fused_cell import FusedCell
from rnnjax.hyperparameters import Activation, Flag, Initialization
from rnnjax.noise import SILENCE, Noise


class LSTMParams(NamedTuple):
    """Parameters, gates fused in the order i, f, g, o.

    ``w_x [D, 4H]``, ``w_h [H, 4H]``, ``b [4H]``, ``b_h [4H]`` (None where absent).
    """

    w_x: jax.Array
    w_h: jax.Array
    b: jax.Array | None = None
    b_h: jax.Array | None = None


class LSTMCarry(NamedTuple):
    """Carry: the hidden state ``h [..., H]`` and the memory ``c [..., H]``."""

    h: jax.Array
    c: jax.Array


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class LSTM(FusedCell):
    r"""Long short-term memory with a forget gate and without peepholes.

    .. math::
        i_t &= \sigma(x_t W_{xi} + b_i + h_{t-1} W_{hi} + b_{hi}) \\
        f_t &= \sigma(x_t W_{xf} + b_f + h_{t-1} W_{hf} + b_{hf}) \\
        g_t &= \phi(x_t W_{xg} + b_g + h_{t-1} W_{hg} + b_{hg}) \\
        o_t &= \sigma(x_t W_{xo} + b_o + h_{t-1} W_{ho} + b_{ho}) \\
        c_t &= f_t \odot c_{t-1} + i_t \odot g_t \\
        h_t &= o_t \odot \phi(c_t), \qquad y_t = h_t

    Args:
        input_size: D, features of one input.
        hidden_size: H, units.
        activation: φ, a name in `rnnjax.activations.ACTIVATIONS`.
        recurrent_activation: σ, likewise; the activation of the gates.
        initialization: "keras" (Glorot uniform, one fused orthogonal matrix, zero bias but +1 for
            the forget gate) or "torch" (all uniform ±1/√H, with a bias b for the input and
            another, b_h, for the state).
        use_bias: whether there are biases.

    Parameters: `LSTMParams`. Carry: `LSTMCarry`. Output: ``[..., H]``.

    Raises:
        ValueError: a size is not a positive integer, or a name is unknown.

    Equal to ``keras.layers.LSTM`` (same gate order, it calls g "c"), to ``torch.nn.LSTM`` (which
    keeps its weights transposed) and to ``flax.linen.OptimizedLSTMCell`` (whose carry is (c, h)).
    Haiku orders the gates i, g, f, o and adds 1 to the forget gate at every step.

    >>> cell = LSTM(input_size=3, hidden_size=2)
    >>> params = cell.init(jax.random.key(0))
    >>> carry, y = cell(params, cell.initial_carry(), jax.numpy.array([1.0, -1.0, 2.0]))
    >>> carry.c.shape, y.shape
    ((2,), (2,))

    Source: S. Hochreiter, J. Schmidhuber, "Long short-term memory", Neural Computation 9 (1997),
    1735-1780; the forget gate: F. Gers, J. Schmidhuber, F. Cummins, "Learning to forget", Neural
    Computation 12 (2000), 2451-2471.
    """

    activation: Activation = "tanh"
    recurrent_activation: Activation = "sigmoid"
    initialization: Initialization = "keras"
    use_bias: Flag = True

    carry_type = LSTMCarry

    def init(self, key: jax.Array) -> LSTMParams:
        return LSTMParams(*self.draw_gates(key, num_gates=4, forget_gate=1))

    def step(
        self, params: LSTMParams, carry: LSTMCarry, z: jax.Array, noise: Noise = SILENCE
    ) -> tuple[LSTMCarry, jax.Array]:
        activation = ACTIVATIONS[self.activation]
        gate = self.recurrent_activation
        a = z + recur(noise.on_state(carry.h), params.w_h)
        i, f, g, o = gates(a, (gate, gate, self.activation, gate))
        c = f * carry.c + i * noise.on_update(g)
        h = o * activation(c)
        return settled(carry, LSTMCarry(h, c), h, z)
