"""The gated recurrent unit with layer normalisation."""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

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


class LayerNormGRUParams(NamedTuple):
    """Parameters, gates fused in the order r, z, n.

    ``w_x [D, 3H]``, ``w_h [H, 3H]``; gains ``gain_x [3H]``, ``gain_h [3H]``; shifts ``b [3H]``,
    ``b_h [3H]`` (None where absent).
    """

    w_x: jax.Array
    w_h: jax.Array
    gain_x: jax.Array
    gain_h: jax.Array
    b: jax.Array | None = None
    b_h: jax.Array | None = None


class LayerNormGRUCarry(NamedTuple):
    """Carry: the hidden state ``h [..., H]``."""

    h: jax.Array


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class LayerNormGRU(FusedCell):
    r"""Gated recurrent unit, reset after the product, whose products are layer-normalised.

    With subscript rz for the columns of both gates, which are normalised together:

    .. math::
        (r_t, z_t) &= \mathrm{LN}(x_t W_{x,rz}; \alpha_{x,rz}, b_{rz})
                      + \mathrm{LN}(h_{t-1} W_{h,rz}; \alpha_{h,rz}, b_{h,rz}) \\
        n_t &= \phi(\mathrm{LN}(x_t W_{x,n}; \alpha_{x,n}, b_n)
               + \sigma(r_t) \odot \mathrm{LN}(h_{t-1} W_{h,n}; \alpha_{h,n}, b_{h,n})) \\
        h_t &= (1 - \sigma(z_t)) \odot h_{t-1} + \sigma(z_t) \odot n_t, \qquad y_t = h_t \\
        \mathrm{LN}(a; \alpha, \beta) &= \alpha \odot (a - \mu) / \sqrt{s^2 + \epsilon} + \beta

    μ and s² are the mean and the variance of one row's features: of 2H for both gates, the order
    of which therefore changes nothing, and of H for n.

    Args:
        input_size: D, features of one input.
        hidden_size: H, units.
        activation: φ, a name in `rnnjax.activations.ACTIVATIONS`.
        recurrent_activation: σ, likewise; the activation of the gates.
        initialization: "keras" or "torch", as for `rnnjax.GRU`, b and b_h as its biases. All
            gains are 1.
        use_bias: whether there are shifts.
        epsilon: ε.

    Parameters: `LayerNormGRUParams`. Carry: `LayerNormGRUCarry`. Output: ``[..., H]``.

    Raises:
        ValueError: a size is not a positive integer, a name is unknown, or ε is not positive.

    **z lets the new value in**, as in the paper, where that of `rnnjax.GRU`, Keras, PyTorch and
    the authors' own code keeps the old one. Each is the other's with the gains and shifts of z
    negated (not its weights, since r shares their mean). α₁ and β₁ of the paper are the part rz
    of gain_h and b_h, α₄ and β₄ the part n; α₂, β₂ and α₃, β₃ those of gain_x and b. No framework
    has this cell; LMNT's Haste normalises all three gates together.

    >>> cell = LayerNormGRU(input_size=3, hidden_size=2)
    >>> params = cell.init(jax.random.key(0))
    >>> carry, y = cell(params, cell.initial_carry(), jnp.array([1.0, -1.0, 2.0]))
    >>> y.shape
    (2,)

    Source: J. L. Ba, J. R. Kiros, G. E. Hinton, "Layer normalization", arXiv:1607.06450,
    equations 26-28; LN: equations 15 and 16, with the ε of the authors' code.
    """

    activation: Activation = "tanh"
    recurrent_activation: Activation = "sigmoid"
    initialization: Initialization = "keras"
    use_bias: Flag = True
    epsilon: Positive = 1e-5

    carry_type = LayerNormGRUCarry

    def init(self, key: jax.Array) -> LayerNormGRUParams:
        w_x, w_h, b, b_h = self.draw_gates(key, num_gates=3, two_biases=True)
        # Two arrays, so that the parameters may be donated.
        gain_x, gain_h = jnp.ones(3 * self.hidden_size), jnp.ones(3 * self.hidden_size)
        return LayerNormGRUParams(w_x, w_h, gain_x, gain_h, b, b_h)

    def project(self, params: LayerNormGRUParams, x: jax.Array) -> tuple[jax.Array, jax.Array]:
        check_input(self, x)
        a_rz, a_n = self._parts(affine(x, params.w_x))
        gain_rz, gain_n = self._parts(params.gain_x)
        b_rz, b_n = self._parts(params.b)
        b_h_rz, _ = self._parts(params.b_h)
        return (
            layer_norm(a_rz, gain_rz, b_rz, b_h_rz, epsilon=self.epsilon),
            layer_norm(a_n, gain_n, b_n, epsilon=self.epsilon),
        )

    def step(
        self,
        params: LayerNormGRUParams,
        carry: LayerNormGRUCarry,
        z: tuple[jax.Array, jax.Array],
        noise: Noise = SILENCE,
    ) -> tuple[LayerNormGRUCarry, jax.Array]:
        gate = self.recurrent_activation
        z_rz, z_n = z
        u_rz, u_n = self._parts(recur(noise.on_state(carry.h), params.w_h))
        gain_rz, gain_n = self._parts(params.gain_h)
        _, b_h_n = self._parts(params.b_h)
        a_rz = z_rz + layer_norm(u_rz, gain_rz, epsilon=self.epsilon)
        reset, update = gates(a_rz, (gate, gate))
        a_n = z_n + reset * layer_norm(u_n, gain_n, b_h_n, epsilon=self.epsilon)
        candidate = ACTIVATIONS[self.activation](a_n)
        h = (1 - update) * carry.h + update * noise.on_update(candidate)
        return settled(carry, LayerNormGRUCarry(h), h, z_n)

    def _parts(self, fused: Any) -> tuple[Any, Any]:
        """What is normalised together: r with z, and n. Of None, two Nones."""
        split = 2 * self.hidden_size
        return (None, None) if fused is None else (fused[..., :split], fused[..., split:])
