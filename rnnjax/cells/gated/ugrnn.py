"""The update gate network."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import jax

from rnnjax.activations import gates
from rnnjax.cell import settled
from rnnjax.gated_cell import GatedCell, GatedParams, HiddenCarry
from rnnjax.noise import SILENCE, Noise


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class UGRNN(GatedCell):
    r"""Update gate network: a gate decides between the old state and the candidate.

    .. math::
        g_t &= \sigma(x_t W_{xg} + h_{t-1} W_{hg} + b_g) \\
        c_t &= \tanh(x_t W_{xc} + h_{t-1} W_{hc} + b_c) \\
        h_t &= g_t \odot h_{t-1} + (1 - g_t) \odot c_t, \qquad y_t = h_t

    Args:
        input_size: D, features of one input.
        hidden_size: H, units.
        initialization: "keras" or "torch", as of `rnnjax.gated_cell.GatedCell`; the gate's bias
            begins at 1 more.
        use_bias: whether there are biases.

    Parameters: `GatedParams`, in the order g, c. Carry: `HiddenCarry`. Output: ``[..., H]``.

    Raises:
        ValueError: a size is not a positive integer, or a name is unknown.

    Equals `rnnjax.GRU` whose reset gate is open: its weights 0, its bias large.

    Equals `rnnjax.LiGRU` without normalisation and with tanh, and `rnnjax.JANET` for β = 0.
    TensorFlow 1's ``UGRNNCell`` adds 1 to the gate at every step instead of to its first bias.

    >>> cell = UGRNN(input_size=3, hidden_size=2)
    >>> params = cell.init(jax.random.key(0))
    >>> carry, y = cell(params, cell.initial_carry(), jax.numpy.array([1.0, -1.0, 2.0]))
    >>> y.shape
    (2,)

    Source: J. Collins, J. Sohl-Dickstein, D. Sussillo, "Capacity and trainability in recurrent
    neural networks", ICLR 2017, arXiv:1611.09913; the authors' ``UGRNNCell`` in
    ``tensorflow/contrib/rnn/python/ops/rnn_cell.py`` of TensorFlow 1.
    """

    gate_names = ("g", "c")
    first_biases: ClassVar = {"g": 1.0}

    def step(
        self, params: GatedParams, carry: HiddenCarry, z: jax.Array, noise: Noise = SILENCE
    ) -> tuple[HiddenCarry, jax.Array]:
        g, c = gates(self.sums(params, carry.h, z, noise), ("sigmoid", "tanh"))
        h = g * carry.h + (1 - g) * noise.on_update(c)
        return settled(carry, HiddenCarry(h), h, z)
