"""The continuous-time gated recurrent unit."""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from rnnjax.cell import recur, settled, zero_carry
from rnnjax.gated_cell import GatedParams
from rnnjax.hyperparameters import Size
from rnnjax.noise import SILENCE, Noise
from rnnjax.timed_cell import TimedCell, TimedInput, gap_like


class CTGRUCarry(NamedTuple):
    """Carry: what each unit remembers at each time scale, ``traces [..., H, M]``."""

    traces: jax.Array


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class CTGRU(TimedCell):
    r"""A gated unit whose gates are time scales, at which it remembers and by which it forgets.

    .. math::
        h &= \sum_i \hat h_{t-1,i}, \qquad
        \rho_i = \mathrm{softmax}_i\left(-(x_t W_{xr} + h W_{hr} + b_r - \ln \tau_i)^2\right) \\
        \varsigma_i &= \mathrm{softmax}_i
            \left(-(x_t W_{xs} + h W_{hs} + b_s - \ln \tau_i)^2\right) \\
        q &= \tanh\left(x_t W_{xq}
             + \left(\textstyle\sum_i \rho_i \odot \hat h_{t-1,i}\right) W_{hq} + b_q\right) \\
        \hat h_{t,i} &= ((1 - \varsigma_i) \odot \hat h_{t-1,i} + \varsigma_i \odot q)
            e^{-\Delta t / \tau_i}, \qquad y_t = \sum_i \hat h_{t,i}

    The time scales :math:`\tau_i = 10^{i/2}`, i from 0 on, are fixed.

    Args:
        input_size: D, features of one input.
        hidden_size: H, units.
        scales: M, time scales.
        timed: whether the last feature is Δt, the time since the step before; else that is 1.
        initialization: "keras" or "torch", as of `rnnjax.gated_cell.GatedCell`.
        use_bias: whether there are biases.

    Parameters: `GatedParams`, in the order r, s, q; W_x without the time. Carry: `CTGRUCarry`.
    Output: ``[..., H]``.

    Raises:
        ValueError: a size is not a positive integer, the time is the only feature, or a name is
            unknown.

    Equals `rnnjax.SimpleRNN`, its state times e^(-Δt), where there is one scale.
    ``ctrnn_model.py`` in raminmh/liquid_time_constant_networks decays by exp(-1/ln τ), which erases
    the first scale at every step, and has a ln τ of its own for each scale.

    >>> cell = CTGRU(input_size=3, hidden_size=2)
    >>> params = cell.init(jax.random.key(0))
    >>> carry, y = cell(params, cell.initial_carry(), jnp.array([1.0, -1.0, 2.0]))
    >>> carry.traces.shape
    (2, 8)

    Source: M. C. Mozer, D. Kazakov, R. V. Lindsey, "Discrete event, continuous time RNNs",
    arXiv:1710.04110. Checked against two re-implementations with one ln τ for each unit, one of
    which puts the sum over the scales behind W_hq instead; the paper was not read. One of them
    takes for Δt the time to the next step, as does the equation above if it is given that.
    """

    scales: Size = 8

    gate_names = ("r", "s", "q")
    carry_type = CTGRUCarry
    noise_places = ("update",)

    def initial_carry(self, batch_shape: tuple[int, ...] = (), dtype: Any = None) -> CTGRUCarry:
        return zero_carry(CTGRUCarry, batch_shape, dtype, traces=(self.hidden_size, self.scales))

    def step(
        self, params: GatedParams, carry: CTGRUCarry, z: TimedInput, noise: Noise = SILENCE
    ) -> tuple[CTGRUCarry, jax.Array]:
        traces, split = carry.traces, 2 * self.hidden_size
        scales = 0.5 * jnp.log(10.0) * jnp.arange(self.scales)
        scales = jnp.broadcast_to(scales.astype(z.z.dtype), traces.shape)

        def weights(log_scale: jax.Array) -> jax.Array:
            own = jnp.broadcast_to(log_scale[..., None], traces.shape)
            return jax.nn.softmax(-((own - scales) ** 2), axis=-1)

        near = z.z[..., :split] + recur(traces.sum(axis=-1), params.w_h[:, :split])
        read, stored = (weights(own) for own in jnp.split(near, 2, axis=-1))
        found = (read * traces).sum(axis=-1)
        q = jnp.tanh(z.z[..., split:] + recur(found, params.w_h[:, split:]))
        q = jnp.broadcast_to(noise.on_update(q)[..., None], traces.shape)
        gap = 1 if z.gap is None else gap_like(z.gap[..., None], traces)
        traces = ((1 - stored) * traces + stored * q) * jnp.exp(-gap * jnp.exp(-scales))
        return settled(carry, CTGRUCarry(traces), traces.sum(axis=-1), z.z)
