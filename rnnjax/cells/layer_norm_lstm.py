"""The long short-term memory with layer normalisation."""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import jax
import jax.numpy as jnp

from rnnjax.activations import ACTIVATIONS, gates
from rnnjax.cell import affine, check_input, recur, settled
from rnnjax.fused_cell import FusedCell
from rnnjax.hyperparameters import (
    Activation,
    Flag,
    Initialization,
    Positive,
)
from rnnjax.noise import SILENCE, Noise
from rnnjax.normalization import layer_norm


class LayerNormLSTMParams(NamedTuple):
    """Parameters, gates fused in the order i, f, g, o.

    ``w_x [D, 4H]``, ``w_h [H, 4H]``; gains ``gain_x [4H]``, ``gain_h [4H]``, ``gain_c [H]``;
    shifts ``b [4H]``, ``b_h [4H]``, ``b_c [H]`` (None where absent).
    """

    w_x: jax.Array
    w_h: jax.Array
    gain_x: jax.Array
    gain_h: jax.Array
    gain_c: jax.Array
    b: jax.Array | None = None
    b_h: jax.Array | None = None
    b_c: jax.Array | None = None


class LayerNormLSTMCarry(NamedTuple):
    """Carry: the hidden state ``h [..., H]`` and the memory ``c [..., H]``, not normalised."""

    h: jax.Array
    c: jax.Array


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class LayerNormLSTM(FusedCell):
    r"""Long short-term memory whose products and whose memory are layer-normalised.

    .. math::
        (i_t, f_t, g_t, o_t) &= \mathrm{LN}(x_t W_x; \alpha_x, b)
                                + \mathrm{LN}(h_{t-1} W_h; \alpha_h, b_h) \\
        c_t &= \sigma(f_t) \odot c_{t-1} + \sigma(i_t) \odot \phi(g_t) \\
        h_t &= \sigma(o_t) \odot \phi(\mathrm{LN}(c_t; \alpha_c, b_c)), \qquad y_t = h_t \\
        \mathrm{LN}(a; \alpha, \beta) &= \alpha \odot (a - \mu) / \sqrt{s^2 + \epsilon} + \beta

    μ and s² are the mean and the variance of one row's features: of all 4H for the gates, which
    are normalised together, so that the order in which they are fused changes nothing.

    Args:
        input_size: D, features of one input.
        hidden_size: H, units.
        activation: φ, a name in `rnnjax.activations.ACTIVATIONS`.
        recurrent_activation: σ, likewise; the activation of the gates.
        initialization: "keras" or "torch", as for `rnnjax.LSTM`, +1 for the forget gate and the
            second shift b_h included. All gains are 1, and b_c is 0.
        use_bias: whether there are shifts.
        epsilon: ε.

    Parameters: `LayerNormLSTMParams`. Carry: `LayerNormLSTMCarry`. Output: ``[..., H]``.

    Raises:
        ValueError: a size is not a positive integer, a name is unknown, or ε is not positive.

    The paper adds three shifts to the gates, β₁ + β₂ + b, of which only the sum matters; it learns
    three times as fast as one shift would. Here b is that sum, or with "torch" b is β₂ + b and b_h
    is β₁. Below its equation 22 the paper says that gains begin as zeros and shifts as ones; its
    equation 15 and the authors' code have it the other way round, and so has this cell.

    ``LayerNormLSTMCell`` of TensorFlow Addons hands the normalised memory on to the next step,
    which is another function. Keras, PyTorch and Flax have no such cell.

    >>> cell = LayerNormLSTM(input_size=3, hidden_size=2)
    >>> params = cell.init(jax.random.key(0))
    >>> carry, y = cell(params, cell.initial_carry(), jnp.array([1.0, -1.0, 2.0]))
    >>> carry.c.shape, y.shape
    ((2,), (2,))

    Source: J. L. Ba, J. R. Kiros, G. E. Hinton, "Layer normalization", arXiv:1607.06450,
    equations 20-22; LN: equations 15 and 16, with the ε of the authors' code.
    """

    activation: Activation = "tanh"
    recurrent_activation: Activation = "sigmoid"
    initialization: Initialization = "keras"
    use_bias: Flag = True
    epsilon: Positive = 1e-5

    carry_type = LayerNormLSTMCarry

    def init(self, key: jax.Array) -> LayerNormLSTMParams:
        w_x, w_h, b, b_h = self.draw_gates(key, num_gates=4, forget_gate=1)
        return LayerNormLSTMParams(
            w_x,
            w_h,
            gain_x=jnp.ones(4 * self.hidden_size),
            gain_h=jnp.ones(4 * self.hidden_size),
            gain_c=jnp.ones(self.hidden_size),
            b=b,
            b_h=b_h,
            b_c=jnp.zeros(self.hidden_size) if self.use_bias else None,
        )

    def project(self, params: LayerNormLSTMParams, x: jax.Array) -> jax.Array:
        check_input(self, x)
        a = affine(x, params.w_x)
        return layer_norm(a, params.gain_x, params.b, params.b_h, epsilon=self.epsilon)

    def step(
        self,
        params: LayerNormLSTMParams,
        carry: LayerNormLSTMCarry,
        z: jax.Array,
        noise: Noise = SILENCE,
    ) -> tuple[LayerNormLSTMCarry, jax.Array]:
        activation = ACTIVATIONS[self.activation]
        gate = self.recurrent_activation
        u = recur(noise.on_state(carry.h), params.w_h)
        a = z + layer_norm(u, params.gain_h, epsilon=self.epsilon)
        i, f, g, o = gates(a, (gate, gate, self.activation, gate))
        c = f * carry.c + i * noise.on_update(g)
        h = o * activation(layer_norm(c, params.gain_c, params.b_c, epsilon=self.epsilon))
        return settled(carry, LayerNormLSTMCarry(h, c), h, z)
