"""Batches of sequences of similar length, so that little time goes into padding."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from rnnjax.devices.layout import SEEDS, Layout
from rnnjax.training.batches import Batches, ExampleBatches
from rnnjax.training.loop import CutFn

POOL = 50
"""How many batches are sorted by length together: enough for like to meet like, few enough for
every epoch to compose its batches anew."""


@dataclasses.dataclass(frozen=True, eq=False)
class LengthBatches:
    """Batches of examples of similar length, composed and ordered anew in every epoch.

    An epoch sees every example exactly once, as with `ExampleBatches`. The shuffled examples are
    sorted by length, so many batches at a time, and these batches are shuffled.

    Args:
        lengths: of each example, ``[N]``.
        batch_size: B.
        parts: how many epochs the examples are shared out among, for data that are new in every
            epoch. Each sees its own part, one after the other, then the first one again.

    Raises:
        UsageError: the batch is larger than the data of an epoch.
    """

    lengths: np.ndarray
    batch_size: int
    parts: int = 1

    def __post_init__(self) -> None:
        _ = self._examples  # which checks the sizes

    @property
    def _examples(self) -> ExampleBatches:
        return ExampleBatches(len(self.lengths) // self.parts, self.batch_size, shuffle=True)

    @property
    def steps_per_epoch(self) -> int:
        """How many batches cover the data."""
        return self._examples.steps_per_epoch

    @functools.partial(jax.jit, static_argnums=0)
    def plan(self, key: jax.Array, epoch: jax.Array) -> jax.Array:
        """The examples' indices ``[steps, B]`` of an epoch; -1 fills up one of the batches."""
        examples_key, batches_key = jax.random.split(key)
        indices = self._examples.plan(examples_key, epoch).ravel()
        first = epoch % self.parts * self._examples.num_examples
        indices = jnp.where(indices < 0, -1, indices + first)
        lengths = jnp.where(indices < 0, -1, jnp.asarray(self.lengths)[indices])
        pools = jnp.arange(len(indices)) // (POOL * self.batch_size)
        batches = indices[jnp.lexsort((lengths, pools))].reshape(-1, self.batch_size)
        return jax.random.permutation(jax.random.fold_in(batches_key, epoch), batches)

    @property
    def rows_stay(self) -> bool:
        """Whether a row of a batch always comes from the same row of the data: no."""
        return self._examples.rows_stay

    def take(self, data: Any, indices: jax.Array) -> Any:
        """One batch of the pytree `data` ``[N, ...]``."""
        return self._examples.take(data, indices)

    def weights(self, indices: jax.Array) -> jax.Array:
        """The weights of the rows ``[B]``: 0 for those that fill up, 1 for all others."""
        return self._examples.weights(indices)

    def starts_anew(self, indices: jax.Array) -> bool:
        """Whether the recurrent state begins anew with this batch: always, rows differ."""
        return self._examples.starts_anew(indices)


def length_limits(
    lengths: np.ndarray, count: int, longest: int, multiple: int = 16
) -> tuple[int, ...]:
    """Lengths to cut batches to: with which the least is computed for padding.

    Args:
        lengths: of the examples, ``[N]``.
        count: the most limits.
        longest: the last limit.
        multiple: what the others are multiples of.

    Returns:
        They rise.

    >>> length_limits(np.arange(1, 101), 4, 100)
    (16, 48, 80, 100)
    """
    cut = np.sort(np.minimum(lengths, longest))
    rounded = np.unique(-(-cut // multiple) * multiple)  # others would be no better
    limits = np.append(rounded[rounded < longest], longest)
    ended = np.searchsorted(cut, limits, side="right")
    # What the examples up to each limit cost, and the limits chosen, with so many of them.
    costs, chosen = limits * ended, [(limit,) for limit in limits.tolist()]
    for _ in range(count - 1):
        further = costs[:, None] + limits * (ended - ended[:, None])
        before = np.where(np.tri(len(limits), k=-1, dtype=bool).T, further, further.max() + 1)
        best = before.argmin(axis=0)
        fewer = before.min(axis=0) < costs
        chosen = [(*chosen[best[i]], own[-1]) if fewer[i] else own for i, own in enumerate(chosen)]
        costs = np.where(fewer, before.min(axis=0), costs)
    return chosen[-1]


def cut_to_length(
    function: Callable[[Any], Any],
    sequences: Any,
    length: jax.Array,
    limits: tuple[int, ...],
    axis_name: str | None = None,
) -> Any:
    """Applies a function to sequences without the padding that all of them have behind.

    One program is compiled per limit, and the one that is long enough runs.

    Args:
        function: of the sequences; its result must not depend on padding.
        sequences: a pytree of arrays ``[B, T, ...]``, padded behind.
        length: of the longest one, a scalar.
        limits: rising; the last one is T.
        axis_name: of an axis that this is mapped over; all are cut as the longest, because a
            program that chooses for each would run every one of its choices.
    """
    if axis_name is not None:
        length = lax.pmax(length, axis_name)

    def at(limit: int) -> Callable[[Any], Any]:
        return lambda sequences: function(jax.tree.map(lambda a: a[:, :limit], sequences))

    index = jnp.searchsorted(jnp.asarray(limits), length)
    return lax.switch(index, [at(limit) for limit in limits], sequences)


@dataclasses.dataclass(frozen=True)
class Cut:
    """Applies functions to sequences without the padding that all of them have behind.

    Args:
        limits: lengths to cut to, rising; the last one is T.
    """

    limits: tuple[int, ...]

    def __call__(
        self, function: Callable[[Any], Any], sequences: Any, mask: jax.Array, layout: Layout
    ) -> Any:
        """What the function gives.

        Args:
            function: of the sequences; its result must not depend on padding.
            sequences: a pytree of arrays ``[B, T, ...]``, padded behind.
            mask: where there is no padding, ``[B, T]``.
            layout: what all seeds read together has the length of the longest.
        """
        axis_name = SEEDS if layout.num_seeds > 1 else None
        longest = mask.sum(axis=1).max()
        return cut_to_length(function, sequences, longest, self.limits, axis_name)

    def of_first(self, layout: Layout) -> CutFn:
        """The same of batches whose first entry, sequences with a ``mask``, is what is cut."""

        def cut(function: Callable[[Any], Any], batch: Any) -> Any:
            sequences, *others = batch
            return self(lambda own: function((own, *others)), sequences, sequences.mask, layout)

        return cut


def batches_by_length(
    lengths: np.ndarray, longest: int, batch_size: int, groups: int, multiple: int = 16,
    parts: int = 1,
) -> tuple[Batches, Cut]:  # fmt: skip
    """Batches of examples of similar length, and how to cut off what all of one have behind.

    Args:
        lengths: of the examples, ``[N]``.
        longest: T, that all are cut or filled up to.
        batch_size: B.
        groups: of lengths, each with a program of its own. With one the examples are shuffled
            whatever their lengths, and nothing is cut off.
        multiple: as of `length_limits`.
        parts: as of `LengthBatches`.

    Raises:
        UsageError: the batch is larger than the data of an epoch.
    """
    if groups == 1 and parts > 1:
        return LengthBatches(np.zeros_like(lengths), batch_size, parts), Cut((longest,))
    if groups == 1:
        return ExampleBatches(len(lengths), batch_size, shuffle=True), Cut((longest,))
    batches = LengthBatches(np.minimum(lengths, longest), batch_size, parts)
    return batches, Cut(length_limits(lengths, groups, longest, multiple))
