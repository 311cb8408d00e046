"""Steps of unequal length: how long each is, and what a differential equation does within it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from rnnjax.cell import affine, check_input
from rnnjax.gated_cell import GatedCell
from rnnjax.hyperparameters import Flag
from rnnjax.initializers import gate_params


class TimedInput(NamedTuple):
    """What depends on the input alone: ``z [..., ?]`` and the time since the step before it.

    That is ``gap [..., 1]``, or None where it is 1.
    """

    z: Any
    gap: jax.Array | None


@dataclasses.dataclass(frozen=True)
class TimedCell(GatedCell):
    r"""A gated cell that may be told how much time has passed since the step before.

    Args:
        input_size: D, features of one input, the time among them.
        hidden_size: H, units.
        timed: whether the last feature is the time since the step before; else that is 1.

    Raises:
        ValueError: a field holds what its annotation does not allow, or the time is the only
            feature.
    """

    timed: Flag = dataclasses.field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_features(self)

    def draw_gates(self, key: jax.Array, num_gates: int, **options: Any) -> Any:
        """As of `rnnjax.fused_cell.FusedCell`, for inputs without the time."""
        return gate_params(
            key, self.initialization, features(self), self.hidden_size,
            num_gates=num_gates, use_bias=self.use_bias, **options,
        )  # fmt: skip

    def project(self, params: Any, x: jax.Array) -> TimedInput:
        """As of `rnnjax.Cell`, with the time apart."""
        x, gap = parted(self, x)
        return TimedInput(affine(x, params.w_x, params.b), gap)


def features(cell: Any) -> int:
    """Features of one input without the time, where that is one of them."""
    return cell.input_size - cell.timed


def check_features(cell: Any) -> None:
    """Raises a `ValueError` if the time is the only feature."""
    if features(cell) < 1:
        raise ValueError(
            f"{type(cell).__name__}: input_size must be at least 2, of which the time is one, "
            f"not {cell.input_size!r}."
        )


def parted(cell: Any, x: jax.Array) -> tuple[jax.Array, jax.Array | None]:
    """The features of an input, and the time since the one before it, None for 1."""
    check_input(cell, x)
    return (x[..., :-1], x[..., -1:]) if cell.timed else (x, None)


def gap_like(gap: jax.Array | None, like: jax.Array) -> Any:
    """The time since the step before for each number of an array."""
    return 1 if gap is None else jnp.broadcast_to(gap, like.shape)


def euler(slope: Callable[[jax.Array], jax.Array], h: jax.Array, step: Any) -> jax.Array:
    """One step of Euler's of h' = slope(h)."""
    return h + step * slope(h)


def rk4(slope: Callable[[jax.Array], jax.Array], h: jax.Array, step: Any) -> jax.Array:
    """One of the classical fourth-order method of Runge and Kutta."""
    first = slope(h)
    second = slope(h + step / 2 * first)
    third = slope(h + step / 2 * second)
    fourth = slope(h + step * third)
    return h + step / 6 * (first + 2 * second + 2 * third + fourth)


SOLVERS = {"euler": euler, "rk4": rk4}
"""Methods by name."""


def solved(
    solver: str, slope: Callable[[jax.Array], jax.Array], h: jax.Array, time: Any, unfolds: int
) -> jax.Array:
    """What h' = slope(h) makes of a state within a time.

    Args:
        solver: a name in `SOLVERS`.
        slope: of a state ``[..., H]``.
        h: the state.
        time: a number, or one for each number of the state.
        unfolds: how many equal steps are taken.

    >>> float(solved("euler", lambda h: -h, jnp.array(1.0), 1, 2))
    0.25
    """
    for _ in range(unfolds):
        h = SOLVERS[solver](slope, h, time / unfolds)
    return h
