"""What the cells that read a memory have in common."""

from __future__ import annotations

import abc
import dataclasses
from typing import Annotated, Any, NamedTuple

import jax
import jax.numpy as jnp

from rnnjax.attention.scoring import Attention, Remembered
from rnnjax.cell import Carry, Cell, Memory, Params, ReadingCell, param_shapes, recur
from rnnjax.hyperparameters import Initialization, Rule, check_hyperparameters
from rnnjax.initializers import INITIALIZATIONS


def _cell(owner: str, name: str, value: Any) -> Cell:
    if not isinstance(value, Cell) or isinstance(value, ReadingCell):
        raise ValueError(
            f"{owner}: {name} must be a cell that reads no memory itself, such as "
            f"rnnjax.GRU(28, 64), not {value!r}."
        )
    return value


def _attention(owner: str, name: str, value: Any) -> Attention:
    if not isinstance(value, Attention):
        raise ValueError(
            f"{owner}: {name} must be a way of scoring, such as "
            f"rnnjax.attention.Additive(64, 128, 64), not {value!r}."
        )
    return value


PlainCell = Annotated[Cell, Rule(_cell)]
"""A cell that reads no memory."""
Scoring = Annotated[Attention, Rule(_attention)]
"""A way of scoring places."""


class ReaderParams(NamedTuple):
    """The parameters of the cell, those of the attention, and ``w_c``, or a second cell's."""

    cell: Params
    attention: Any
    more: Any


class ReaderCarry(NamedTuple):
    """The carry of the cell, what was read or made of it, and what the attention tracks."""

    cell: Carry
    fed: jax.Array | None
    past: jax.Array | None


@dataclasses.dataclass(frozen=True)
class Reader(ReadingCell):
    """A cell with an attention.

    Args:
        cell: what has the state.
        attention: how places are scored.
        initialization: "keras" or "torch": of the matrices that are no part of these.
    """

    cell: PlainCell
    attention: Scoring
    initialization: Initialization = "keras"

    def __post_init__(self) -> None:
        check_hyperparameters(self)
        name, size = type(self).__name__, self.attention.query_size
        if size != self.cell.output_size:
            raise ValueError(
                f"{name}: the attention wants queries of {size} features, but the cell gives "
                f"{self.cell.output_size}."
            )

    @property
    def input_size(self) -> int:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self.cell.input_size

    @property
    def memory_size(self) -> int:
        """M, features of a place of the memory."""
        return self.attention.memory_size

    def project(self, params: ReaderParams, x: jax.Array) -> Any:
        return self.cell.project(params.cell, x)

    def remember(self, params: ReaderParams, memory: Memory) -> Remembered:
        return self.attention.remember(params.attention, memory)

    def initial_carry(self, batch_shape: tuple[int, ...] = (), dtype: Any = None) -> ReaderCarry:
        return self.carry_around(self.cell.initial_carry(batch_shape, dtype))

    def first_carry(
        self,
        params: ReaderParams,
        batch_shape: tuple[int, ...] = (),
        dtype: Any = None,
        *,
        memory: Memory | None = None,
    ) -> ReaderCarry:
        return self.carry_around(self.cell.first_carry(params.cell, batch_shape, dtype), memory)

    def step(
        self, params: ReaderParams, carry: ReaderCarry, z: Any, remembered: Remembered
    ) -> tuple[ReaderCarry, jax.Array]:
        return self.step_and_weights(params, carry, z, remembered)[:2]

    @abc.abstractmethod
    def step_and_weights(
        self, params: ReaderParams, carry: ReaderCarry, z: Any, remembered: Remembered
    ) -> tuple[ReaderCarry, jax.Array, jax.Array]:
        """As `step`, and the weights of the places ``[..., S]``."""

    def carry_around(self, cell: Carry, memory: Memory | None = None) -> ReaderCarry:
        """The carry before the first step, around a given one of the cell.

        Args:
            cell: such as what an encoder leads to.
            memory: what is read; needed where the attention tracks its places.
        """
        return ReaderCarry(
            cell, None, self.attention.first_past(memory, jax.tree.leaves(cell)[0].dtype)
        )

    def _read(
        self, params: ReaderParams, query: jax.Array, remembered: Remembered, past: Any
    ) -> tuple[jax.Array, jax.Array, jax.Array | None]:
        query = query.astype(remembered.keys.dtype)
        return self.attention.read(params.attention, query, remembered, past)


def stepped(
    cell: Cell, params: Params, carry: Carry, x: jax.Array, remembered: Any
) -> tuple[Carry, jax.Array, jax.Array | None]:
    """One step of any cell: its carry, its output, and the weights of the places if it reads any.

    Args:
        cell: one that reads a memory, or none.
        params: its parameters.
        carry: the state before.
        x: the input ``[..., D]``.
        remembered: what it reads; not looked at if it reads none.
    """
    z = cell.project(params, x)
    if isinstance(cell, Reader):
        return cell.step_and_weights(params, carry, z, remembered)
    return *cell.step(params, carry, z), None


def hidden(carry: Carry) -> jax.Array:
    """The state of a cell, or of the top one of a stack, that is its output too: h."""
    return carry.h if hasattr(carry, "h") else hidden(carry[-1])


def matrix_into(cell: Cell, num_features: int, initialization: str, key: jax.Array) -> jax.Array:
    """Draws what adds so many features to what a cell makes of its input, ``[N, Z]``.

    Raises:
        ValueError: it makes something else of it than one array.
    """
    x = jax.ShapeDtypeStruct((cell.input_size,), jnp.zeros(()).dtype)
    z = jax.eval_shape(cell.project, param_shapes(cell), x)
    if not isinstance(z, jax.ShapeDtypeStruct):
        raise ValueError(
            f"{type(cell).__name__} makes {jax.tree.map(jnp.shape, z)} of an input; a context can "
            "be added to one array only."
        )
    draw = INITIALIZATIONS[initialization].kernel(cell.output_size)
    return draw(key, (num_features, z.shape[-1]))


def added(z: jax.Array, features: jax.Array, matrix: jax.Array) -> jax.Array:
    """z plus what the features add to it."""
    return z + recur(features, matrix).astype(z.dtype)
