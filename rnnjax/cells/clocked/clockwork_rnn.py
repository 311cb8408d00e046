"""The simple recurrent cell of modules that run at their own rates."""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from rnnjax.cell import recur, settled, zero_carry
from rnnjax.gated_cell import GatedCell, GatedParams
from rnnjax.hyperparameters import Sizes
from rnnjax.noise import SILENCE, Noise


class ClockworkCarry(NamedTuple):
    """Carry: the hidden state ``h [..., H]`` and the steps taken ``[..., 1]``, int32."""

    h: jax.Array
    steps: jax.Array


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class ClockworkRNN(GatedCell):
    r"""Simple recurrent cell whose modules are updated at every step, every second one, and so on.

    .. math::
        h^i_t = \begin{cases}
            \tanh(x_t W^i_x + \sum_{j \ge i} h^j_{t-1} W^{ji}_h + b^i)
                & \text{where } t \bmod T_i = 0 \\
            h^i_{t-1} & \text{else}
        \end{cases}, \qquad y_t = h_t

    Args:
        input_size: D, features of one input.
        hidden_size: H, units, in as many modules as there are periods; where they can't all have
            the same size, the first ones have one unit more.
        periods: :math:`T_i` of the modules, none shorter than the one before it. A module is fed
            by itself and those behind it, the slower ones.
        initialization: "keras" or "torch", as of `rnnjax.gated_cell.GatedCell`; blocks of
            :math:`W_h` that would lead from a faster module to a slower one are not heeded.
        use_bias: whether there is a bias.

    Parameters: `GatedParams`. Carry: `ClockworkCarry`. Output: ``[..., H]``.

    Raises:
        ValueError: a size or a period is not a positive integer, the periods fall, or a name is
            unknown.

    Equals `rnnjax.SimpleRNN` with ``periods=(1,)``; with periods that are all 1 its matrix of the
    state is block-triangular. The first step is number 0, which updates every module. Checked in
    re-implementations and descriptions, not in the paper, whose periods double from 1 on; how many
    modules there are is its task's. A TensorFlow copy leads from the fast to the slow ones.

    >>> cell = ClockworkRNN(input_size=3, hidden_size=5, periods=(1, 2, 4))
    >>> params = cell.init(jax.random.key(0))
    >>> carry, y = cell(params, cell.initial_carry(), jnp.array([1.0, -1.0, 2.0]))
    >>> carry.steps.shape, y.shape
    ((1,), (5,))

    Source: J. Koutník, K. Greff, F. Gomez, J. Schmidhuber, "A clockwork RNN", ICML 2014,
    arXiv:1402.3511.
    """

    periods: Sizes = (1, 2, 4, 8)

    gate_names = ("h",)
    noise_places = ("state",)
    carry_type = ClockworkCarry

    def __post_init__(self) -> None:
        super().__post_init__()
        if list(self.periods) != sorted(self.periods):
            raise ValueError(
                f"ClockworkRNN: periods must not fall from one to the next, not {self.periods}."
            )

    def initial_carry(self, batch_shape: tuple[int, ...] = (), dtype: Any = None) -> ClockworkCarry:
        zeros = zero_carry(ClockworkCarry, batch_shape, dtype, h=self.hidden_size, steps=1)
        return zeros._replace(steps=jnp.zeros(zeros.steps.shape, jnp.int32))

    def _modules(self) -> jax.Array:
        """The number of each unit's module, ``[H]``."""
        count = len(self.periods)
        share, more = divmod(self.hidden_size, count)
        return jnp.array([i for i in range(count) for _ in range(share + (i < more))])

    def step(
        self, params: GatedParams, carry: ClockworkCarry, z: jax.Array, noise: Noise = SILENCE
    ) -> tuple[ClockworkCarry, jax.Array]:
        modules = self._modules()
        slower = modules[:, None] >= modules[None, :]
        w_h = jnp.where(slower, params.w_h, 0)
        new = jnp.tanh(z + recur(noise.on_state(carry.h), w_h))
        periods = jnp.array(self.periods, jnp.int32)[modules]
        steps = jnp.broadcast_to(carry.steps, carry.h.shape)
        due = steps % jnp.broadcast_to(periods, steps.shape) == 0
        h = jnp.where(due, new, carry.h)
        return settled(carry, ClockworkCarry(h, carry.steps + 1), h, z)
