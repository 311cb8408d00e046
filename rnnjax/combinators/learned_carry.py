"""A first carry that is learned."""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from rnnjax.buffers import own
from rnnjax.cell import Carry, Options, Params
from rnnjax.combinators.wrapper import CellWrapper
from rnnjax.hyperparameters import AnyLayer, check_hyperparameters
from rnnjax.unrolling.unroll import run


class LearnedCarryParams(NamedTuple):
    """The parameters of the wrapped layer, and the carry that a row begins with."""

    layer: Params
    carry: Carry


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class LearnedCarry(CellWrapper):
    r"""A layer whose first carry is a parameter, the same for all rows; it begins as zeros.

    It takes the place of `initial_carry` wherever no carry is given to `rnnjax.unroll`, and
    after a reset. To step through inputs one at a time, begin with ``layer.first_carry(params)``.

    Args:
        layer: any layer.

    Parameters: `LearnedCarryParams`. Carry and output: those of the wrapped layer.

    Raises:
        ValueError: what is wrapped is no layer.

    >>> from rnnjax import LSTM, unroll
    >>> layer = LearnedCarry(LSTM(3, 4))
    >>> params = layer.init(jax.random.key(0))
    >>> params.carry.c.shape
    (4,)
    """

    layer: AnyLayer

    def __post_init__(self) -> None:
        check_hyperparameters(self)

    def init(self, key: jax.Array) -> LearnedCarryParams:
        params = self.layer.init(key)
        return LearnedCarryParams(params, self.layer.first_carry(params))

    def first_carry(
        self, params: LearnedCarryParams, batch_shape: tuple[int, ...] = (), dtype: Any = None
    ) -> Carry:
        def for_all_rows(first: jax.Array) -> jax.Array:
            rows = jnp.broadcast_to(first, (*batch_shape, *first.shape))
            # A count stays one, and whoever donates the carry keeps the parameters.
            is_state = dtype is not None and jnp.issubdtype(first.dtype, jnp.inexact)
            return own(rows.astype(dtype) if is_state else rows)

        return jax.tree.map(for_all_rows, params.carry)

    def project(self, params: LearnedCarryParams, x: jax.Array) -> Any:
        return super().project(params.layer, x)

    def step(self, params: LearnedCarryParams, carry: Carry, z: Any) -> tuple[Carry, jax.Array]:
        return super().step(params.layer, carry, z)

    def unroll(
        self, params: LearnedCarryParams, xs: jax.Array, carry: Carry, options: Options
    ) -> tuple[Carry, Any]:
        return run(self.layer, params.layer, xs, carry, options)
