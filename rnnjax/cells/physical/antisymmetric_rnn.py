"""Recurrent networks that discretise a stable differential equation by an antisymmetric matrix."""

from __future__ import annotations

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp

from rnnjax.activations import gates
from rnnjax.cell import recur, settled
from rnnjax.gated_cell import GatedCell, GatedParams, HiddenCarry
from rnnjax.hyperparameters import Positive, Real
from rnnjax.noise import SILENCE, Noise
from rnnjax.physical_cell import tilted


@dataclasses.dataclass(frozen=True)
class AntisymmetricCell(GatedCell):
    r"""A state that moves by a small step, along what an antisymmetric matrix says.

    .. math:: M = V - V^\top - \gamma I

    V begins normal with variance 1/H; the rest as `initialization` says.
    """

    step_size: Positive = 0.1
    diffusion: Real = 0.01

    def init(self, key: jax.Array) -> Any:
        first, own = jax.random.split(key)
        shape = self.hidden_size, self.hidden_size
        v = jax.random.normal(own, shape) * self.hidden_size**-0.5
        return super().init(first)._replace(w_h=v)

    def moved(self, params: GatedParams, h: jax.Array, noise: Noise) -> jax.Array:
        """M times the state."""
        return recur(noise.on_state(h), tilted(params.w_h, 1.0, self.diffusion))


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class AntisymmetricRNN(AntisymmetricCell):
    r"""A step of a differential equation that neither explodes nor forgets.

    .. math::
        M &= V - V^\top - \gamma I \\
        h_t &= h_{t-1} + \varepsilon \tanh(x_t W_x + h_{t-1} M + b), \qquad y_t = h_t

    Args:
        input_size: D, features of one input.
        hidden_size: H, units.
        step_size: ε; the paper chooses it by task, as it does γ.
        diffusion: γ, which damps what the step size makes grow.
        initialization: "keras" or "torch", as of `rnnjax.gated_cell.GatedCell`, but for V.
        use_bias: whether there is a bias.

    Parameters: `GatedParams`, V as ``w_h [H, H]``, at first normal with variance 1/H. Carry:
    `HiddenCarry`. Output: ``[..., H]``.

    Raises:
        ValueError: a size is not a positive integer, a number is none, or a name is unknown.

    Equals `rnnjax.LipschitzRNN` without its linear part. In torchrecurrent and RecurrentLayers.jl
    one begins with ε = 1 and γ = 0; rnn-jax subtracts the number γ inside of tanh, not γ h.

    >>> cell = AntisymmetricRNN(input_size=3, hidden_size=2)
    >>> params = cell.init(jax.random.key(0))
    >>> carry, y = cell(params, cell.initial_carry(), jnp.array([1.0, -1.0, 2.0]))
    >>> y.shape
    (2,)

    Source: B. Chang, M. Chen, E. Haber, E. Chi, "AntisymmetricRNN: a dynamical system view on
    recurrent neural networks", ICLR 2019, arXiv:1902.09689; there is no code of the authors'.
    """

    gate_names = ("n",)

    def step(
        self, params: GatedParams, carry: HiddenCarry, z: jax.Array, noise: Noise = SILENCE
    ) -> tuple[HiddenCarry, jax.Array]:
        n = jnp.tanh(z + self.moved(params, carry.h, noise))
        h = carry.h + self.step_size * noise.on_update(n)
        return settled(carry, HiddenCarry(h), h, z)


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class GatedAntisymmetricRNN(AntisymmetricCell):
    r"""An `AntisymmetricRNN` with a gate on how far it moves, which shares its matrix.

    .. math::
        M &= V - V^\top - \gamma I \\
        i_t &= \sigma(x_t W_{xi} + h_{t-1} M + b_i) \\
        h_t &= h_{t-1} + \varepsilon\, i_t \odot \tanh(x_t W_{xn} + h_{t-1} M + b_n),
        \qquad y_t = h_t

    Args:
        input_size: D, features of one input.
        hidden_size: H, units.
        step_size: ε, as of `AntisymmetricRNN`.
        diffusion: γ.
        initialization: "keras" or "torch", as of `rnnjax.gated_cell.GatedCell`, but for V.
        use_bias: whether there are biases.

    Parameters: `GatedParams`, in the order i, n, but V as ``w_h [H, H]``. Carry: `HiddenCarry`.
    Output: ``[..., H]``.

    Raises:
        ValueError: a size is not a positive integer, a number is none, or a name is unknown.

    Equals `AntisymmetricRNN` where the gate is 1. In torchrecurrent the state's bias is in the
    candidate alone.

    >>> cell = GatedAntisymmetricRNN(input_size=3, hidden_size=2)
    >>> params = cell.init(jax.random.key(0))
    >>> carry, y = cell(params, cell.initial_carry(), jnp.array([1.0, -1.0, 2.0]))
    >>> params.w_x.shape, params.w_h.shape
    ((3, 4), (2, 2))

    Source: B. Chang, M. Chen, E. Haber, E. Chi, "AntisymmetricRNN: a dynamical system view on
    recurrent neural networks", ICLR 2019, arXiv:1902.09689; there is no code of the authors'.
    """

    gate_names = ("i", "n")
    recurrent_gates = 1

    def step(
        self, params: GatedParams, carry: HiddenCarry, z: jax.Array, noise: Noise = SILENCE
    ) -> tuple[HiddenCarry, jax.Array]:
        moved = self.moved(params, carry.h, noise)
        i, n = gates(z + jnp.concatenate([moved, moved], axis=-1), ("sigmoid", "tanh"))
        h = carry.h + self.step_size * i * noise.on_update(n)
        return settled(carry, HiddenCarry(h), h, z)
