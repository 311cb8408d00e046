"""The gated linear recurrence of GateLoop, with a real state."""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from rnnjax.activations import ACTIVATIONS
from rnnjax.cell import affine, check_input, zero_carry
from rnnjax.hyperparameters import Activation, Flag, Size, check_hyperparameters
from rnnjax.linear_cell import LinearCell
from rnnjax.recurrences import Diagonal, State


class GateLoopParams(NamedTuple):
    """Parameters, fused in the order v, i, f, o (f where it is not tied): ``w_x [D, G*H]``,
    ``b [G*H]``."""

    w_x: jax.Array
    b: jax.Array


class GateLoopCarry(NamedTuple):
    """Carry: the state ``s [..., H]``, h of the equations."""

    s: jax.Array


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class GateLoop(LinearCell):
    r"""The gated linear recurrence of GateLoop, with a real state.

    .. math::
        i_t, o_t &= \sigma(x_t W_{i,o} + b_{i,o}), \qquad v_t = \phi(x_t W_v + b_v) \\
        h_t &= (1 - i_t) \odot h_{t-1} + i_t \odot v_t, \qquad y_t = o_t \odot \psi(h_t)

    Args:
        input_size: D, features of one input.
        hidden_size: H, units.
        activation: φ, of the input, a name in `rnnjax.activations.ACTIVATIONS`.
        hidden_activation: ψ, of what is shown.
        tied: whether the state fades by 1 - i; if not, by a gate f of its own.

    Parameters: `GateLoopParams`, LeCun normal with zero biases. Carry: `GateLoopCarry`. Output:
    ``[..., H]``.

    Raises:
        ValueError: a size is not a positive integer, or a name is unknown.

    The state of the paper is complex and an outer product of keys and values, turned at every step
    by an angle that the input chooses; this is the real layer of the author's repository, without
    its option of a true recurrence, which is not linear.

    Source: T. Katsch, "GateLoop: fully data-controlled linear recurrence for sequence modeling",
    arXiv:2311.01927; tobiaskatsch/GatedLinearRNN.
    """

    input_size: Size
    hidden_size: Size
    activation: Activation = "tanh"
    hidden_activation: Activation = "tanh"
    tied: Flag = True

    carry_type = GateLoopCarry

    def __post_init__(self) -> None:
        check_hyperparameters(self)

    @property
    def output_size(self) -> int:
        return self.hidden_size

    def init(self, key: jax.Array) -> GateLoopParams:
        width = (3 if self.tied else 4) * self.hidden_size
        w_x = jax.nn.initializers.lecun_normal()(key, (self.input_size, width))
        return GateLoopParams(w_x, jnp.zeros(width))

    def initial_carry(self, batch_shape: tuple[int, ...] = (), dtype: Any = None) -> GateLoopCarry:
        return zero_carry(GateLoopCarry, batch_shape, dtype, s=self.hidden_size)

    def project(self, params: GateLoopParams, x: jax.Array) -> jax.Array:
        check_input(self, x)
        return affine(x, params.w_x, params.b)

    def coefficients(self, params: GateLoopParams, z: jax.Array) -> Diagonal:
        value, gate, *others = self._parts(z)
        # Not 1 - σ: near 0 that has lost its digits.
        kept = jax.nn.sigmoid(-gate if self.tied else others[0])
        return Diagonal(kept, jax.nn.sigmoid(gate) * ACTIVATIONS[self.activation](value))

    def readout(self, params: GateLoopParams, state: State, z: jax.Array) -> jax.Array:
        shown = ACTIVATIONS[self.hidden_activation](state[0])
        return jax.nn.sigmoid(self._parts(z)[-1]) * shown

    def _parts(self, z: jax.Array) -> list[jax.Array]:
        return jnp.split(z, 3 if self.tied else 4, axis=-1)
