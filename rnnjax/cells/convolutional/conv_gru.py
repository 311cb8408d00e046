"""The convolutional gated recurrent unit."""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp

from rnnjax.activations import gates
from rnnjax.cell import settled
from rnnjax.conv_cell import ConvParams, GatedConvCell, recur
from rnnjax.gated_cell import HiddenCarry


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class ConvGRU(GatedConvCell):
    r"""Gated recurrent unit whose products are convolutions.

    .. math::
        r_t &= \sigma(W_{xr} * x_t + b_r + W_{hr} * h_{t-1}) \\
        z_t &= \sigma(W_{xz} * x_t + b_z + W_{hz} * h_{t-1}) \\
        n_t &= \tanh(W_{xn} * x_t + b_n + W_{hn} * (r_t \odot h_{t-1})) \\
        h_t &= (1 - z_t) \odot h_{t-1} + z_t \odot n_t, \qquad y_t = h_t

    Args:
        input_size: D, channels of one input.
        hidden_size: H, channels of the state.
        space: the sizes of an input's axes of space, one to three.
        kernel_size: of both convolutions, one size for each axis of space.
        strides: of the input's convolution; 1 by default.
        padding: "same" or "valid", of the input's convolution.
        dilation: of the input's convolution; 1 by default.
        use_bias: whether there are biases; the paper prints none.
        initialization: "keras" or "torch", as of
            `rnnjax.conv_cell.GatedConvCell`.

    Inputs: ``[..., *space, D]``. Parameters: `ConvParams`, in the order r, z, n. Carry:
    `HiddenCarry` of ``[..., *space', H]``, where space' is what the input's convolution leaves.
    Output: likewise.

    Raises:
        ValueError: a size is not a positive integer, the sizes do not fit, or a name is unknown.

    Equals ``rnnjax.GRU(reset_after=False)`` for an image of one pixel, with the signs of the
    parameters of z turned: here z lets in what is new. Re-implementations disagree on that.

    >>> cell = ConvGRU(input_size=3, hidden_size=2, space=(8, 8), kernel_size=(3, 3))
    >>> params = cell.init(jax.random.key(0))
    >>> carry, y = cell(params, cell.initial_carry(), jnp.ones((8, 8, 3)))
    >>> y.shape
    (8, 8, 2)

    Source: N. Ballas et al., "Delving deeper into convolutional networks for learning video
    representations", ICLR 2016, arXiv:1511.06432. Checked in a summary that prints the paper's
    equations; there is no code of the authors'.
    """

    gate_names = ("r", "z", "n")

    def step(
        self, params: ConvParams, carry: HiddenCarry, z: jax.Array
    ) -> tuple[HiddenCarry, jax.Array]:
        cut = 2 * self.hidden_size
        a = z[..., :cut] + recur(carry.h, params.w_h[..., :cut])
        reset, update = gates(a, ("sigmoid", "sigmoid"))
        n = jnp.tanh(z[..., cut:] + recur(reset * carry.h, params.w_h[..., cut:]))
        h = (1 - update) * carry.h + update * n
        return settled(carry, HiddenCarry(h), h, z)
