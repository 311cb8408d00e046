"""The network without chaos."""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp

from rnnjax.activations import gates
from rnnjax.cell import affine, check_input, recur, settled
from rnnjax.fused_cell import FusedCell
from rnnjax.gated_cell import GatedParams, HiddenCarry
from rnnjax.hyperparameters import Flag
from rnnjax.noise import SILENCE, Noise

BOUND = 0.07
"""All weights are at first uniform on ± this."""


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class CFN(FusedCell):
    r"""Chaos-free network: a state that dies away unless the input feeds it.

    .. math::
        \theta_t &= \sigma(x_t W_{x\theta} + h_{t-1} W_{h\theta} + b_\theta) \\
        \eta_t &= \sigma(x_t W_{x\eta} + h_{t-1} W_{h\eta} + b_\eta) \\
        h_t &= \theta_t \odot \tanh(h_{t-1}) + \eta_t \odot \tanh(x_t W_{xv}), \qquad y_t = h_t

    At first all weights are uniform on ±0.07, b_θ is 1 and b_η is -1.

    Args:
        input_size: D, features of one input.
        hidden_size: H, units.
        use_bias: whether there are biases.

    Parameters: `GatedParams`, in the order θ, η, v, of which v reads no state and has no bias:
    ``w_x [D, 3H]``, ``w_h [H, 2H]``, ``b [2H]``. Carry: `HiddenCarry`. Output: ``[..., H]``.

    Raises:
        ValueError: a size is not a positive integer.

    TensorFlow 1's ``CFNCell`` has 1 - η for η, which is another function of its parameters, and
    both biases begin at 1 there; torchrecurrent has a bias in the last hyperbolic tangent.

    >>> cell = CFN(input_size=3, hidden_size=2)
    >>> params = cell.init(jax.random.key(0))
    >>> carry, y = cell(params, cell.initial_carry(), jnp.array([1.0, -1.0, 2.0]))
    >>> y.shape
    (2,)

    Source: T. Laurent, J. von Brecht, "A recurrent neural network without chaos", ICLR 2017,
    arXiv:1612.06212; the first values are those of two re-implementations, which agree, and were
    not looked up in the paper.
    """

    use_bias: Flag = True

    carry_type = HiddenCarry

    def init(self, key: jax.Array) -> GatedParams:
        d, h = self.input_size, self.hidden_size
        keys = jax.random.split(key)
        w_x, w_h = (
            jax.random.uniform(own, shape, minval=-BOUND, maxval=BOUND)
            for own, shape in zip(keys, ((d, 3 * h), (h, 2 * h)), strict=True)
        )
        b = jnp.repeat(jnp.asarray([1.0, -1.0]), h) if self.use_bias else None
        return GatedParams(w_x, w_h, b)

    def project(self, params: GatedParams, x: jax.Array) -> jax.Array:
        check_input(self, x)
        b = None if params.b is None else jnp.pad(params.b, (0, self.hidden_size))
        a = affine(x, params.w_x, b)
        split = 2 * self.hidden_size
        return jnp.concatenate([a[..., :split], jnp.tanh(a[..., split:])], axis=-1)

    def step(
        self, params: GatedParams, carry: HiddenCarry, z: jax.Array, noise: Noise = SILENCE
    ) -> tuple[HiddenCarry, jax.Array]:
        split = 2 * self.hidden_size
        a = z[..., :split] + recur(noise.on_state(carry.h), params.w_h)
        theta, eta = gates(a, ("sigmoid", "sigmoid"))
        h = theta * jnp.tanh(carry.h) + eta * noise.on_update(z[..., split:])
        return settled(carry, HiddenCarry(h), h, z)
