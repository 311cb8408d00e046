"""A first carry that is learned."""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from rnnjax.cell import Carry, Layer, Options, Params, check_layers
from rnnjax.combinators.wrapper import CellWrapper
from rnnjax.unroll import run


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

    layer: Layer

    def __post_init__(self) -> None:
        check_layers("LearnedCarry", self.layer)

    def init(self, key: jax.Array) -> LearnedCarryParams:
        params = self.layer.init(key)
        return LearnedCarryParams(params, self.layer.first_carry(params))

    def first_carry(
        self, params: LearnedCarryParams, batch_shape: tuple[int, ...] = (), dtype: Any = None
    ) -> Carry:
        def for_all_rows(first: jax.Array) -> jax.Array:
            return jnp.broadcast_to(first, (*batch_shape, *first.shape)).astype(
                dtype or first.dtype
            )

        return jax.tree.map(for_all_rows, params.carry)

    def project(self, params: LearnedCarryParams, x: jax.Array) -> Any:
        return super().project(params.layer, x)

    def step(self, params: LearnedCarryParams, carry: Carry, z: Any) -> tuple[Carry, jax.Array]:
        return super().step(params.layer, carry, z)

    def unroll(
        self, params: LearnedCarryParams, xs: jax.Array, carry: Carry, options: Options
    ) -> tuple[Carry, Any]:
        return run(self.layer, params.layer, xs, carry, options)
