"""The long short-term memory that forgets a part of its memory in the gap before a step."""

from __future__ import annotations

import dataclasses
import math
from typing import NamedTuple

import jax
import jax.numpy as jnp

from rnnjax.activations import gates
from rnnjax.cell import affine, check_input, recur, settled
from rnnjax.fused_cell import FusedCell
from rnnjax.gated_cell import MemoryCarry
from rnnjax.hyperparameters import Flag
from rnnjax.noise import SILENCE, Noise


class TimeAwareLSTMParams(NamedTuple):
    """Parameters, gates fused in the order i, f, g, o, and those of the short-term memory.

    ``w_x [D - 1, 4H]``, ``w_h [H, 4H]``, ``w_d [H, H]``, ``b [4H]``, ``b_d [H]`` (None where
    absent).
    """

    w_x: jax.Array
    w_h: jax.Array
    w_d: jax.Array
    b: jax.Array | None = None
    b_d: jax.Array | None = None


class Projected(NamedTuple):
    """What depends on the input alone: ``[..., 4H]``, and the part that is lost, ``[..., 1]``."""

    gates: jax.Array
    lost: jax.Array


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class TimeAwareLSTM(FusedCell):
    r"""Long short-term memory whose short-term part fades with the time since the last step.

    .. math::
        c^S_t &= \tanh(c_{t-1} W_d + b_d) \\
        c^*_t &= c_{t-1} - c^S_t + c^S_t / \log(e + \Delta_t) \\
        h_t, c_t &= \mathrm{LSTM}(x_t, h_{t-1}, c^*_t), \qquad y_t = h_t

    Args:
        input_size: D, features of one input, the last of which is the gap Δ and reaches nothing
            else. A gap below 0 counts as 0.
        hidden_size: H, units.
        use_bias: whether there are biases.

    Parameters: `TimeAwareLSTMParams`. Carry: `MemoryCarry`. Output: ``[..., H]``.

    Raises:
        ValueError: a size is not a positive integer, or `use_bias` is not True or False.

    Equals `rnnjax.LSTM` where every gap is 0. In the authors' code, whose first values these are,
    the gap is the first feature and e is 2.7183: weights are normal with deviation 0.1, and all
    biases are 1. The paper also names 1/Δ for the fading.

    >>> cell = TimeAwareLSTM(input_size=3, hidden_size=2)
    >>> params = cell.init(jax.random.key(0))
    >>> carry, y = cell(params, cell.initial_carry(), jnp.array([1.0, -1.0, 20.0]))
    >>> y.shape
    (2,)

    Source: I. M. Baytas et al., "Patient subtyping via time-aware LSTM networks", KDD 2017;
    ``TLSTM.py`` of illidanlab/T-LSTM.
    """

    use_bias: Flag = dataclasses.field(default=True, kw_only=True)

    carry_type = MemoryCarry

    def init(self, key: jax.Array) -> TimeAwareLSTMParams:
        d, h = self.input_size - 1, self.hidden_size
        shapes = (d, 4 * h), (h, 4 * h), (h, h)
        keys = jax.random.split(key, 3)
        w_x, w_h, w_d = (0.1 * jax.random.normal(k, s) for k, s in zip(keys, shapes, strict=True))
        b, b_d = (jnp.ones(4 * h), jnp.ones(h)) if self.use_bias else (None, None)
        return TimeAwareLSTMParams(w_x, w_h, w_d, b, b_d)

    def project(self, params: TimeAwareLSTMParams, x: jax.Array) -> Projected:
        check_input(self, x)
        gap = jnp.maximum(x[..., -1:], 0)
        gap = gap.astype(jnp.result_type(gap, jnp.float32))
        lost = 1 - 1 / jnp.log(math.e + gap)
        return Projected(affine(x[..., :-1], params.w_x, params.b), lost)

    def step(
        self,
        params: TimeAwareLSTMParams,
        carry: MemoryCarry,
        z: Projected,
        noise: Noise = SILENCE,
    ) -> tuple[MemoryCarry, jax.Array]:
        short = jnp.tanh(recur(carry.c, params.w_d, params.b_d))
        kept = carry.c - short * jnp.broadcast_to(z.lost, short.shape)
        a = z.gates + recur(noise.on_state(carry.h), params.w_h)
        i, f, g, o = gates(a, ("sigmoid", "sigmoid", "tanh", "sigmoid"))
        c = f * kept + i * noise.on_update(g)
        h = o * jnp.tanh(c)
        return settled(carry, MemoryCarry(h, c), h, z.gates)
