"""Which examples each training step sees."""

from __future__ import annotations

import dataclasses
import functools
import math
from typing import Any, Protocol

import jax
import jax.numpy as jnp
from jax import lax

from rnnjax.errors import UsageError


class Batches(Protocol):
    """Which part of the data each training step sees, as a function of epoch and key alone."""

    @property
    def steps_per_epoch(self) -> int:
        """Training steps that make an epoch."""
        ...

    def plan(self, key: jax.Array, epoch: jax.Array) -> jax.Array:
        """What each step of an epoch takes: an array with one entry per step."""
        ...

    @property
    def rows_stay(self) -> bool:
        """Whether a row of a batch always comes from the same row of the data."""
        ...

    def take(self, data: Any, entry: jax.Array, /) -> Any:
        """The batch that an entry of the plan stands for."""
        ...

    def weights(self, entry: jax.Array, /) -> jax.Array:
        """How much each row of that batch counts."""
        ...

    def starts_anew(self, entry: jax.Array, /) -> jax.Array | bool:
        """Whether the recurrent state begins anew with that batch."""
        ...


@dataclasses.dataclass(frozen=True)
class ExampleBatches:
    """Batches of whole examples, in the order of the data or in a new random one each epoch.

    An epoch sees every example exactly once. Where the batch size does not divide their number,
    the last batch is short: it is filled up with rows of weight zero, so that all steps have one
    shape and no example is dropped.

    Args:
        num_examples: N.
        batch_size: B.
        shuffle: whether every epoch has an order of its own.

    Raises:
        UsageError: the batch is larger than the data.
    """

    num_examples: int
    batch_size: int
    shuffle: bool

    def __post_init__(self) -> None:
        if self.batch_size > self.num_examples:
            raise UsageError(
                f"--batch_size={self.batch_size} is larger than the number of training examples, "
                f"{self.num_examples}; choose a smaller one."
            )

    @property
    def steps_per_epoch(self) -> int:
        """How many batches cover the data."""
        return math.ceil(self.num_examples / self.batch_size)

    @functools.partial(jax.jit, static_argnums=0)
    def plan(self, key: jax.Array, epoch: jax.Array) -> jax.Array:
        """The examples' indices ``[steps, B]`` of an epoch; -1 fills up the last batch."""
        indices = jnp.arange(self.num_examples)
        if self.shuffle:
            indices = jax.random.permutation(jax.random.fold_in(key, epoch), indices)
        filling = self.steps_per_epoch * self.batch_size - self.num_examples
        return jnp.pad(indices, (0, filling), constant_values=-1).reshape(-1, self.batch_size)

    @property
    def rows_stay(self) -> bool:
        """Whether a row of a batch always comes from the same row of the data: no."""
        return False

    def take(self, data: Any, indices: jax.Array) -> Any:
        """One batch of the pytree `data` ``[N, ...]``."""
        rows = jnp.maximum(indices, 0)
        return jax.tree.map(lambda a: a[rows], data)

    def weights(self, indices: jax.Array) -> jax.Array:
        """The weights of the rows ``[B]``: 0 for those that fill up, 1 for all others."""
        return (indices >= 0).astype(jnp.float32)

    def starts_anew(self, indices: jax.Array) -> bool:
        """Whether the recurrent state begins anew with this batch: always, rows differ."""
        del indices
        return True


@dataclasses.dataclass(frozen=True)
class WindowBatches:
    """Windows of long rows, for back-propagation through time that is truncated.

    All rows are read side by side, a window of time steps in each training step. The recurrent
    state is carried from a window to the next, and the gradient ends at the window: what lies
    further back is remembered, but not learnt from.

    Args:
        num_rows: B.
        num_steps: T, the length of a row.
        window: time steps per training step.
        carry_state: whether a window begins with the state that the one before ended with, or
            with the initial one.

    Raises:
        UsageError: the window does not divide the row.

    Source: R. Williams, J. Peng, "An efficient gradient-based algorithm for on-line training of
    recurrent network trajectories", Neural Computation 2 (1990), 490-501.
    """

    num_rows: int
    num_steps: int
    window: int
    carry_state: bool = True

    def __post_init__(self) -> None:
        if self.num_steps % self.window:
            raise UsageError(
                f"--window: A row of {self.num_steps} steps can't be cut into windows of "
                f"{self.window}; choose a divisor."
            )

    @property
    def steps_per_epoch(self) -> int:
        """How many windows a row has."""
        return self.num_steps // self.window

    @functools.partial(jax.jit, static_argnums=0)
    def plan(self, key: jax.Array, epoch: jax.Array) -> jax.Array:
        """The windows' first steps ``[steps]``, in their order in time."""
        del key, epoch
        return jnp.arange(self.steps_per_epoch) * self.window

    @property
    def rows_stay(self) -> bool:
        """Whether a row of a batch always comes from the same row of the data: yes."""
        return True

    def take(self, data: Any, first: jax.Array) -> Any:
        """One window of the pytree `data` ``[B, T, ...]``."""
        return jax.tree.map(lambda a: lax.dynamic_slice_in_dim(a, first, self.window, axis=1), data)

    def weights(self, first: jax.Array) -> jax.Array:
        """The weights of the rows ``[B]``, all 1."""
        del first
        return jnp.ones(self.num_rows)

    def starts_anew(self, first: jax.Array) -> jax.Array | bool:
        """Whether the recurrent state begins anew with this window."""
        return first == 0 if self.carry_state else True
