"""The Legendre memory unit."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Any, NamedTuple

import jax
import jax.numpy as jnp

from rnnjax.activations import ACTIVATIONS
from rnnjax.cell import Cell, affine, check_input, recur, settled, zero_carry
from rnnjax.hippo import METHODS, window
from rnnjax.hyperparameters import Activation, Positive, Size, check_hyperparameters, one_of


class LMUParams(NamedTuple):
    """Parameters.

    Of what the memories are given: ``e_x [D, M]``, ``e_h [H, M]``, ``e_m [M N, M]``; of the hidden
    state: ``w_x [D, H]``, ``w_h [H, H]``, ``w_m [M N, H]``.
    """

    e_x: jax.Array
    e_h: jax.Array
    e_m: jax.Array
    w_x: jax.Array
    w_h: jax.Array
    w_m: jax.Array


class LMUCarry(NamedTuple):
    """Carry: the hidden state ``h [..., H]`` and the memories ``m [..., M, N]``."""

    h: jax.Array
    m: jax.Array


class Projected(NamedTuple):
    """What depends on the input alone: x e_x ``[..., M]`` and x W_x ``[..., H]``."""

    given: jax.Array
    hidden: jax.Array


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class LMU(Cell):
    r"""The Legendre memory unit: a nonlinear state around a linear memory of a window.

    .. math::
        u_t &= x_t e_x + h_{t-1} e_h + m_{t-1} e_m \\
        m_t &= \bar A m_{t-1} + \bar B u_t \\
        h_t &= \phi(x_t W_x + h_{t-1} W_h + m_t W_m), \qquad y_t = h_t

    Ā and B̄ are those of `rnnjax.cells.linear.LegendreMemory`, and fixed. There is no bias. At first
    e_x and e_h are LeCun uniform, e_m is 0 and the three matrices W are Glorot normal.

    Args:
        input_size: D, features of one input.
        hidden_size: H, units.
        order: N, coefficients of a memory.
        theta: θ, the length of the window in steps.
        memories: M; 1 in the paper.
        method: how the memory becomes one in discrete time, "zoh", "bilinear" or "euler".
        activation: φ, a name in `rnnjax.activations.ACTIVATIONS`.

    Parameters: `LMUParams`. Carry: `LMUCarry`. Output: ``[..., H]``.

    Raises:
        ValueError: a size is not a positive integer, θ is not positive, or a name is unknown.

    The authors' keras-lmu has none of e_h, e_m and W_x unless asked for. For permuted digits
    the paper has H = 212, N = 256, θ = 784, e_x = 1 and, at first, zeros for all but W_m.

    >>> cell = LMU(input_size=3, hidden_size=2, order=4, theta=20)
    >>> params = cell.init(jax.random.key(0))
    >>> carry, y = cell(params, cell.initial_carry(), jnp.array([1.0, -1.0, 2.0]))
    >>> carry.m.shape
    (1, 4)

    Source: A. Voelker, I. Kajić, C. Eliasmith, "Legendre memory units: continuous-time
    representation in recurrent neural networks", NeurIPS 2019; initial values as in the first
    version of ``lmu.py`` in nengo/keras-lmu.
    """

    input_size: Size
    hidden_size: Size
    order: Size
    theta: Positive
    memories: Size = 1
    method: Annotated[str, one_of(METHODS)] = "zoh"
    activation: Activation = "tanh"

    def __post_init__(self) -> None:
        check_hyperparameters(self)

    @property
    def output_size(self) -> int:
        return self.hidden_size

    def init(self, key: jax.Array) -> LMUParams:
        d, h, m = self.input_size, self.hidden_size, self.memories
        keys = jax.random.split(key, 5)
        encoder, kernel = jax.nn.initializers.lecun_uniform(), jax.nn.initializers.glorot_normal()
        return LMUParams(
            encoder(keys[0], (d, m)), encoder(keys[1], (h, m)), jnp.zeros((m * self.order, m)),
            kernel(keys[2], (d, h)), kernel(keys[3], (h, h)), kernel(keys[4], (m * self.order, h)),
        )  # fmt: skip

    def initial_carry(self, batch_shape: tuple[int, ...] = (), dtype: Any = None) -> LMUCarry:
        own = self.memories, self.order
        return zero_carry(LMUCarry, batch_shape, dtype, h=self.hidden_size, m=own)

    def project(self, params: LMUParams, x: jax.Array) -> Projected:
        check_input(self, x)
        return Projected(affine(x, params.e_x), affine(x, params.w_x))

    def step(self, params: LMUParams, carry: LMUCarry, z: Projected) -> tuple[LMUCarry, jax.Array]:
        before = carry.m.reshape(*carry.h.shape[:-1], -1)
        u = z.given + recur(carry.h, params.e_h) + recur(before, params.e_m)
        # In half precision the products of Ā would lose what the window remembers.
        wide = jnp.promote_types(carry.m.dtype, u.dtype)
        matrices = window("lmu", self.order, self.theta, self.method)
        a, b = (jnp.asarray(own, wide) for own in matrices)
        m = jnp.matmul(carry.m.astype(wide), a.T)
        m = m + u[..., None].astype(wide) * jnp.broadcast_to(b, m.shape)
        w_m = recur(m.reshape(before.shape), params.w_m)
        h = ACTIVATIONS[self.activation](z.hidden + recur(carry.h, params.w_h) + w_m)
        return settled(carry, LMUCarry(h, m), h, z.hidden)
