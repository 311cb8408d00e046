"""The GILR-LSTM: an LSTM whose gates read a linear recurrence in place of its output."""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from rnnjax.activations import ACTIVATIONS
from rnnjax.cell import Cell, Composite, Options, affine, check_input, zero_carry
from rnnjax.cells.linear.gilr import GILR, LARGEST_WEIGHT, GILRCarry, GILRParams
from rnnjax.hyperparameters import Activation, Real, Size, check_hyperparameters
from rnnjax.linear_cell import LinearCell
from rnnjax.recurrences import Diagonal, State
from rnnjax.unrolling.linear_scan import read_state
from rnnjax.unrolling.unroll import run


class SurrogateMemoryParams(NamedTuple):
    """Parameters, fused in the order f, i, o, z: ``w_x [D, 4H]``, ``b [4H]``."""

    w_x: jax.Array
    b: jax.Array


class SurrogateMemoryCarry(NamedTuple):
    """Carry: the memory ``c [..., H]``."""

    c: jax.Array


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class SurrogateMemory(LinearCell):
    r"""The memory of a `GILRLSTM`, an LSTM that does not read its output.

    .. math::
        f_t, i_t, o_t &= \sigma(u_t W_{f,i,o} + b_{f,i,o}), \qquad z_t = \tau(u_t W_z + b_z) \\
        c_t &= f_t \odot c_{t-1} + i_t \odot z_t, \qquad y_t = o_t \odot c_t

    Args:
        input_size: features of one u.
        hidden_size: H, units.
        activation: τ, a name in `rnnjax.activations.ACTIVATIONS`.
        forget_bias: of f at first.

    Parameters: `SurrogateMemoryParams`. Carry: `SurrogateMemoryCarry`. Output: ``[..., H]``.

    Raises:
        ValueError: a size is not a positive integer, the bias is no number, or a name is unknown.

    Source: as of `GILRLSTM`.
    """

    input_size: Size
    hidden_size: Size
    activation: Activation = "tanh"
    forget_bias: Real = 5.0

    carry_type = SurrogateMemoryCarry

    def __post_init__(self) -> None:
        check_hyperparameters(self)

    @property
    def output_size(self) -> int:
        return self.hidden_size

    def init(self, key: jax.Array) -> SurrogateMemoryParams:
        shape = (self.input_size, 4 * self.hidden_size)
        w_x = jax.random.uniform(key, shape, minval=-LARGEST_WEIGHT, maxval=LARGEST_WEIGHT)
        b = jnp.zeros(shape[1]).at[: self.hidden_size].set(self.forget_bias)
        return SurrogateMemoryParams(w_x, b)

    def initial_carry(
        self, batch_shape: tuple[int, ...] = (), dtype: Any = None
    ) -> SurrogateMemoryCarry:
        return zero_carry(SurrogateMemoryCarry, batch_shape, dtype, c=self.hidden_size)

    def project(self, params: SurrogateMemoryParams, x: jax.Array) -> jax.Array:
        check_input(self, x)
        return affine(x, params.w_x, params.b)

    def coefficients(self, params: SurrogateMemoryParams, z: jax.Array) -> Diagonal:
        forget, gate, _, candidate = jnp.split(z, 4, axis=-1)
        added = jax.nn.sigmoid(gate) * ACTIVATIONS[self.activation](candidate)
        return Diagonal(jax.nn.sigmoid(forget), added)

    def readout(self, params: SurrogateMemoryParams, state: State, z: jax.Array) -> jax.Array:
        return jax.nn.sigmoid(jnp.split(z, 4, axis=-1)[2]) * state[0]


class GILRLSTMParams(NamedTuple):
    """Parameters: those of the surrogate, and of the memory, which reads [h̃, x]."""

    surrogate: GILRParams
    memory: SurrogateMemoryParams


class GILRLSTMCarry(NamedTuple):
    """Carry: h̃ of the surrogate, and c of the memory."""

    surrogate: GILRCarry
    memory: SurrogateMemoryCarry


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class GILRLSTM(Composite, Cell):
    r"""The GILR-LSTM: an LSTM whose gates read a linear recurrence in place of its output.

    .. math::
        \tilde h_t &= \mathrm{GILR}(x)_t \\
        f_t, i_t, o_t &= \sigma(\tilde h_{t-1} U_{f,i,o} + x_t V_{f,i,o} + b_{f,i,o}), \qquad
        z_t = \tau(\tilde h_{t-1} U_z + x_t V_z + b_z) \\
        c_t &= f_t \odot c_{t-1} + i_t \odot z_t, \qquad y_t = o_t \odot c_t

    Over a sequence both recurrences are linear, one after the other.

    Args:
        input_size: D, features of one input.
        hidden_size: H, units of both.
        activation: τ, a name in `rnnjax.activations.ACTIVATIONS`.
        forget_bias: of f at first.

    Parameters: `GILRLSTMParams`, matrices uniform at ±0.05 with zero biases but that of f. Carry:
    `GILRLSTMCarry`. Output: ``[..., H]``.

    Raises:
        ValueError: a size is not a positive integer, the bias is no number, or a name is unknown.

    The authors' code reads h̃ of the same step; this is the paper's equation. There is no tanh on c.

    Source: E. Martin, C. Cundy, "Parallelizing linear recurrent neural nets over sequence length",
    ICLR 2018, arXiv:1709.04057, section 3.2; eamartin/parallelizing_linear_rnns.
    """

    input_size: Size
    hidden_size: Size
    activation: Activation = "tanh"
    forget_bias: Real = 5.0

    def __post_init__(self) -> None:
        check_hyperparameters(self)

    @property
    def output_size(self) -> int:
        return self.hidden_size

    @property
    def surrogate(self) -> GILR:
        """What gives h̃."""
        return GILR(self.input_size, self.hidden_size, self.activation)

    @property
    def memory(self) -> SurrogateMemory:
        """What reads it."""
        width = self.hidden_size + self.input_size
        return SurrogateMemory(width, self.hidden_size, self.activation, self.forget_bias)

    def init(self, key: jax.Array) -> GILRLSTMParams:
        keys = jax.random.split(key)
        return GILRLSTMParams(self.surrogate.init(keys[0]), self.memory.init(keys[1]))

    def initial_carry(self, batch_shape: tuple[int, ...] = (), dtype: Any = None) -> GILRLSTMCarry:
        return GILRLSTMCarry(
            self.surrogate.initial_carry(batch_shape, dtype),
            self.memory.initial_carry(batch_shape, dtype),
        )

    def project(self, params: GILRLSTMParams, x: jax.Array) -> Any:
        return self.surrogate.project(params.surrogate, x), x

    def step(
        self, params: GILRLSTMParams, carry: GILRLSTMCarry, z: Any
    ) -> tuple[GILRLSTMCarry, jax.Array]:
        z, x = z
        both = jnp.concatenate([carry.surrogate.h.astype(x.dtype), x], axis=-1)
        after, _ = self.surrogate.step(params.surrogate, carry.surrogate, z)
        read = self.memory.project(params.memory, both)
        memory, y = self.memory.step(params.memory, carry.memory, read)
        return GILRLSTMCarry(after, memory), y

    def unroll(
        self, params: GILRLSTMParams, xs: jax.Array, carry: GILRLSTMCarry, options: Options
    ) -> tuple[Any, jax.Array]:
        own = [options, options]
        if options.first is not None:
            own = [options._replace(first=first) for first in options.first]
        every, _ = run(
            self.surrogate, params.surrogate, xs, carry.surrogate, own[0]._replace(keep="carries")
        )
        begin = carry.surrogate.h
        first = begin if options.first is None else options.first.surrogate.h
        before = read_state(every.h, begin, first, options.resets, options.reverse)
        both = jnp.concatenate([before.astype(xs.dtype), xs], axis=-1)
        memory, ys = run(self.memory, params.memory, both, carry.memory, own[1])
        if options.keep != "carries":
            every = GILRCarry(every.h[0 if options.reverse else -1])
        return GILRLSTMCarry(every, memory), ys
