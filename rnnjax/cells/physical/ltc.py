"""The liquid time-constant network."""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import jax
import jax.numpy as jnp

from rnnjax.cell import settled
from rnnjax.fused_cell import FusedCell
from rnnjax.gated_cell import HiddenCarry
from rnnjax.hyperparameters import Flag, Size
from rnnjax.noise import SILENCE, Noise
from rnnjax.timed_cell import TimedInput, check_features, features, gap_like, parted


class LTCParams(NamedTuple):
    """Parameters of synapses from J cells to H neurons, ``w``, ``sigma``, ``mu``, ``erev [J, H]``.

    Those from the sensors have J = D (without the time), those from neurons J = H. Of each sensor:
    ``w_in``, ``b_in [D]``; of each neuron: ``g``, ``v_leak``, ``cm [H]``. Softplus of w, g and cm
    is what the equations have.
    """

    w_x: jax.Array
    sigma_x: jax.Array
    mu_x: jax.Array
    erev_x: jax.Array
    w_h: jax.Array
    sigma_h: jax.Array
    mu_h: jax.Array
    erev_h: jax.Array
    w_in: jax.Array
    b_in: jax.Array
    g: jax.Array
    v_leak: jax.Array
    cm: jax.Array


class Currents(NamedTuple):
    """Sums over synapses ``[..., H]``: their conductances, and these times what they draw to."""

    conductance: jax.Array
    drive: jax.Array


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class LTC(FusedCell):
    r"""Neurons whose synapses change how fast they forget.

    .. math::
        \hat x_t &= w_{in} \odot x_t + b_{in}, \qquad
        s_{jk}(v) = w_{jk}\, \sigma(\sigma_{jk} (v_j - \mu_{jk})) \\
        v_k &\leftarrow \frac{c_k v_k + g_k v^{leak}_k + \sum_j s_{jk} e_{jk}}
                             {c_k + g_k + \sum_j s_{jk}},
        \qquad c_k = \mathrm{cm}_k K / \Delta t, \qquad y_t = v

    The sums are over all neurons and all sensors; the last line is done K times for each input.

    Args:
        input_size: D, features of one input.
        hidden_size: H, neurons.
        unfolds: K.
        timed: whether the last feature is Δt, the time since the step before; else that is 1.

    Parameters: `LTCParams`, at first as in the authors' ncps: g and w uniform within 0.001 and 1,
    v_leak within ±0.2, cm within 0.4 and 0.6, σ within 3 and 8, μ within 0.3 and 0.8, e 1 or -1,
    w_in 1 and b_in 0. Carry: `HiddenCarry`, v. Output: ``[..., H]``.

    Raises:
        ValueError: a size is not a positive integer, or the time is the only feature.

    Equals ``ncps.torch.LTCCell`` with ``implicit_param_constraints=True``, a ``FullyConnected``
    wiring and no output mapping, but for the 1e-8 which that adds to the denominator. Of e, ncps
    draws -1 for a third and 1 for the rest. The first repository fixes cm at 0.5 and g at 1, and
    knows no Δt. Where Δt is 0, v stays; where it is negative, the denominator may be 0.

    >>> cell = LTC(input_size=3, hidden_size=2)
    >>> params = cell.init(jax.random.key(0))
    >>> carry, y = cell(params, cell.initial_carry(), jnp.array([1.0, -1.0, 2.0]))
    >>> y.shape
    (2,)

    Source: R. Hasani, M. Lechner, A. Amini, D. Rus, R. Grosu, "Liquid time-constant networks",
    AAAI 2021, arXiv:2006.04439; ``ltc_model.py`` of raminmh/liquid_time_constant_networks and
    ``ncps/torch/ltc_cell.py`` of mlech26l/ncps.
    """

    unfolds: Size = 6
    timed: Flag = dataclasses.field(default=False, kw_only=True)

    noise_places = ("state",)

    carry_type = HiddenCarry

    def __post_init__(self) -> None:
        super().__post_init__()
        check_features(self)

    def init(self, key: jax.Array) -> LTCParams:
        d, h = features(self), self.hidden_size
        keys = iter(jax.random.split(key, 11))

        def uniform(least: float, largest: float, *shape: int) -> jax.Array:
            return jax.random.uniform(next(keys), shape, minval=least, maxval=largest)

        def synapses(sources: int) -> list[jax.Array]:
            sign = jnp.where(jax.random.bernoulli(next(keys), 1 / 3, (sources, h)), -1.0, 1.0)
            ranges = (0.001, 1), (3, 8), (0.3, 0.8)
            return [*(uniform(*own, sources, h) for own in ranges), sign]

        return LTCParams(
            *synapses(d), *synapses(h), w_in=jnp.ones((d,)), b_in=jnp.zeros((d,)),
            g=uniform(0.001, 1, h), v_leak=uniform(-0.2, 0.2, h), cm=uniform(0.4, 0.6, h),
        )  # fmt: skip

    def project(self, params: LTCParams, x: jax.Array) -> TimedInput:
        x, gap = parted(self, x)
        x = x * jnp.broadcast_to(params.w_in, x.shape) + jnp.broadcast_to(params.b_in, x.shape)
        return TimedInput(_currents(x, *params[:4]), gap)

    def step(
        self, params: LTCParams, carry: HiddenCarry, z: TimedInput, noise: Noise = SILENCE
    ) -> tuple[HiddenCarry, jax.Array]:
        x, v = z.z.conductance, carry.h
        rows = (jax.nn.softplus(params.cm), jax.nn.softplus(params.g), params.v_leak)
        cm, g, v_leak = (jnp.broadcast_to(own, v.shape) for own in rows)
        # Multiplied by Δt / K, so that no time at all is no division by 0.
        time = gap_like(z.gap, v) / self.unfolds
        for _ in range(self.unfolds):
            own = _currents(noise.on_state(v).astype(params.w_h.dtype), *params[4:8])
            drive = g * v_leak + own.drive + z.z.drive
            v = (cm * v + time * drive) / (cm + time * (g + own.conductance + x))
        return settled(carry, HiddenCarry(v), v, x)


def _currents(
    v: jax.Array, w: jax.Array, sigma: jax.Array, mu: jax.Array, erev: jax.Array
) -> Currents:
    """What cells of potentials ``[..., J]`` do by synapses ``[J, H]``."""
    shape = *v.shape, w.shape[-1]
    w, sigma, mu, erev = (
        jnp.broadcast_to(own, shape) for own in (jax.nn.softplus(w), sigma, mu, erev)
    )
    s = w * jax.nn.sigmoid(sigma * (jnp.broadcast_to(v[..., None], shape) - mu))
    return Currents(s.sum(axis=-2), (s * erev).sum(axis=-2))
