"""The minion gated units."""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp

from rnnjax.activations import gates
from rnnjax.cell import recur, settled
from rnnjax.gated_cell import GatedCell, GatedParams, HiddenCarry
from rnnjax.hyperparameters import Rate, Real
from rnnjax.noise import SILENCE, Noise


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class MiRU1(GatedCell):
    r"""Minion gated unit with a reset gate, which keeps a constant share of its state.

    .. math::
        r_t &= \sigma(x_t W_{xr} + h_{t-1} W_{hr} + b_r) \\
        n_t &= \tanh(x_t W_{xn} + (r_t \odot h_{t-1}) W_{hn} + b_n) \\
        h_t &= \lambda h_{t-1} + (1 - \lambda) n_t, \qquad y_t = h_t

    Args:
        input_size: D, features of one input.
        hidden_size: H, units.
        keep: λ, the share of the state that is kept.
        initialization: "keras" or "torch", as of `rnnjax.gated_cell.GatedCell`.
        use_bias: whether there are biases.

    Parameters: `GatedParams`, in the order r, n. Carry: `HiddenCarry`. Output: ``[..., H]``.

    Raises:
        ValueError: a size is not a positive integer, a name is unknown, or λ is not in [0, 1).

    Equals `rnnjax.GRU` with ``reset_after=False`` whose update gate is λ: no parameters but the
    logit of λ for its bias. The equations and both constants are those on which torchrecurrent and
    RecurrentLayers.jl agree; the paper was not read.

    >>> cell = MiRU1(input_size=3, hidden_size=2)
    >>> params = cell.init(jax.random.key(0))
    >>> carry, y = cell(params, cell.initial_carry(), jnp.array([1.0, -1.0, 2.0]))
    >>> y.shape
    (2,)

    Source: A. Zyarah et al., arXiv:2503.06175 (2025), as RecurrentLayers.jl cites it.
    """

    keep: Rate = 0.5

    gate_names = ("r", "n")

    def step(
        self, params: GatedParams, carry: HiddenCarry, z: jax.Array, noise: Noise = SILENCE
    ) -> tuple[HiddenCarry, jax.Array]:
        read = noise.on_state(carry.h)
        (w_r, w_n), (z_r, z_n) = (jnp.split(own, 2, axis=-1) for own in (params.w_h, z))
        (r,) = gates(z_r + recur(read, w_r), ("sigmoid",))
        return leaked(self.keep, carry, z_n + recur(r * read, w_n), noise)


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class MiRU2(GatedCell):
    r"""Minion gated unit without any gate: both of them are constants.

    .. math::
        n_t &= \tanh(x_t W_x + \rho h_{t-1} W_h + b) \\
        h_t &= \lambda h_{t-1} + (1 - \lambda) n_t, \qquad y_t = h_t

    Args:
        input_size: D, features of one input.
        hidden_size: H, units.
        keep: λ, the share of the state that is kept.
        reset: ρ, by which the state is multiplied before its product.
        initialization: "keras" or "torch", as of `rnnjax.gated_cell.GatedCell`.
        use_bias: whether there are biases.

    Parameters: `GatedParams`, of n alone. Carry: `HiddenCarry`. Output: ``[..., H]``.

    Raises:
        ValueError: a size is not a positive integer, a name is unknown, λ is not in [0, 1), or ρ is
            not finite.

    Equals `MiRU1` whose reset gate is ρ, and with λ = 0 `rnnjax.SimpleRNN` with ρ W_h. What was
    checked is said there.

    >>> cell = MiRU2(input_size=3, hidden_size=2)
    >>> params = cell.init(jax.random.key(0))
    >>> carry, y = cell(params, cell.initial_carry(), jnp.array([1.0, -1.0, 2.0]))
    >>> y.shape
    (2,)

    Source: as of `MiRU1`.
    """

    keep: Rate = 0.5
    reset: Real = 0.5

    gate_names = ("n",)

    def step(
        self, params: GatedParams, carry: HiddenCarry, z: jax.Array, noise: Noise = SILENCE
    ) -> tuple[HiddenCarry, jax.Array]:
        read = self.reset * noise.on_state(carry.h)
        return leaked(self.keep, carry, z + recur(read, params.w_h), noise)


def leaked(
    keep: float, carry: HiddenCarry, a: jax.Array, noise: Noise
) -> tuple[HiddenCarry, jax.Array]:
    """A share of the old state, and the rest of the tanh of `a`."""
    h = keep * carry.h + (1 - keep) * noise.on_update(jnp.tanh(a))
    return settled(carry, HiddenCarry(h), h, a)
