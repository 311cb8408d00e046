"""How the training data come to the devices."""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from rnnjax.devices.layout import SEEDS, Layout
from rnnjax.training.batches import Batches
from rnnjax.unrolling.rows import ROWS


class Feed:
    """The training data on the devices: all of them once, or what an epoch takes.

    Within one process, every device holds all data and picks its rows of each batch itself; where
    the rows never change places it holds those alone. With several processes, each puts on its
    devices the rows that they will see in an epoch, in their order, and no others.

    Args:
        batches: which examples each step sees.
        data: a pytree of arrays ``[N, ...]``, or ``[S, N, ...]`` with `own_data`.
        layout: of seeds and rows.
        own_data: whether each seed has data of its own.
        by_epoch: whether to bring the data an epoch at a time.
    """

    def __init__(
        self,
        batches: Batches,
        data: Any,
        layout: Layout,
        *,
        own_data: bool = False,
        by_epoch: bool | None = None,
    ) -> None:
        self._batches = batches
        self._layout = layout
        if by_epoch is None:
            by_epoch = jax.process_count() > 1
        self._by_epoch = by_epoch and not (batches.rows_stay or own_data)
        self._seed_axis = 0 if own_data or self._by_epoch else None
        if self._by_epoch:
            self._data = jax.tree.map(np.asarray, data)
        else:
            rows = (ROWS,) if batches.rows_stay else ()
            axes = (SEEDS, *rows) if own_data and layout.num_seeds > 1 else rows
            self._data = layout.put(data, layout.sharding(*axes))

    def epoch(self, plan: jax.Array) -> Any:
        """The data to `take` the batches of an epoch from, which has this plan."""
        if not self._by_epoch:
            return self._data
        rows = np.maximum(np.asarray(plan), 0)
        sharding = self._layout.of_seeds(None, ROWS)

        def gather(a: np.ndarray) -> jax.Array:
            shape = (*rows.shape, *a.shape[1:])

            def read(share: Any) -> np.ndarray:
                return a[rows[share[: rows.ndim]]]

            return jax.make_array_from_callback(shape, sharding, read)

        return jax.tree.map(gather, self._data)

    def take(self, data: Any, plan: jax.Array, step: jax.Array) -> tuple[Any, jax.Array, jax.Array]:
        """The batch of a step of the epoch; within a program.

        Args:
            data: from `epoch`.
            plan: of the epoch.
            step: counted from the beginning of the epoch.

        Returns:
            The batch, its rows' weights, and whether the recurrent state begins anew with it, of
            each seed.
        """
        take = functools.partial(self._take, step)
        if self._layout.num_seeds > 1:
            # Not one seed after the other, which would copy the data and the plan of each.
            take = jax.vmap(take, in_axes=(self._seed_axis, 0), spmd_axis_name=SEEDS)
        return take(data, plan)

    def _take(
        self, step: jax.Array, data: Any, plan: jax.Array
    ) -> tuple[Any, jax.Array, jax.Array]:
        entry = plan[step]
        if self._by_epoch:
            batch = jax.tree.map(lambda a: a[step], data)
        else:
            batch = self._batches.take(data, entry)
        batch, weights = self._layout.split_rows((batch, self._batches.weights(entry)))
        return batch, weights, jnp.asarray(self._batches.starts_anew(entry))
