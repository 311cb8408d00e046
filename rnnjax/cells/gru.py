"""The gated recurrent unit, in both forms that are in use."""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import jax

from rnnjax.activations import ACTIVATIONS, gates
from rnnjax.cell import affine, check_input, recur, settled
from rnnjax.fused_cell import FusedCell
from rnnjax.hyperparameters import Activation, Flag, Initialization
from rnnjax.noise import SILENCE, Noise


class GRUParams(NamedTuple):
    """Parameters, gates fused in the order r, z, n.

    ``w_x [D, 3H]``, ``w_h [H, 3H]``, ``b [3H]``, ``b_h [3H]`` (None where absent).
    """

    w_x: jax.Array
    w_h: jax.Array
    b: jax.Array | None = None
    b_h: jax.Array | None = None


class GRUCarry(NamedTuple):
    """Carry: the hidden state ``h [..., H]``."""

    h: jax.Array


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class GRU(FusedCell):
    r"""Gated recurrent unit, the reset gate applied after or before the recurrent product.

    .. math::
        r_t &= \sigma(x_t W_{xr} + b_r + h_{t-1} W_{hr} + b_{hr}) \\
        z_t &= \sigma(x_t W_{xz} + b_z + h_{t-1} W_{hz} + b_{hz}) \\
        n_t &= \phi(x_t W_{xn} + b_n + r_t \odot (h_{t-1} W_{hn} + b_{hn}))
               \quad \text{(reset after)} \\
        n_t &= \phi(x_t W_{xn} + b_n + (r_t \odot h_{t-1}) W_{hn})
               \quad \text{(reset before)} \\
        h_t &= (1 - z_t) \odot n_t + z_t \odot h_{t-1}, \qquad y_t = h_t

    Args:
        input_size: D, features of one input.
        hidden_size: H, units.
        activation: φ, a name in `rnnjax.activations.ACTIVATIONS`.
        recurrent_activation: σ, likewise; the activation of the gates.
        reset_after: which of the two functions. The first has a bias b_h, which can't be merged
            into b because of r; the second has none, since there it could be.
        initialization: "keras" (Glorot uniform, one fused orthogonal matrix, zero biases) or
            "torch" (all uniform ±1/√H).
        use_bias: whether there are biases.

    Parameters: `GRUParams`. Carry: `GRUCarry`. Output: ``[..., H]``.

    Raises:
        ValueError: a size is not a positive integer, or a name is unknown.

    Reset after: equal to ``torch.nn.GRU`` (weights transposed), ``keras.layers.GRU`` as it comes
    (gate order z, r, n; biases stacked as (2, 3H)) and ``flax.linen.GRUCell`` (which has b_hn
    only). Reset before: ``keras.layers.GRU(reset_after=False)`` and the original paper; Haiku too,
    whose z gate is the complement of this one.

    >>> cell = GRU(input_size=3, hidden_size=2)
    >>> params = cell.init(jax.random.key(0))
    >>> carry, y = cell(params, cell.initial_carry(), jax.numpy.array([1.0, -1.0, 2.0]))
    >>> y.shape
    (2,)

    Source: K. Cho et al., "Learning phrase representations using RNN encoder-decoder", EMNLP 2014,
    equations 5-8 (reset before the product); the reset after it: version 1 of the same text,
    arXiv:1406.1078v1, and NVIDIA's cuDNN.
    """

    activation: Activation = "tanh"
    recurrent_activation: Activation = "sigmoid"
    reset_after: Flag = True
    initialization: Initialization = "keras"
    use_bias: Flag = True

    carry_type = GRUCarry

    def init(self, key: jax.Array) -> GRUParams:
        return GRUParams(*self.draw_gates(key, num_gates=3, two_biases=self.reset_after))

    def project(self, params: GRUParams, x: jax.Array) -> jax.Array:
        check_input(self, x)
        return affine(x, params.w_x, params.b)

    def step(
        self, params: GRUParams, carry: GRUCarry, z: jax.Array, noise: Noise = SILENCE
    ) -> tuple[GRUCarry, jax.Array]:
        activation = ACTIVATIONS[self.activation]
        gate = self.recurrent_activation
        read = noise.on_state(carry.h)
        split = 2 * self.hidden_size  # r and z; the candidate n lies behind them
        if self.reset_after:
            u = recur(read, params.w_h, params.b_h)
            reset, update = gates(z[..., :split] + u[..., :split], (gate, gate))
            candidate = activation(z[..., split:] + reset * u[..., split:])
        else:
            u = recur(read, params.w_h[:, :split])
            reset, update = gates(z[..., :split] + u, (gate, gate))
            candidate = activation(z[..., split:] + recur(reset * read, params.w_h[:, split:]))
        h = (1 - update) * noise.on_update(candidate) + update * carry.h
        return settled(carry, GRUCarry(h), h, z)
