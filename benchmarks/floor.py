"""The floor: how long the products alone would take at the rate that such products reach here.

A step of a recurrent layer multiplies ``[B, I]`` and ``[B, H]`` with the weights of its G gates,
2·G·B·H·(H+I) floating-point operations; the backward pass does twice as much again (the gradients
of the state and of the weights). So a training step takes 24·B·T·H·(H+I) for an LSTM (G = 4), 18
for a GRU and 6 for a simple RNN, a forward pass a third of that, and both directions twice.
Embedding, dense layers, everything elementwise and the optimiser are left out: the floor is what
the recurrence can't avoid. Those of language models, translation, drawing and tagging
are in packages of their own, as `benchmarks.language.floor`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.work import NUM_GATES, Row, Work


def operations(row: Row) -> int:
    """Floating-point operations of a row's matrix products."""
    if not isinstance(row.work, Work):
        return row.part("floor").operations(row)
    work = row.work
    steps = 1 if row.kind == "stream" else work.steps
    forward = 2 * NUM_GATES[work.cell] * work.batch * steps * work.hidden_size
    forward *= (work.hidden_size + work.input_size) * len(work.directions)
    return 3 * forward if row.kind == "train" else forward


def fraction(row: Row, seconds: float, chain_seconds: float) -> float:
    """The floor over the time taken: 1 is at the floor, 0.5 is twice its time."""
    rate = row.work.chained.operations / chain_seconds
    return operations(row) / rate / seconds


class Chain:
    """The row's `Chained` products in a loop, in JAX.

    The weights are G copies of Q / G with Q orthogonal, and the sum over the copies is the next
    state, so that no number grows or dies away however long the chain is. As many matrices as a
    step of the work has take as much memory, and as long to be read.
    """

    def __init__(self, row: Row) -> None:
        import jax
        import jax.numpy as jnp

        rows, size, copies, num_matrices, steps = row.work.chained
        rng = np.random.default_rng(0)
        all_q = [
            np.linalg.qr(rng.standard_normal((size, size)))[0] / copies for _ in range(num_matrices)
        ]
        weights = [jnp.asarray(np.tile(q, (1, copies)), "float32") for q in all_q]
        self._first = jnp.asarray(rng.standard_normal((rows, size)), "float32")

        def multiply(_: int, state: Any) -> Any:
            for each in weights:
                products = state @ each
                state = products.reshape(*state.shape[:-1], copies, size).sum(axis=-2)
            return state

        self._run = jax.jit(lambda state: jax.lax.fori_loop(0, steps, multiply, state))

    def run(self) -> Any:
        return self._run(self._first)

    def wait(self, result: Any) -> None:
        result.block_until_ready()
