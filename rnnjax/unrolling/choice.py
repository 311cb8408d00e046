"""Which executor takes the steps of a cell: what "auto" stands for."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import jax

from rnnjax.cell import Cell
from rnnjax.linear_cell import LinearCell
from rnnjax.matrix_cell import MatrixCell
from rnnjax.unrolling.executors import EXECUTORS
from rnnjax.unrolling.parallel import PARALLEL

NAMES = ("auto", *EXECUTORS, *PARALLEL)
"""What `rnnjax.unroll` takes as executor."""

LONG = 256
"""Steps from which on an accelerator composes steps: there each step of a loop costs microseconds,
whatever its size. By published times; not measured here."""
WIDE = 1 << 16
"""Numbers of a state from which on it does not: a composition moves about seven such arrays."""
ENTRIES = 64
"""Of a head's matrix, from which on products of matrices are faster than steps on CPUs."""
FEW = 8
"""Steps up to which nothing is gained by taking them together."""


def chosen_executor(
    cell: Cell, shape: Sequence[Any], executor: str = "auto", *, keep: str = "outputs",
    platform: str | None = None,
) -> str:  # fmt: skip
    """The executor that takes the steps of a run.

    Args:
        cell: whose steps; of a composite each cell has its own.
        shape: of the inputs, ``[T, ..., D]``.
        executor: what was asked for. "chunked" is taken where there is a symbol for T, and where
            "chunkwise" is to keep all carries.
        keep: what comes back, as in `rnnjax.cell.Options`.
        platform: for which it is compiled; None for JAX's default.

    Raises:
        ValueError: the cell's steps can't be taken like this.

    >>> from rnnjax.cells import LSTM
    >>> chosen_executor(LSTM(3, 4), (100, 8, 3))
    'chunked'
    """
    steps, *rows, _ = shape
    if executor in PARALLEL:
        _check(cell, executor)
        is_parallel = isinstance(steps, int) and (executor != "chunkwise" or keep != "carries")
        return executor if is_parallel else "chunked"
    if executor != "auto":
        return executor
    if not isinstance(cell, LinearCell) or not isinstance(steps, int) or steps <= FEW:
        return "chunked"
    state = jax.eval_shape(cell.initial_carry)
    if isinstance(cell, MatrixCell):
        matrix = state[0].shape[-2] * state[0].shape[-1]
        return "chunkwise" if keep != "carries" and matrix >= ENTRIES else "chunked"
    if (platform or jax.default_backend()) == "cpu" or steps < LONG:
        return "chunked"
    if not all(isinstance(size, int) for size in rows):
        return "chunked"
    size = math.prod(rows) * sum(math.prod(own.shape) for own in state)
    return "associative" if size <= WIDE else "chunked"


def _check(cell: Cell, executor: str) -> None:
    name = type(cell).__name__
    if executor == "chunkwise" and not isinstance(cell, MatrixCell):
        raise ValueError(
            f"unroll: 'chunkwise' takes the steps of matrix memories, such as those of "
            f"rnnjax.GLA, but {name} has none; use 'auto'."
        )
    if not isinstance(cell, LinearCell):
        raise ValueError(
            f"unroll: 'associative' takes steps that are linear in the state, such as those of "
            f"rnnjax.LRU, but those of {name} are not; use 'auto'."
        )
    if executor == "associative" and isinstance(cell, MatrixCell):
        raise ValueError(
            f"unroll: 'associative' would make a matrix for each step of {name}; use 'chunkwise'."
        )
