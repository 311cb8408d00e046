"""Which examples each training step sees."""

from __future__ import annotations

import dataclasses
import functools
import math
from typing import Any

import jax
import jax.numpy as jnp


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
        ValueError: the batch is larger than the data.
    """

    num_examples: int
    batch_size: int
    shuffle: bool

    def __post_init__(self) -> None:
        if self.batch_size > self.num_examples:
            raise ValueError(
                f"The batch size {self.batch_size} is larger than the number of training "
                f"examples, {self.num_examples}; choose a smaller one."
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

    def take(self, data: Any, indices: jax.Array) -> tuple[Any, jax.Array]:
        """One batch of the pytree `data` ``[N, ...]``, and its rows' weights ``[B]``, 0 or 1."""
        rows = jnp.maximum(indices, 0)
        return jax.tree.map(lambda a: a[rows], data), (indices >= 0).astype(jnp.float32)
