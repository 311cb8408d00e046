"""The convolutional cell without gates."""

from __future__ import annotations

import dataclasses

import jax

from rnnjax.activations import ACTIVATIONS
from rnnjax.cell import settled
from rnnjax.conv_cell import ConvParams, GatedConvCell, recur
from rnnjax.gated_cell import HiddenCarry
from rnnjax.hyperparameters import Activation


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class ConvRNN(GatedConvCell):
    r"""A simple recurrent cell whose products are convolutions.

    .. math:: h_t = \phi(W_x * x_t + b + W_h * h_{t-1}), \qquad y_t = h_t

    Args:
        input_size: D, channels of one input.
        hidden_size: H, channels of the state.
        space: the sizes of an input's axes of space, one to three.
        kernel_size: of both convolutions, one size for each axis of space.
        activation: φ, a name in `rnnjax.activations.ACTIVATIONS`.
        strides: of the input's convolution; 1 by default.
        padding: "same" or "valid", of the input's convolution.
        dilation: of the input's convolution; 1 by default.
        use_bias: whether there are biases.
        initialization: "keras" or "torch", as of
            `rnnjax.conv_cell.GatedConvCell`.

    Inputs: ``[..., *space, D]``. Parameters: `ConvParams`. Carry: `HiddenCarry` of
    ``[..., *space', H]``, where space' is what the input's convolution leaves. Output: likewise.

    Raises:
        ValueError: a size is not a positive integer, the sizes do not fit, or a name is unknown.

    Equals `rnnjax.SimpleRNN` for an image of one pixel, and at every pixel with kernels of one.

    >>> cell = ConvRNN(input_size=3, hidden_size=2, space=(8, 8), kernel_size=(3, 3))
    >>> params = cell.init(jax.random.key(0))
    >>> carry, y = cell(params, cell.initial_carry(), jax.numpy.ones((8, 8, 3)))
    >>> y.shape
    (8, 8, 2)

    Source: none of its own; the baseline of the cells with gates.
    """

    activation: Activation = "tanh"

    gate_names = ("h",)

    def step(
        self, params: ConvParams, carry: HiddenCarry, z: jax.Array
    ) -> tuple[HiddenCarry, jax.Array]:
        h = ACTIVATIONS[self.activation](z + recur(carry.h, params.w_h))
        return settled(carry, HiddenCarry(h), h, z)
