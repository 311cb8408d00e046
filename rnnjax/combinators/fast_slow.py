"""Fast cells in turn at every step, and a slow one between the first two of them."""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from rnnjax.cell import Carry, Cell, Params
from rnnjax.combinators.wrapper import check_plain
from rnnjax.hyperparameters import AnyLayer, Layers, check_hyperparameters


class FastSlowParams(NamedTuple):
    """The parameters of every fast cell, and those of the slow one."""

    fast: tuple[Params, ...]
    slow: Params


class FastSlowCarry(NamedTuple):
    """The state that all fast cells share, and that of the slow one."""

    fast: Carry
    slow: Carry


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class FastSlow(Cell):
    r"""Fast cells that hand one state on to each other at every step, and a slow cell beside them.

    .. math::
        (s, y) &= F_1(s_{t-1}, x_t) \\
        (S_t, u) &= S(S_{t-1}, y) \\
        (s, y) &= F_2(s, u) \\
        (s, y) &= F_i(s, 0) \quad \text{for } i = 3, \dots, k

    The state after the last of the fast cells is s_t, and its output that of the step.

    Args:
        fast: k cells, at least two, with states of one shape.
        slow: the slow cell; it reads what the first fast cell gives, and the second one reads it.

    Parameters: `FastSlowParams`. Carry: `FastSlowCarry`. Output: that of the last fast cell.

    Raises:
        ValueError: there are fewer than two fast cells, their states differ, sizes do not fit, or
            one of the cells is in a wrapper.

    Equals two cells in turn on one state for k = 2 and a slow cell that gives zeros. The fast
    cells behind the second read zeros; in RecurrentLayers.jl they read the previous output.

    >>> from rnnjax import LSTM
    >>> cell = FastSlow((LSTM(3, 4), LSTM(6, 4), LSTM(1, 4)), LSTM(4, 6))
    >>> carry, y = cell(cell.init(jax.random.key(0)), cell.initial_carry(), jnp.ones(3))
    >>> y.shape, carry.slow.h.shape
    ((4,), (6,))

    Source: A. Mujika, F. Meier, A. Steger, "Fast-slow recurrent neural networks", NIPS 2017,
    arXiv:1705.08639; amujika/Fast-Slow-LSTM, ``FSRNN.py``, from which the equations are.
    """

    fast: Layers
    slow: AnyLayer

    def __post_init__(self) -> None:
        check_hyperparameters(self)
        for cell in (*self.fast, self.slow):
            check_plain("FastSlow", cell)
        if len(self.fast) < 2:
            raise ValueError("FastSlow: expected at least two fast layers, got one.")
        first, second = self.fast[:2]
        for below, above in ((first, self.slow), (self.slow, second)):
            if below.output_shape != above.input_shape:
                raise ValueError(
                    f"FastSlow: {type(above).__name__} takes inputs of shape {above.input_shape}, "
                    f"but {type(below).__name__} before it gives {below.output_shape}."
                )
        if len({str(jax.eval_shape(cell.initial_carry)) for cell in self.fast}) > 1:
            raise ValueError("FastSlow: the fast cells share one state, but theirs differ.")

    @property
    def input_size(self) -> int:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self.fast[0].input_size

    @property
    def output_size(self) -> int:
        return self.fast[-1].output_size

    @property
    def input_shape(self) -> tuple[int, ...]:
        return self.fast[0].input_shape

    @property
    def output_shape(self) -> tuple[int, ...]:
        return self.fast[-1].output_shape

    def init(self, key: jax.Array) -> FastSlowParams:
        slow_key, *keys = jax.random.split(key, 1 + len(self.fast))
        fast = tuple(cell.init(k) for cell, k in zip(self.fast, keys, strict=True))
        return FastSlowParams(fast, self.slow.init(slow_key))

    def initial_carry(self, batch_shape: tuple[int, ...] = (), dtype: Any = None) -> FastSlowCarry:
        return FastSlowCarry(
            self.fast[0].initial_carry(batch_shape, dtype),
            self.slow.initial_carry(batch_shape, dtype),
        )

    def first_carry(
        self, params: FastSlowParams, batch_shape: tuple[int, ...] = (), dtype: Any = None
    ) -> FastSlowCarry:
        return FastSlowCarry(
            self.fast[0].first_carry(params.fast[0], batch_shape, dtype),
            self.slow.first_carry(params.slow, batch_shape, dtype),
        )

    def project(self, params: FastSlowParams, x: jax.Array) -> Any:
        first: Any = self.fast[0]
        return first.project(params.fast[0], x)

    def step(
        self, params: FastSlowParams, carry: FastSlowCarry, z: Any
    ) -> tuple[FastSlowCarry, jax.Array]:
        first, second, *others = self.fast
        of_first, of_second, *of_others = params.fast
        fast, y = _step(first, of_first, carry.fast, z)
        slow, y = _read(self.slow, params.slow, carry.slow, y)
        fast, y = _read(second, of_second, fast, y)
        for cell, own in zip(others, of_others, strict=True):
            batch_shape = y.shape[: y.ndim - len(second.output_shape)]
            nothing = jnp.zeros((*batch_shape, *cell.input_shape), y.dtype)
            fast, y = _read(cell, own, fast, nothing)
        return FastSlowCarry(fast, slow), y


def _step(cell: Any, params: Params, carry: Carry, z: Any) -> tuple[Carry, jax.Array]:
    return cell.step(params, carry, z)


def _read(cell: Any, params: Params, carry: Carry, x: jax.Array) -> tuple[Carry, jax.Array]:
    return cell.step(params, carry, cell.project(params, x))
