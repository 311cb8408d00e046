"""The convolutional long short-term memory."""

from __future__ import annotations

import dataclasses
from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp

from rnnjax.activations import ACTIVATIONS, gates
from rnnjax.cell import settled
from rnnjax.conv_cell import GatedConvCell, recur
from rnnjax.gated_cell import MemoryCarry
from rnnjax.hyperparameters import Activation, Flag


class ConvLSTMParams(NamedTuple):
    """Parameters, gates fused in the order i, f, g, o, and the peepholes of three of them.

    ``w_x [*kernel_size, D, 4H]``, ``w_h [*kernel_size, H, 4H]``, ``b [4H]``, and ``p_i``, ``p_f``
    and ``p_o`` ``[*space', H]`` (None where absent).
    """

    w_x: jax.Array
    w_h: jax.Array
    b: jax.Array | None = None
    p_i: jax.Array | None = None
    p_f: jax.Array | None = None
    p_o: jax.Array | None = None


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class ConvLSTM(GatedConvCell):
    r"""Long short-term memory whose products are convolutions, with a peephole at every pixel.

    .. math::
        i_t &= \sigma(W_{xi} * x_t + b_i + W_{hi} * h_{t-1} + p_i \odot c_{t-1}) \\
        f_t &= \sigma(W_{xf} * x_t + b_f + W_{hf} * h_{t-1} + p_f \odot c_{t-1}) \\
        g_t &= \phi(W_{xg} * x_t + b_g + W_{hg} * h_{t-1}) \\
        c_t &= f_t \odot c_{t-1} + i_t \odot g_t \\
        o_t &= \sigma(W_{xo} * x_t + b_o + W_{ho} * h_{t-1} + p_o \odot c_t) \\
        h_t &= o_t \odot \phi(c_t), \qquad y_t = h_t

    Args:
        input_size: D, channels of one input.
        hidden_size: H, channels of the state.
        space: the sizes of an input's axes of space, one to three.
        kernel_size: of both convolutions, one size for each axis of space.
        activation: φ, a name in `rnnjax.activations.ACTIVATIONS`.
        recurrent_activation: σ, likewise; the activation of the gates.
        use_peepholes: whether there are peepholes, a weight of its own for every pixel; they
            begin as zeros.
        strides: of the input's convolution; 1 by default.
        padding: "same" or "valid", of the input's convolution.
        dilation: of the input's convolution; 1 by default.
        use_bias: whether there are biases.
        initialization: "keras" or "torch", as of
            `rnnjax.conv_cell.GatedConvCell`; the forget gate's bias begins at
            1 more.

    Inputs: ``[..., *space, D]``. Parameters: `ConvLSTMParams`. Carry: `MemoryCarry` of
    ``[..., *space', H]``, where space' is what the input's convolution leaves. Output: likewise.

    Raises:
        ValueError: a size is not a positive integer, the sizes do not fit, or a name is unknown.

    Equals `rnnjax.PeepholeLSTM` for an image of one pixel, and `rnnjax.LSTM` there without
    peepholes. Equals Keras's ``ConvLSTM1D`` to ``ConvLSTM3D`` without peepholes, which order the
    gates i, f, c, o and have padding "valid" by default. Flax's ``ConvLSTMCell`` has no peepholes
    either, two biases, and adds 1 to the forget gate at every step.

    >>> cell = ConvLSTM(input_size=3, hidden_size=2, space=(8, 8), kernel_size=(3, 3))
    >>> params = cell.init(jax.random.key(0))
    >>> carry, y = cell(params, cell.initial_carry(), jnp.ones((8, 8, 3)))
    >>> carry.c.shape, params.p_i.shape
    ((8, 8, 2), (8, 8, 2))

    Source: X. Shi et al., "Convolutional LSTM network: a machine learning approach for
    precipitation nowcasting", NIPS 2015, arXiv:1506.04214. The equations were checked in
    re-implementations that agree; the authors' own code was not.
    """

    activation: Activation = "tanh"
    recurrent_activation: Activation = "sigmoid"
    use_peepholes: Flag = True

    gate_names = ("i", "f", "g", "o")
    first_biases: ClassVar = {"f": 1.0}
    carry_type = MemoryCarry

    def init(self, key: jax.Array) -> ConvLSTMParams:
        w_x, w_h, b = super().init(key)
        if not self.use_peepholes:
            return ConvLSTMParams(w_x, w_h, b)
        p_i, p_f, p_o = (jnp.zeros(self.output_shape, w_x.dtype) for _ in range(3))
        return ConvLSTMParams(w_x, w_h, b, p_i, p_f, p_o)

    def step(
        self, params: ConvLSTMParams, carry: MemoryCarry, z: jax.Array
    ) -> tuple[MemoryCarry, jax.Array]:
        activation = ACTIVATIONS[self.activation]
        a_i, a_f, a_g, a_o = jnp.split(z + recur(carry.h, params.w_h), 4, axis=-1)
        i = self._gate(a_i, params.p_i, carry.c)
        f = self._gate(a_f, params.p_f, carry.c)
        c = f * carry.c + i * activation(a_g)
        h = self._gate(a_o, params.p_o, c) * activation(c)
        return settled(carry, MemoryCarry(h, c), h, z)

    def _gate(self, a: jax.Array, peephole: jax.Array | None, c: jax.Array) -> jax.Array:
        if peephole is not None:
            a = a + jnp.broadcast_to(peephole, c.shape) * c
        (gate,) = gates(a, (self.recurrent_activation,))
        return gate
