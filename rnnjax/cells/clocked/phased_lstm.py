"""The long short-term memory whose units are open in a part of their own cycle alone."""

from __future__ import annotations

import dataclasses
import math
from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp

from rnnjax.activations import gates
from rnnjax.cell import affine, check_input, recur, settled
from rnnjax.gated_cell import GatedCell, MemoryCarry
from rnnjax.hyperparameters import Positive, Rate
from rnnjax.initializers import INITIALIZATIONS
from rnnjax.noise import SILENCE, Noise


class PhasedLSTMParams(NamedTuple):
    """Parameters, gates fused in the order i, f, g, o, the peepholes of three of them, the cycles.

    ``w_x [D - 1, 4H]``, ``w_h [H, 4H]``, ``b [4H]`` (None where absent), ``p_i [H]``, ``p_f [H]``,
    ``p_o [H]``; of each unit's cycle the ``period [H]`` and the ``shift [H]``.
    """

    w_x: jax.Array
    w_h: jax.Array
    b: jax.Array | None
    p_i: jax.Array
    p_f: jax.Array
    p_o: jax.Array
    period: jax.Array
    shift: jax.Array


class Projected(NamedTuple):
    """What depends on the input alone: ``[..., 4H]``, and how open each unit is, ``[..., H]``."""

    gates: jax.Array
    openness: jax.Array


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class PhasedLSTM(GatedCell):
    r"""Long short-term memory with a time gate: a unit is updated in a short part of its cycle.

    .. math::
        \phi_t &= ((\mathrm{time}_t - s) \bmod \tau) / \tau \\
        k_t &= \begin{cases}
            2 \phi_t / r & \text{where } \phi_t < r / 2 \\
            2 - 2 \phi_t / r & \text{where } r / 2 \le \phi_t < r \\
            \alpha \phi_t & \text{else}
        \end{cases} \\
        \tilde h_t, \tilde c_t &= \mathrm{PeepholeLSTM}(x_t, h_{t-1}, c_{t-1}) \\
        c_t &= k_t \odot \tilde c_t + (1 - k_t) \odot c_{t-1} \\
        h_t &= k_t \odot \tilde h_t + (1 - k_t) \odot h_{t-1}, \qquad y_t = h_t

    Args:
        input_size: D, features of one input, the last of which is its time and reaches k alone.
        hidden_size: H, units.
        open_ratio: r, the part of a cycle in which a unit is open; it is not trained.
        leak: α, what a closed unit lets through, in training and behind it; 0 for nothing.
        shortest: τ begins as log-uniform from this on; its unit is that of the times.
        longest: to this.
        initialization: "keras" or "torch", as of `rnnjax.gated_cell.GatedCell`, peepholes as of
            `rnnjax.PeepholeLSTM`; the forget gate's bias begins at 1 more.
        use_bias: whether there are biases.

    Parameters: `PhasedLSTMParams`, gates in the order i, f, g, o. Carry: `MemoryCarry`. Output:
    ``[..., H]``.

    Raises:
        ValueError: a size is not a positive integer, a ratio or period not positive, α no rate, or
            a name is unknown.

    Equals `rnnjax.PeepholeLSTM` with τ = 1, s = ½, r = 1 and times that are whole numbers. The
    shift s begins as uniform between 0 and τ. The authors' code adds s, takes absolute values of τ
    and r, leaks in training alone and begins with a forget bias of 2; TensorFlow 1's
    ``PhasedLSTMCell`` trains r and has matrices for peepholes. Phases are computed in float32 at
    least, which has no fractions of times above 2²³.

    >>> cell = PhasedLSTM(input_size=3, hidden_size=2)
    >>> params = cell.init(jax.random.key(0))
    >>> carry, y = cell(params, cell.initial_carry(), jnp.array([1.0, -1.0, 20.0]))
    >>> y.shape
    (2,)

    Source: D. Neil, M. Pfeiffer, S.-C. Liu, "Phased LSTM: accelerating recurrent network training
    for long or event-based sequences", NIPS 2016, arXiv:1610.09513; ``plstm.py`` of
    dannyneil/public_plstm.
    """

    open_ratio: Positive = 0.05
    leak: Rate = 0.001
    shortest: Positive = 1.0
    longest: Positive = 1000.0
    gate_names = ("i", "f", "g", "o")
    first_biases: ClassVar = {"f": 1.0}
    carry_type = MemoryCarry

    def init(self, key: jax.Array) -> PhasedLSTMParams:
        h = self.hidden_size
        keys = jax.random.split(key, 6)
        # Of an input that is nothing but its time, there are no weights.
        untimed = dataclasses.replace(self, input_size=max(self.input_size - 1, 1))
        w_x, w_h, b = GatedCell.init(untimed, keys[0])
        draw = INITIALIZATIONS[self.initialization].kernel(h)
        p_i, p_f, p_o = (jnp.diagonal(draw(k, (h, h))) for k in keys[1:4])
        low, high = math.log(self.shortest), math.log(self.longest)
        period = jnp.exp(jax.random.uniform(keys[4], (h,), minval=low, maxval=high))
        shift = period * jax.random.uniform(keys[5], (h,))
        w_x = w_x[: self.input_size - 1]
        return PhasedLSTMParams(w_x, w_h, b, p_i, p_f, p_o, period, shift)

    def project(self, params: PhasedLSTMParams, x: jax.Array) -> Projected:
        check_input(self, x)
        z = affine(x[..., :-1], params.w_x, params.b)
        time = x[..., -1:].astype(jnp.result_type(x, jnp.float32))
        time = jnp.broadcast_to(time, (*time.shape[:-1], self.hidden_size))
        period, shift = (
            jnp.broadcast_to(own.astype(time.dtype), time.shape)
            for own in (params.period, params.shift)
        )
        phase = jnp.mod(time - shift, period) / period
        half = 2 * phase / self.open_ratio
        closing = jnp.where(phase < self.open_ratio, 2 - half, self.leak * phase)
        return Projected(z, jnp.where(phase < self.open_ratio / 2, half, closing))

    def step(
        self,
        params: PhasedLSTMParams,
        carry: MemoryCarry,
        z: Projected,
        noise: Noise = SILENCE,
    ) -> tuple[MemoryCarry, jax.Array]:
        h, c = carry
        a_i, a_f, a_g, a_o = jnp.split(z.gates + recur(noise.on_state(h), params.w_h), 4, axis=-1)
        new_c = _peep(a_f, params.p_f, c) * c
        new_c = new_c + _peep(a_i, params.p_i, c) * noise.on_update(jnp.tanh(a_g))
        new_h = _peep(a_o, params.p_o, new_c) * jnp.tanh(new_c)
        h, c = (z.openness * new + (1 - z.openness) * old for new, old in ((new_h, h), (new_c, c)))
        return settled(carry, MemoryCarry(h, c), h, z.gates)


def _peep(a: jax.Array, peephole: jax.Array, c: jax.Array) -> jax.Array:
    """A gate that sees the memory."""
    (gate,) = gates(a + jnp.broadcast_to(peephole, c.shape) * c, ("sigmoid",))
    return gate
