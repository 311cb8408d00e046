"""The gated recurrent unit with decay, for inputs of which some are missing."""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from rnnjax.activations import gates
from rnnjax.cell import affine, check_input, recur, settled, zero_carry
from rnnjax.gated_cell import GatedCell
from rnnjax.initializers import gate_params
from rnnjax.noise import SILENCE, Noise


class GRUDParams(NamedTuple):
    """Parameters, fused in the order r, z, n.

    ``w_x [F, 3H]``, ``w_h [H, 3H]``, ``b [3H]`` (None where absent), of the mask ``w_m [F, 3H]``;
    of the decay of the inputs ``w_decay_x``, ``b_decay_x [F]`` and of the state
    ``w_decay_h [F, H]``, ``b_decay_h [H]``; ``mean [F]``, what a missing input decays to.
    """

    w_x: jax.Array
    w_h: jax.Array
    b: jax.Array | None
    w_m: jax.Array
    w_decay_x: jax.Array
    b_decay_x: jax.Array | None
    w_decay_h: jax.Array
    b_decay_h: jax.Array | None
    mean: jax.Array


class GRUDCarry(NamedTuple):
    """Carry: the state ``h [..., H]`` and each input as it was last seen, ``x [..., F]``."""

    h: jax.Array
    x: jax.Array


class Projected(NamedTuple):
    """What depends on the input alone: values, mask and decay ``[..., F]``, ``[..., H]``, sums."""

    x: jax.Array
    m: jax.Array
    decay_x: jax.Array
    decay_h: jax.Array
    z: jax.Array


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class GRUD(GatedCell):
    r"""A gated recurrent unit whose state, and whose missing inputs, decay with time.

    .. math::
        \gamma^x_t &= \exp(-\max(0, w_\gamma \odot \delta_t + b_\gamma)), \qquad
        \gamma^h_t = \exp(-\max(0, \delta_t W_\gamma + b_{\gamma h})) \\
        \hat x_t &= m_t \odot x_t + (1 - m_t) \odot
                    (\gamma^x_t \odot x' + (1 - \gamma^x_t) \odot \bar x), \qquad
        \hat h = \gamma^h_t \odot h_{t-1} \\
        r_t &= \sigma(\hat x_t W_{xr} + \hat h W_{hr} + m_t W_{mr} + b_r) \\
        z_t &= \sigma(\hat x_t W_{xz} + \hat h W_{hz} + m_t W_{mz} + b_z) \\
        n_t &= \tanh(\hat x_t W_{xn} + (r_t \odot \hat h) W_{hn} + m_t W_{mn} + b_n) \\
        h_t &= (1 - z_t) \odot \hat h + z_t \odot n_t, \qquad y_t = h_t

    An input is :math:`[x_t, m_t, \delta_t]`, F features each: the values, 1 where one was seen and
    0 where it is missing, and the time since it was last seen. x' is the value last seen.

    Args:
        input_size: D = 3F.
        hidden_size: H, units.
        initialization: "keras" or "torch", as of `rnnjax.gated_cell.GatedCell`, W_m as W_x; those
            of decay, and the mean, begin at 0.
        use_bias: whether there are biases.

    Parameters: `GRUDParams`. The mean is one of them: give it the values' mean over what one trains
    on, unless that is 0. Carry: `GRUDCarry`. Output: ``[..., H]``.

    Raises:
        ValueError: a size is not a positive integer, D is no multiple of 3, or a name is unknown.

    Equals `rnnjax.GRU` with ``reset_after=False``, whose update gate is the complement of this one,
    where nothing is missing, nothing decays and W_m is 0. The authors' code keeps the state that
    has not decayed, and its z keeps; it feeds 1 - m and takes the mean for 0. PyPOTS feeds ĥ twice.

    >>> cell = GRUD(input_size=6, hidden_size=2)
    >>> params = cell.init(jax.random.key(0))
    >>> seen = jnp.array([1.0, -1.0, 1.0, 1.0, 0.0, 0.0])
    >>> carry, y = cell(params, cell.initial_carry(), seen)
    >>> carry.x.tolist()
    [1.0, -1.0]

    Source: Z. Che, S. Purushotham, K. Cho, D. Sontag, Y. Liu, "Recurrent neural networks for
    multivariate time series with missing values", Scientific Reports 8 (2018), arXiv:1606.01865.
    The decay's first values are those of ``nn_utils/grud_layers.py`` in PeterChe1990/GRU-D; which
    state is kept was not checked in the paper.
    """

    gate_names = ("r", "z", "n")
    carry_type = GRUDCarry

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.input_size % 3:
            raise ValueError(
                "GRUD: input_size must be a multiple of 3, for values, mask and times, "
                f"not {self.input_size!r}."
            )

    @property
    def _features(self) -> int:
        return self.input_size // 3

    def draw_gates(self, key: jax.Array, num_gates: int, **options: Any) -> Any:
        return gate_params(
            key, self.initialization, self._features, self.hidden_size,
            num_gates=num_gates, use_bias=self.use_bias, **options,
        )  # fmt: skip

    def init(self, key: jax.Array) -> GRUDParams:
        first, own = jax.random.split(key)
        f, h = self._features, self.hidden_size
        w_m, *_ = self.draw_gates(own, num_gates=3)
        b_x, b_h = (jnp.zeros((f,)), jnp.zeros((h,))) if self.use_bias else (None, None)
        return GRUDParams(
            *super().init(first), w_m=w_m, w_decay_x=jnp.zeros((f,)), b_decay_x=b_x,
            w_decay_h=jnp.zeros((f, h)), b_decay_h=b_h, mean=jnp.zeros((f,)),
        )  # fmt: skip

    def initial_carry(self, batch_shape: tuple[int, ...] = (), dtype: Any = None) -> GRUDCarry:
        return zero_carry(GRUDCarry, batch_shape, dtype, h=self.hidden_size, x=self._features)

    def project(self, params: GRUDParams, x: jax.Array) -> Projected:
        check_input(self, x)
        x, m, times = jnp.split(x, 3, axis=-1)
        by_input = times * jnp.broadcast_to(params.w_decay_x, times.shape)
        if params.b_decay_x is not None:
            by_input = by_input + jnp.broadcast_to(params.b_decay_x, times.shape)
        by_state = affine(times, params.w_decay_h, params.b_decay_h)
        decay_x, decay_h = (jnp.exp(-jax.nn.relu(own)) for own in (by_input, by_state))
        return Projected(x, m, decay_x, decay_h, affine(m, params.w_m, params.b))

    def step(
        self, params: GRUDParams, carry: GRUDCarry, z: Projected, noise: Noise = SILENCE
    ) -> tuple[GRUDCarry, jax.Array]:
        absent = z.decay_x * carry.x
        absent = absent + (1 - z.decay_x) * jnp.broadcast_to(params.mean, z.x.shape)
        seen = z.m * z.x
        a = z.z + recur(seen + (1 - z.m) * absent, params.w_x)
        before = z.decay_h * carry.h
        read, split = noise.on_state(before), 2 * self.hidden_size
        r, update = gates(a[..., :split] + recur(read, params.w_h[:, :split]), ("sigmoid",) * 2)
        n = jnp.tanh(a[..., split:] + recur(r * read, params.w_h[:, split:]))
        h = (1 - update) * before + update * noise.on_update(n)
        return settled(carry, GRUDCarry(h, seen + (1 - z.m) * carry.x), h, z.z)
