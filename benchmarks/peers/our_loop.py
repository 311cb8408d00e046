"""rnnjax's own training loop, which takes many steps as one program."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.peers.jax_program import ADAM, JaxProgram, name_leaves
from rnnjax.devices.layout import Layout
from rnnjax.training.loop import Trainer, init_state


class SameBatch:
    """One batch, again and again, as on every side."""

    steps_per_epoch = 4096
    rows_stay = True

    def __init__(self, size: int) -> None:
        self._size = size

    def plan(self, key: jax.Array, epoch: jax.Array) -> jax.Array:
        del key, epoch
        return jnp.zeros(self.steps_per_epoch, jnp.int32)

    def take(self, data: Any, entry: jax.Array) -> Any:
        del entry
        return data

    def weights(self, entry: jax.Array) -> jax.Array:
        del entry
        return jnp.ones(self._size)

    def starts_anew(self, entry: jax.Array) -> bool:
        del entry
        return True


class LoopTraining(JaxProgram):
    """Loss, gradient and an update, given ``losses(params, batch)`` of each row."""

    def __init__(
        self,
        losses: Callable[..., Any],
        params: Any,
        batch: Any,
        layout: Layout,
        optimizer: Any = ADAM,
    ) -> None:
        self._first, self._losses, self._batch = params, losses, batch

        def loss(params: Any, carry: Any, batch: Any, key: jax.Array) -> tuple[jax.Array, Any]:
            del key
            return losses(params, batch), carry

        self._trainer = Trainer(
            loss,
            optimizer,
            SameBatch(len(batch[0])),
            self._batch,
            jax.random.key(0),
            layout=layout,
        )
        self._state = init_state(params, optimizer, layout=layout)
        self._done = 0

    def run(self) -> Any:
        return self.run_many(1)

    def run_many(self, count: int) -> Any:
        """So many steps; the last one's loss."""
        self._done += count
        last = np.nan
        for state, chunk in self._trainer.run(self._state, self._done):
            self._state, last = state, chunk.losses[-1]
        return last

    def gradients(self) -> dict[str, np.ndarray]:
        gradient = jax.grad(lambda params: self._losses(params, self._batch).mean())
        return name_leaves(jax.jit(gradient)(self._first))
