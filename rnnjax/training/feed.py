"""How the training data come to the devices."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

from rnnjax.training.batches import Batches
from rnnjax.training.layout import ROWS, SEEDS, Layout


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
        # By which axes of its arguments a function of the data is mapped over seeds.
        self.seed_axis = 0 if own_data or self._by_epoch else None
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

    def take(self, data: Any, plan: jax.Array, step: jax.Array) -> tuple[Any, jax.Array]:
        """The batch of a step of the epoch, and its rows' weights; within a program, of one seed.

        Args:
            data: from `epoch`.
            plan: of the epoch.
            step: counted from the beginning of the epoch.
        """
        if self._by_epoch:
            batch = jax.tree.map(lambda a: a[step], data)
        else:
            batch = self._batches.take(data, plan[step])
        return self._layout.split_rows((batch, self._batches.weights(plan[step])))
