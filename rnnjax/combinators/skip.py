"""A cell that learns which steps to skip."""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from rnnjax.cell import Carry, Cell, Params, default_float, recur
from rnnjax.combinators.wrapper import Around, check_plain
from rnnjax.hyperparameters import AnyLayer, Real, check_hyperparameters


class SkipParams(NamedTuple):
    """The parameters of the cell, and those of the chance to step: ``w_p [H, 1]``, ``b_p [1]``."""

    layer: Params
    w_p: jax.Array
    b_p: jax.Array


class SkipCarry(NamedTuple):
    """Carry of the cell, what the chance lacks of 1, and whether the last step was taken.

    ``lack [..., 1]`` and ``taken [..., 1]``, the latter 1 or 0.
    """

    cell: Carry
    lack: jax.Array
    taken: jax.Array


@jax.custom_jvp
def straight_round(x: jax.Array) -> jax.Array:
    """The nearest integer, a half to the even one, with the derivative 1."""
    return jnp.round(x)


straight_round.defjvp(lambda primals, tangents: (straight_round(*primals), tangents[0]))


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class Skip(Around, Cell):
    r"""A cell that takes a step only when enough has come together, and else keeps its state.

    .. math::
        u_t &= \mathrm{round}(\tilde{u}_t) \\
        s_t &= u_t\, \mathrm{cell}(s_{t-1}, x_t) + (1 - u_t)\, s_{t-1}, \qquad y_t = h_t \\
        \Delta_t &= \sigma(c_t w_p + b_p) \\
        \tilde{u}_{t+1} &= u_t \Delta_t
            + (1 - u_t) (\tilde{u}_t + \min(\Delta_t, 1 - \tilde{u}_t))

    where s is all of the cell's carry, and c its memory, or h for a cell without one. The first
    step of a row is taken. The gradient of the rounding is 1.

    A cost of steps is part of the loss: `rnnjax.unroll_carries` gives u of every step, as the
    carries' ``taken``. Masked steps repeat that of the step before.

    Args:
        layer: a cell in no wrapper, whose output is its state h and whose carry is of floats.
        first_bias: what b_p begins with.

    Parameters: `SkipParams`; w_p is drawn uniformly from ±1/√H. Carry: `SkipCarry`; its ``lack``
    is 1 - ũ, so that zeros begin with a step. Output: that of the wrapped cell.

    Raises:
        ValueError: the bias is not a finite number, or the cell is none that can be wrapped.

    Equals the wrapped cell where b_p is large, such as 40. With `rnnjax.LSTM` and `rnnjax.GRU` the
    paper's SkipLSTM and SkipGRU.

    >>> from rnnjax import LSTM, unroll_carries
    >>> layer = Skip(LSTM(3, 4))
    >>> carries, ys = unroll_carries(layer, layer.init(jax.random.key(0)), jnp.ones((7, 3)))
    >>> carries.taken.shape, float(carries.taken[0, 0])
    ((7, 1), 1.0)

    Source: V. Campos et al., "Skip RNN: learning to skip state updates in recurrent neural
    networks", ICLR 2018, arXiv:1708.06834; imatge-upc/skiprnn-2017-telecombcn,
    ``src/rnn_cells/skip_rnn_cells.py``, by which the memory is what the chance reads, and b_p
    begins at 1.
    """

    layer: AnyLayer
    first_bias: Real = 1.0

    def __post_init__(self) -> None:
        check_hyperparameters(self)
        check_plain("Skip", self.layer)
        carry = jax.eval_shape(self.layer.initial_carry)
        fields = getattr(carry, "_fields", ())
        is_state = "h" in fields and carry.h.shape == (self.layer.output_size,)
        is_read = "c" not in fields or len(carry.c.shape) == 1
        floats = (jnp.issubdtype(own.dtype, jnp.floating) for own in jax.tree.leaves(carry))
        if not is_state or not is_read or not all(floats):
            raise ValueError(
                f"Skip: {type(self.layer).__name__} is no cell whose output is its state h; wrap "
                "cells such as rnnjax.LSTM(28, 64), each by itself."
            )

    @property
    def _cell(self) -> Cell:
        assert isinstance(self.layer, Cell)
        return self.layer

    def init(self, key: jax.Array) -> SkipParams:
        key, own_key = jax.random.split(key)
        size = _read(jax.eval_shape(self.layer.initial_carry)).shape[-1]
        w_p = jax.random.uniform(own_key, (size, 1), minval=-(size**-0.5), maxval=size**-0.5)
        return SkipParams(self.layer.init(key), w_p, jnp.full(1, self.first_bias, w_p.dtype))

    def initial_carry(self, batch_shape: tuple[int, ...] = (), dtype: Any = None) -> SkipCarry:
        return _begin(self.layer.initial_carry(batch_shape, dtype), batch_shape, dtype)

    def first_carry(
        self, params: SkipParams, batch_shape: tuple[int, ...] = (), dtype: Any = None
    ) -> SkipCarry:
        first = self.layer.first_carry(params.layer, batch_shape, dtype)
        return _begin(first, batch_shape, dtype)

    def project(self, params: SkipParams, x: jax.Array) -> Any:
        return self._cell.project(params.layer, x)

    def step(self, params: SkipParams, carry: SkipCarry, z: Any) -> tuple[SkipCarry, jax.Array]:
        chance = 1 - carry.lack
        taken = straight_round(chance)
        after, y = self._cell.step(params.layer, carry.cell, z)

        def mixed(old: jax.Array, new: jax.Array) -> jax.Array:
            u = taken.astype(old.dtype).reshape(*taken.shape, *(1,) * (old.ndim - taken.ndim))
            u = jnp.broadcast_to(u, old.shape)
            return u * new + (1 - u) * old

        cell = jax.tree.map(mixed, carry.cell, after)
        grown = jax.nn.sigmoid(recur(_read(cell), params.w_p, params.b_p)).astype(chance.dtype)
        after_skipping = chance + jnp.minimum(grown, carry.lack)
        lack = 1 - (taken * grown + (1 - taken) * after_skipping)
        return SkipCarry(cell, lack, taken), cell.h.astype(y.dtype)


def _read(carry: Any) -> Any:
    """What the chance to step reads: the memory of a cell that has one."""
    return carry.c if "c" in carry._fields else carry.h


def _begin(cell: Carry, batch_shape: tuple[int, ...], dtype: Any) -> SkipCarry:
    lack, taken = (jnp.zeros((*batch_shape, 1), dtype or default_float()) for _ in range(2))
    return SkipCarry(cell, lack, taken)
