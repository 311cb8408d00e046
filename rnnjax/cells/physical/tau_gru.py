"""The gated recurrent unit with delayed feedback."""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from rnnjax.activations import gates
from rnnjax.cell import recur, settled, zero_carry
from rnnjax.gated_cell import GatedCell, GatedParams
from rnnjax.hyperparameters import Size
from rnnjax.noise import SILENCE, Noise


class TauGRUCarry(NamedTuple):
    """Carry: ``h [..., H]`` and the d states before it, the latest first: ``past [..., d, H]``."""

    h: jax.Array
    past: jax.Array


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class TauGRU(GatedCell):
    r"""A gated unit that also listens to what it was some steps ago.

    .. math::
        u_t &= \tanh(x_t W_{xu} + h_{t-1} W_{hu} + b_u) \\
        g_t &= \sigma(x_t W_{xg} + h_{t-1} W_{hg} + b_g) \\
        a_t &= \sigma(x_t W_{xa} + h_{t-1} W_{ha} + b_a) \\
        n_t &= \tanh(x_t W_{xn} + h_{t-1-d} W_{hn} + b_n) \\
        h_t &= (1 - g_t) \odot h_{t-1} + g_t \odot (u_t + a_t \odot n_t), \qquad y_t = h_t

    Args:
        input_size: D, features of one input.
        hidden_size: H, units.
        delay: d, how many steps before the last state the other one lies.
        initialization: "keras" or "torch", as of `rnnjax.gated_cell.GatedCell`.
        use_bias: whether there are biases.

    Parameters: `GatedParams`, in the order u, g, a, n. Carry: `TauGRUCarry`; states before the
    first are 0. Output: ``[..., H]``.

    Raises:
        ValueError: a size is not a positive integer, or a name is unknown.

    Equals `rnnjax.UGRNN`, whose gate is the complement of g, where a is 0. The order of
    torchrecurrent's ``tauGRU`` is u, z (n here), g, a.

    >>> cell = TauGRU(input_size=3, hidden_size=2, delay=5)
    >>> params = cell.init(jax.random.key(0))
    >>> carry, y = cell(params, cell.initial_carry(), jnp.array([1.0, -1.0, 2.0]))
    >>> carry.past.shape
    (5, 2)

    Source: N. B. Erichson, S. H. Lim, M. W. Mahoney, "Gated recurrent neural networks with weighted
    time-delay feedback", arXiv:2212.00228. Checked against torchrecurrent, not against the paper;
    a PyTorch version by the same names lets a, too, read the state and the input of then.
    """

    delay: Size = 1

    gate_names = ("u", "g", "a", "n")
    carry_type = TauGRUCarry

    def initial_carry(self, batch_shape: tuple[int, ...] = (), dtype: Any = None) -> TauGRUCarry:
        h = self.hidden_size
        return zero_carry(TauGRUCarry, batch_shape, dtype, h=h, past=(self.delay, h))

    def step(
        self, params: GatedParams, carry: TauGRUCarry, z: jax.Array, noise: Noise = SILENCE
    ) -> tuple[TauGRUCarry, jax.Array]:
        own, split = params.w_h, 3 * self.hidden_size
        now = recur(noise.on_state(carry.h), own[:, :split])
        then = recur(noise.on_state(carry.past[..., -1, :]), own[:, split:])
        a = z + jnp.concatenate([now, then], axis=-1)
        u, g, weight, n = gates(a, ("tanh", "sigmoid", "sigmoid", "tanh"))
        h = (1 - g) * carry.h + g * noise.on_update(u + weight * n)
        past = jnp.concatenate([carry.h[..., None, :], carry.past[..., :-1, :]], axis=-2)
        return settled(carry, TauGRUCarry(h, past), h, z)
