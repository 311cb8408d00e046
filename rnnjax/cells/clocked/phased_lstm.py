"""The long short-term memory whose units are open in a part of their own cycle alone."""

from __future__ import annotations

import dataclasses
import math
from typing import NamedTuple

import jax
import jax.numpy as jnp

from rnnjax.cell import affine, check_input, settled
from rnnjax.cells.clocked.timed import features_and_time
from rnnjax.cells.peephole_lstm import PeepholeLSTM, PeepholeLSTMCarry, PeepholeLSTMParams
from rnnjax.fused_cell import FusedCell
from rnnjax.gated_cell import MemoryCarry
from rnnjax.hyperparameters import Flag, Initialization, Positive, Rate
from rnnjax.noise import SILENCE, Noise


class PhasedLSTMParams(NamedTuple):
    """Parameters: those of `rnnjax.PeepholeLSTM` for D - 1 features, and the cycles.

    ``w_x [D - 1, 4H]``, ``w_h [H, 4H]``, ``p_i [H]``, ``p_f [H]``, ``p_o [H]``; of each unit's
    cycle the ``period [H]`` and the ``shift [H]``; ``b [4H]``, ``b_h [4H]`` (None where absent).
    """

    w_x: jax.Array
    w_h: jax.Array
    p_i: jax.Array
    p_f: jax.Array
    p_o: jax.Array
    period: jax.Array
    shift: jax.Array
    b: jax.Array | None = None
    b_h: jax.Array | None = None


class Projected(NamedTuple):
    """What depends on the input alone: ``[..., 4H]``, and how open each unit is, ``[..., H]``."""

    gates: jax.Array
    openness: jax.Array


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class PhasedLSTM(FusedCell):
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
        initialization: "keras" or "torch", as of `rnnjax.PeepholeLSTM`.
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
    initialization: Initialization = dataclasses.field(default="keras", kw_only=True)
    use_bias: Flag = dataclasses.field(default=True, kw_only=True)

    carry_type = MemoryCarry

    @property
    def _lstm(self) -> PeepholeLSTM:
        # Of an input that is nothing but its time, it has one feature, whose weights are left out.
        return PeepholeLSTM(
            max(self.input_size - 1, 1), self.hidden_size,
            initialization=self.initialization, use_bias=self.use_bias,
        )  # fmt: skip

    def init(self, key: jax.Array) -> PhasedLSTMParams:
        keys, size = jax.random.split(key, 3), (self.hidden_size,)
        lstm = self._lstm.init(keys[0])
        low, high = math.log(self.shortest), math.log(self.longest)
        period = jnp.exp(jax.random.uniform(keys[1], size, minval=low, maxval=high))
        shift = period * jax.random.uniform(keys[2], size)
        own = lstm._replace(w_x=lstm.w_x[: self.input_size - 1])
        return PhasedLSTMParams(**own._asdict(), period=period, shift=shift)

    def project(self, params: PhasedLSTMParams, x: jax.Array) -> Projected:
        check_input(self, x)
        features, time = features_and_time(x)
        z = affine(features, params.w_x, params.b, params.b_h)
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
        own = params._asdict()
        del own["period"], own["shift"]
        before = PeepholeLSTMCarry(*carry)
        new, _ = self._lstm.step(PeepholeLSTMParams(**own), before, z.gates, noise)
        k = z.openness
        h, c = (k * after + (1 - k) * old for after, old in zip(new, carry, strict=True))
        return settled(carry, MemoryCarry(h, c), h, z.gates)
