"""The gated recurrent cell around a HiPPO memory."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Any, NamedTuple

import jax
import jax.numpy as jnp

from rnnjax.cell import Cell, affine, check_input, recur, settled, zero_carry
from rnnjax.hippo import scaled_step, window
from rnnjax.hyperparameters import Positive, Size, check_hyperparameters, one_of
from rnnjax.initializers import symmetric_uniform


class HiPPORNNParams(NamedTuple):
    """Parameters.

    Of what the memories are given: ``u_x [D, M]``, ``u_h [H, M]``, ``b_u [M]``; of the hidden
    state, fused in the order candidate, gate: ``w_x [D, 2H]``, ``w_m [M N, 2H]``, ``b [2H]``.
    """

    u_x: jax.Array
    u_h: jax.Array
    b_u: jax.Array
    w_x: jax.Array
    w_m: jax.Array
    b: jax.Array


class HiPPORNNCarry(NamedTuple):
    """Carry: ``h [..., H]``, the memories ``m [..., M, N]``, the steps ``[..., 1]``, int32."""

    h: jax.Array
    m: jax.Array
    steps: jax.Array


class Projected(NamedTuple):
    """What depends on the input alone: ``[..., M]`` for the memories, ``[..., 2H]``."""

    given: jax.Array
    hidden: jax.Array


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class HiPPORNN(Cell):
    r"""A gated state that reads a memory of its own past.

    .. math::
        u_t &= x_t U_x + h_{t-1} U_h + b_u, \qquad m_t = \bar A_t m_{t-1} + \bar B_t u_t \\
        g_t &= \sigma([x_t, m_t] W_g + b_g) \\
        h_t &= (1 - g_t) \odot h_{t-1} + g_t \odot \tanh([x_t, m_t] W_h + b_h), \qquad y_t = h_t

    Args:
        input_size: D, features of one input.
        hidden_size: H, units.
        order: N, coefficients of a memory; None for H.
        memories: M.
        measure: "legs", all of the past, as of `HiPPOLegS` with an exact start; or "legt", a
            window of it, as of `rnnjax.cells.linear.LegendreMemory` with "legt" and "zoh".
        theta: θ, the length of that window in steps.

    Parameters: `HiPPORNNParams`. Carry: `HiPPORNNCarry`. Output: ``[..., H]``.

    Raises:
        ValueError: a size is not a positive integer, θ is not positive, or a name is unknown.

    At first U is uniform with variance 1/(D + H); of the candidate, W is Glorot normal, those of x
    and of m each by itself; of the gate, W is normal with variance 1/(D + M N); biases are those of
    PyTorch's linear layers. The authors' code has a table of Ā for 1024 steps and repeats the last;
    here t goes on.

    >>> cell = HiPPORNN(input_size=3, hidden_size=2)
    >>> params = cell.init(jax.random.key(0))
    >>> carry, y = cell(params, cell.initial_carry(), jnp.array([1.0, -1.0, 2.0]))
    >>> y.shape
    (2,)

    Source: A. Gu, T. Dao, S. Ermon, A. Rudra, C. Ré, "HiPPO: recurrent memory with optimal
    polynomial projections", NeurIPS 2020, arXiv:2008.07669; ``model/memory.py`` and
    ``model/opcell.py`` of HazyResearch/hippo-code.
    """

    input_size: Size
    hidden_size: Size
    order: Size | None = None
    memories: Size = 1
    measure: Annotated[str, one_of(("legs", "legt"))] = "legs"
    theta: Positive = 100.0

    def __post_init__(self) -> None:
        check_hyperparameters(self)

    @property
    def output_size(self) -> int:
        return self.hidden_size

    @property
    def _order(self) -> int:
        return self.order or self.hidden_size

    def init(self, key: jax.Array) -> HiPPORNNParams:
        d, h, m = self.input_size, self.hidden_size, self.memories
        states = m * self._order
        keys = jax.random.split(key, 8)
        u = jax.nn.initializers.lecun_uniform()(keys[0], (d + h, m))

        def normal(key: jax.Array, variance: float, *shape: int) -> jax.Array:
            return jax.random.normal(key, shape) * variance**0.5

        gate = 1 / (d + states)
        w_x = normal(keys[2], 2 / (d + h), d, h), normal(keys[3], gate, d, h)
        w_m = normal(keys[4], 2 / (states + h), states, h), normal(keys[5], gate, states, h)
        return HiPPORNNParams(
            u[:d], u[d:], symmetric_uniform(d + h)(keys[1], (m,)),
            jnp.concatenate(w_x, axis=-1), jnp.concatenate(w_m, axis=-1),
            symmetric_uniform(d + states)(keys[6], (2 * h,)),
        )  # fmt: skip

    def initial_carry(self, batch_shape: tuple[int, ...] = (), dtype: Any = None) -> HiPPORNNCarry:
        own = self.memories, self._order
        zeros = zero_carry(HiPPORNNCarry, batch_shape, dtype, h=self.hidden_size, m=own, steps=1)
        return zeros._replace(steps=jnp.zeros(zeros.steps.shape, jnp.int32))

    def project(self, params: HiPPORNNParams, x: jax.Array) -> Projected:
        check_input(self, x)
        return Projected(affine(x, params.u_x, params.b_u), affine(x, params.w_x, params.b))

    def step(
        self, params: HiPPORNNParams, carry: HiPPORNNCarry, z: Projected
    ) -> tuple[HiPPORNNCarry, jax.Array]:
        u = z.given + recur(carry.h, params.u_h)
        wide = jnp.promote_types(carry.m.dtype, u.dtype)
        m = self._remember(carry.m.astype(wide), u.astype(wide), carry.steps)
        read = z.hidden + recur(m.reshape(*u.shape[:-1], -1), params.w_m)
        candidate, gate = jnp.split(read, 2, axis=-1)
        gate = jax.nn.sigmoid(gate)
        h = (1 - gate) * carry.h + gate * jnp.tanh(candidate)
        return settled(carry, HiPPORNNCarry(h, m, carry.steps + 1), h, z.hidden)

    def _remember(self, m: jax.Array, u: jax.Array, steps: jax.Array) -> jax.Array:
        if self.measure == "legs":
            return scaled_step(m, u, steps, exact=True)
        matrices = window("legt", self._order, self.theta, "zoh")
        a, b = (jnp.asarray(own, m.dtype) for own in matrices)
        return jnp.matmul(m, a.T) + u[..., None] * jnp.broadcast_to(b, m.shape)
