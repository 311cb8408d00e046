"""The convolutional cell of stackable recurrence."""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp
from jax.nn import initializers

from rnnjax.activations import gates
from rnnjax.cell import settled
from rnnjax.conv_cell import ConvCell, ConvParams, recur
from rnnjax.gated_cell import HiddenCarry


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class ConvSTAR(ConvCell):
    r"""Stackable recurrent cell, of one gate, whose products are convolutions.

    .. math::
        k_t &= \sigma(W_{xk} * x_t + b_k + W_{hk} * h_{t-1}) \\
        n_t &= \tanh(W_{xn} * x_t + b_n) \\
        h_t &= k_t \odot h_{t-1} + (1 - k_t) \odot n_t, \qquad y_t = h_t

    Its first values are those of the official code: each of both kernels is orthogonal, that of
    the gate over the input and the state together; the biases of k are 1, those of n are 0.

    Args:
        input_size: D, channels of one input.
        hidden_size: H, channels of the state.
        space: the sizes of an input's axes of space, one to three.
        kernel_size: of both convolutions, one size for each axis of space.
        strides: of the input's convolution; 1 by default.
        padding: "same" or "valid", of the input's convolution.
        dilation: of the input's convolution; 1 by default.
        use_bias: whether there are biases.

    Inputs: ``[..., *space, D]``. Parameters: `ConvParams`, in the order k, n; only k reads the
    state. Carry: `HiddenCarry` of ``[..., *space', H]``, where space' is what the input's
    convolution leaves. Output: likewise.

    Raises:
        ValueError: a size is not a positive integer, or the sizes do not fit.

    Equals, for an image of one pixel, the light recurrent unit whose gate has its signs turned.
    The dense cell of the same name has a tanh around its state, which this one has not.

    >>> cell = ConvSTAR(input_size=3, hidden_size=2, space=(8, 8), kernel_size=(3, 3))
    >>> params = cell.init(jax.random.key(0))
    >>> carry, y = cell(params, cell.initial_carry(), jnp.ones((8, 8, 3)))
    >>> y.shape
    (8, 8, 2)

    Source: M. O. Turkoglu et al., "Crop mapping from image time series: deep learning with
    multi-scale label hierarchies", 2021; 0zgur0/multi-stage-convSTAR-network,
    ``models/convstar.py``, from which the equations are. The paper itself was not read.
    """

    def init(self, key: jax.Array) -> ConvParams:
        size, keys = self.input_size, jax.random.split(key)
        draw = initializers.orthogonal()
        gate = draw(keys[0], (*self.kernel_size, size + self.hidden_size, self.hidden_size))
        update = draw(keys[1], (*self.kernel_size, size, self.hidden_size))
        w_x = jnp.concatenate((gate[..., :size, :], update), axis=-1)
        b = jnp.repeat(jnp.asarray([1.0, 0.0], w_x.dtype), self.hidden_size)
        return ConvParams(w_x, gate[..., size:, :], b if self.use_bias else None)

    def step(
        self, params: ConvParams, carry: HiddenCarry, z: jax.Array
    ) -> tuple[HiddenCarry, jax.Array]:
        a_k, a_n = jnp.split(z, 2, axis=-1)
        (k,) = gates(a_k + recur(carry.h, params.w_h), ("sigmoid",))
        h = k * carry.h + (1 - k) * jnp.tanh(a_n)
        return settled(carry, HiddenCarry(h), h, z)
