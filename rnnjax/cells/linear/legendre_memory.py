"""A memory of the last inputs as coefficients of Legendre polynomials."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Any, NamedTuple

import jax
import jax.numpy as jnp

from rnnjax.cell import check_input, zero_carry
from rnnjax.hippo import METHODS, WINDOWS, window
from rnnjax.hyperparameters import Positive, Size, check_hyperparameters, one_of
from rnnjax.linear_cell import LinearCell
from rnnjax.recurrences import Dense, State


class LegendreMemoryParams(NamedTuple):
    """Parameters: there are none."""


class LegendreMemoryCarry(NamedTuple):
    """Carry: the memory ``m [..., D, N]``."""

    m: jax.Array


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class LegendreMemory(LinearCell):
    r"""The last θ inputs of every feature, as N coefficients of Legendre polynomials.

    .. math:: \theta\, \dot m(t) = A m(t) + B x(t), \qquad
              m_{t,d} = \bar A m_{t-1,d} + \bar B x_{t,d}, \qquad y_t = (m_{t,1}, \dots, m_{t,D})

    A and B are fixed (`rnnjax.hippo` writes them out), and nothing is learnt: what is nonlinear,
    or learnt, stands before and behind it.

    Args:
        input_size: D, features of one input, each of which has a memory of its own.
        order: N, coefficients of a memory.
        theta: θ, the length of the window in steps.
        basis: "lmu", of the Legendre memory unit; or "legt", HiPPO-LegT, whose coefficients are
            those divided by (-1)ⁿ√(2n+1).
        method: how it becomes one in discrete time: "zoh", exact for inputs that are constant
            throughout a step; "bilinear"; or "euler", which is stable only for θ much above N.

    Parameters: `LegendreMemoryParams`. Carry: `LegendreMemoryCarry`. Output: ``[..., D N]``, the
    coefficients of one feature after those of another.

    Raises:
        ValueError: a size is not a positive integer, θ is not positive, or a name is unknown.

    With "lmu" the input of θ' steps ago is about :math:`\sum_n P_n(2\theta'/\theta - 1)\, m_n`, P
    being the Legendre polynomials. Ā and B̄ are computed in float64. Parallel steps multiply
    matrices N × N.

    >>> cell = LegendreMemory(input_size=3, order=4, theta=20)
    >>> params = cell.init(jax.random.key(0))
    >>> carry, y = cell(params, cell.initial_carry(), jnp.array([1.0, -1.0, 2.0]))
    >>> y.shape
    (12,)

    Source: A. Voelker, I. Kajić, C. Eliasmith, "Legendre memory units: continuous-time
    representation in recurrent neural networks", NeurIPS 2019; A. Gu, T. Dao, S. Ermon, A. Rudra,
    C. Ré, "HiPPO: recurrent memory with optimal polynomial projections", NeurIPS 2020,
    arXiv:2008.07669.
    """

    input_size: Size
    order: Size
    theta: Positive
    basis: Annotated[str, one_of(WINDOWS)] = "lmu"
    method: Annotated[str, one_of(METHODS)] = "zoh"

    noise_places = ()
    carry_type = LegendreMemoryCarry

    def __post_init__(self) -> None:
        check_hyperparameters(self)

    @property
    def output_size(self) -> int:
        return self.input_size * self.order

    def init(self, key: jax.Array) -> LegendreMemoryParams:
        del key
        return LegendreMemoryParams()

    def initial_carry(
        self, batch_shape: tuple[int, ...] = (), dtype: Any = None
    ) -> LegendreMemoryCarry:
        own = self.input_size, self.order
        return zero_carry(LegendreMemoryCarry, batch_shape, dtype, m=own)

    def project(self, params: LegendreMemoryParams, x: jax.Array) -> jax.Array:
        check_input(self, x)
        return x

    def coefficients(self, params: LegendreMemoryParams, z: jax.Array) -> Dense:
        matrices = window(self.basis, self.order, self.theta, self.method)
        a, b = (jnp.asarray(own, z.dtype) for own in matrices)
        shape = *z.shape, self.order
        return Dense(a, jnp.broadcast_to(z[..., None], shape) * jnp.broadcast_to(b, shape))

    def readout(self, params: LegendreMemoryParams, state: State, z: jax.Array) -> jax.Array:
        return state[0].reshape(*z.shape[:-1], -1)
