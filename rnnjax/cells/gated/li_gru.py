"""Light gated recurrent units, the second of which is stabilised."""

from __future__ import annotations

import dataclasses
from typing import Annotated, NamedTuple

import jax
import jax.numpy as jnp

from rnnjax.activations import gates
from rnnjax.cell import affine, check_input, recur, settled
from rnnjax.gated_cell import GatedCell, HiddenCarry
from rnnjax.hyperparameters import Activation, Positive, one_of
from rnnjax.noise import SILENCE, Noise
from rnnjax.normalization import layer_norm

NORMALIZATIONS = ("layer", "none")
"""What may be done to the product of the input."""


class LiGRUParams(NamedTuple):
    """Parameters, gates fused in the order z, g.

    ``w_x [D, 2H]``, ``w_h [H, 2H]``, ``b [2H]`` (None where absent), and the gain ``gain [2H]``
    (None without normalisation).
    """

    w_x: jax.Array
    w_h: jax.Array
    b: jax.Array | None = None
    gain: jax.Array | None = None


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class LiGRU(GatedCell):
    r"""Light gated recurrent unit: no reset gate, relu, and a normalised product of the input.

    .. math::
        a_t &= \mathrm{LN}(x_t W_x; \alpha) + b \\
        z_t &= \sigma(a_{t,z} + h_{t-1} W_{hz}) \\
        g_t &= \phi(a_{t,g} + h_{t-1} W_{hg}) \\
        h_t &= z_t \odot h_{t-1} + (1 - z_t) \odot g_t, \qquad y_t = h_t

    LN takes the mean and the variance of the 2H features of a step, and is left out without
    normalisation. The paper has batch normalisation in its place, over all steps of all rows,
    which a cell, that sees one step of one row, can't have.

    Args:
        input_size: D, features of one input.
        hidden_size: H, units.
        activation: φ, a name in `rnnjax.activations.ACTIVATIONS`.
        normalization: "layer" or "none", of the product of the input.
        epsilon: ε, what is added to a variance.
        initialization: "keras" or "torch", as of `rnnjax.gated_cell.GatedCell`. The gain is 1.
        use_bias: whether there is b.

    Parameters: `LiGRUParams`. Carry: `HiddenCarry`. Output: ``[..., H]``.

    Raises:
        ValueError: a size is not a positive integer, a name is unknown, or ε is not positive.

    Equals `rnnjax.UGRNN` without normalisation and with tanh. RecurrentLayers.jl has that function
    under this name; torchrecurrent has relu and no normalisation, with which states may grow
    without bound. SpeechBrain orders the gates g, z, and normalises as this cell does if it is
    asked for "layernorm".

    >>> cell = LiGRU(input_size=3, hidden_size=2)
    >>> params = cell.init(jax.random.key(0))
    >>> carry, y = cell(params, cell.initial_carry(), jnp.array([1.0, -1.0, 2.0]))
    >>> y.shape
    (2,)

    Source: M. Ravanelli et al., "Light gated recurrent units for speech recognition", IEEE TETCI 2
    (2018), arXiv:1803.10225; mravanelli/theano-kaldi-rnn, ``recurrent_neural_networks.py``.
    """

    activation: Activation = "relu"
    normalization: Annotated[str, one_of(NORMALIZATIONS)] = "layer"
    epsilon: Positive = 1e-5

    gate_names = ("z", "g")

    def init(self, key: jax.Array) -> LiGRUParams:
        gain = None if self.normalization == "none" else jnp.ones(2 * self.hidden_size)
        return LiGRUParams(*super().init(key), gain=gain)

    def project(self, params: LiGRUParams, x: jax.Array) -> jax.Array:
        check_input(self, x)
        if params.gain is None:
            return affine(x, params.w_x, params.b)
        return layer_norm(affine(x, params.w_x), params.gain, params.b, epsilon=self.epsilon)

    def recurrent(self, params: LiGRUParams, h: jax.Array) -> jax.Array:
        """What the gates are given of a state, ``[..., 2H]``."""
        return recur(h, params.w_h)

    def step(
        self, params: LiGRUParams, carry: HiddenCarry, z: jax.Array, noise: Noise = SILENCE
    ) -> tuple[HiddenCarry, jax.Array]:
        a = z + self.recurrent(params, noise.on_state(carry.h))
        kept, g = gates(a, ("sigmoid", self.activation))
        h = kept * carry.h + (1 - kept) * noise.on_update(g)
        return settled(carry, HiddenCarry(h), h, z)


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class SLiGRU(LiGRU):
    r"""Stabilised light gated recurrent unit: the product of the state is normalised too.

    .. math::
        a_t &= \mathrm{LN}(x_t W_x; \alpha) + b + \mathrm{LN}(h_{t-1} W_h; 1) \\
        z_t &= \sigma(a_{t,z}), \qquad g_t = \phi(a_{t,g}) \\
        h_t &= z_t \odot h_{t-1} + (1 - z_t) \odot g_t, \qquad y_t = h_t

    Each LN takes the mean and the variance of the 2H features of a step; that of the state has
    neither gain nor shift.

    Args:
        input_size: D, features of one input.
        hidden_size: H, units.
        activation: φ, a name in `rnnjax.activations.ACTIVATIONS`.
        normalization: "layer" or "none", of the product of the input; that of the state is
            normalised either way.
        epsilon: ε, what is added to a variance.
        initialization: as of `rnnjax.LiGRU`.
        use_bias: whether there is b.

    Parameters: `LiGRUParams`. Carry: `HiddenCarry`. Output: ``[..., H]``.

    Raises:
        ValueError: a size is not a positive integer, a name is unknown, or ε is not positive.

    SpeechBrain's normalises the product of the input over the batch unless it is asked for
    "layernorm", and can give the state's a gain and a shift.

    >>> cell = SLiGRU(input_size=3, hidden_size=2)
    >>> params = cell.init(jax.random.key(0))
    >>> carry, y = cell(params, cell.initial_carry(), jnp.array([1.0, -1.0, 2.0]))
    >>> y.shape
    (2,)

    Source: A. Moumen, T. Parcollet, "Stabilising and accelerating light gated recurrent units for
    automatic speech recognition", ICASSP 2023, arXiv:2302.10144; ``speechbrain/nnet/RNN.py`` of
    SpeechBrain.
    """

    def recurrent(self, params: LiGRUParams, h: jax.Array) -> jax.Array:
        u = super().recurrent(params, h)
        return layer_norm(u, jnp.ones(u.shape[-1]), epsilon=self.epsilon)
