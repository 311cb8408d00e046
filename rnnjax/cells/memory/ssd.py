"""The state space layer of Mamba-2, whose states are matrices with one decay each."""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from rnnjax.cell import check_input, zero_carry
from rnnjax.hyperparameters import Size, check_hyperparameters
from rnnjax.initializers import inverse_softplus_of_steps
from rnnjax.matrix_cell import MatrixCarry, MatrixCell, by_head, parts, together
from rnnjax.outer import Outer


class SSDParams(NamedTuple):
    """Parameters, of each head one: ``a_log``, ``dt_bias``, ``d``, all ``[heads]``."""

    a_log: jax.Array
    dt_bias: jax.Array
    d: jax.Array


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class SSD(MatrixCell):
    r"""The state space layer of Mamba-2.

    .. math::
        \Delta_t &= \mathrm{softplus}(dt_t + b_{dt}), \qquad a_t = e^{-e^{A} \Delta_t} \\
        S_t &= a_t S_{t-1} + B_t (\Delta_t x_t)^\top, \qquad y_t = S_t^\top C_t + d\, x_t

    for each head; B and C are those of its group. It is the core only: one input holds x ``[heads ·
    P]``, B and C ``[groups · N]`` and dt ``[heads]`` side by side, which in Mamba-2 a dense layer
    and a causal convolution make.

    Args:
        hidden_size: heads · P, features of x and of an output.
        heads: matrices, each by itself; they divide it.
        state_size: N, features of B and C.
        groups: of heads that share B and C; they divide the heads.

    Parameters: `SSDParams`; :math:`e^A` is uniform between 1 and 16 at first, softplus(b)
    log-uniform between .001 and .1, d is 1. Carry: `rnnjax.matrix_cell.MatrixCarry`, ``s [...,
    heads, N, P]``. Output: ``[..., heads · P]``.

    Raises:
        ValueError: a size is not a positive integer, or one does not divide the other.

    Source: T. Dao, A. Gu, "Transformers are SSMs", ICML 2024, arXiv:2405.21060, sections 2, 5 and
    7; state-spaces/mamba.
    """

    hidden_size: Size
    heads: Size = 4
    state_size: Size = 16
    groups: Size = 1

    carry_type = MatrixCarry

    def __post_init__(self) -> None:
        check_hyperparameters(self)
        if self.hidden_size % self.heads or self.heads % self.groups:
            raise ValueError(
                f"SSD: heads={self.heads} must divide the hidden size, {self.hidden_size}, and "
                f"groups={self.groups} the heads."
            )

    @property
    def _sizes(self) -> list[int]:
        shared = self.groups * self.state_size
        return [self.hidden_size, shared, shared, self.heads]

    @property
    def input_size(self) -> int:  # pyright: ignore[reportIncompatibleVariableOverride]
        return sum(self._sizes)

    @property
    def output_size(self) -> int:
        return self.hidden_size

    def init(self, key: jax.Array) -> SSDParams:
        keys = jax.random.split(key)
        rate = jax.random.uniform(keys[0], (self.heads,), minval=1, maxval=16)
        steps = inverse_softplus_of_steps(keys[1], (self.heads,))
        return SSDParams(jnp.log(rate), steps, jnp.ones(self.heads))

    def initial_carry(self, batch_shape: tuple[int, ...] = (), dtype: Any = None) -> MatrixCarry:
        own = self.heads, self.state_size, self.hidden_size // self.heads
        return zero_carry(MatrixCarry, batch_shape, dtype, s=own)

    def project(self, params: SSDParams, x: jax.Array) -> jax.Array:
        check_input(self, x)
        return x

    def _of_heads(self, shared: jax.Array) -> jax.Array:
        """What a group has, for each of its heads."""
        return jnp.repeat(by_head(shared, self.groups), self.heads // self.groups, axis=-2)

    def coefficients(self, params: SSDParams, z: jax.Array) -> Outer:
        x, b, _, dt = parts(z, self._sizes)
        step = jax.nn.softplus(dt + jnp.broadcast_to(params.dt_bias, dt.shape))
        rate = jnp.broadcast_to(jnp.exp(params.a_log.astype(z.dtype)), dt.shape)
        return Outer(-rate * step, self._of_heads(b), by_head(x, self.heads) * step[..., None])

    def queries(self, params: SSDParams, z: jax.Array) -> jax.Array:
        return self._of_heads(parts(z, self._sizes)[2])

    def output(
        self, params: SSDParams, found: jax.Array, z: jax.Array, m: None = None
    ) -> jax.Array:
        x = by_head(parts(z, self._sizes)[0], self.heads)
        return together(found + jnp.broadcast_to(params.d[:, None], x.shape) * x)
