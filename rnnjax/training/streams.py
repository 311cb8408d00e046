"""How well each symbol of a long stream is predicted, the state carried from its beginning."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from jax import lax

from rnnjax.devices.layout import Layout
from rnnjax.unrolling.rows import ROWS

Losses = Callable[[Any, Any, jax.Array, jax.Array], tuple[Any, jax.Array]]
"""``losses(params, carry, inputs, targets)``, of symbols ``[B, T]``: the carry, and ``[B, T]``, or
several numbers of each symbol ``[B, T, ...]``."""

WINDOW = 100
"""Steps at a time: few enough that their logits stay small, many enough to be worth a start."""


class StreamReader:
    """The loss of every symbol of a stream but the first, given all symbols before it.

    Read in several rows side by side, it goes faster by as much: each but the first begins with
    the last symbols before it, from the initial state, so that what lies further back than these
    is forgotten at its beginning. One row is exact.

    Args:
        losses: of a piece of the stream.
        stream: int ``[N]``.
        first_carry: ``first_carry(rows)``: the state that a row begins with.
        rows: how many are read side by side.
        warm_up: how many symbols each of them reads before those that count.
        layout: of seeds and rows over devices; one device by default.
        window: steps at a time, where it matters which.
    """

    def __init__(
        self,
        losses: Losses,
        stream: np.ndarray,
        first_carry: Callable[[int], Any],
        *,
        rows: int = 1,
        warm_up: int = WINDOW,
        layout: Layout | None = None,
        window: int | None = None,
    ) -> None:
        self._layout = layout = layout or Layout.single()
        self._count = len(stream) - 1
        rows = max(1, min(rows, self._count))
        length = math.ceil(self._count / rows)
        self._window = window or min(WINDOW, length)
        length = math.ceil(length / self._window) * self._window
        filled = np.pad(stream, (0, rows * length + 1 - len(stream)), mode="edge")
        begin = np.arange(rows)[:, None] * length
        places = begin + np.arange(length)
        before = np.maximum(begin - warm_up + np.arange(warm_up), 0)
        self._rows, self._first_carry = rows, first_carry
        self._losses = layout.in_use(losses)
        self._warm_up = rows > 1 and warm_up > 0
        shared = layout.sharding(*([ROWS] if rows % layout.num_shares == 0 else []))
        pieces = {
            "before": (filled[before], filled[before + 1]),
            "counted": (filled[places], filled[places + 1]),
        }
        self._pieces = layout.put(pieces, shared)
        self._run = jax.jit(
            layout.over_seeds(self._read, in_axes=(0, None)), out_shardings=layout.sharding()
        )
        self._last: tuple[Any, jax.Array] | None = None

    def __call__(self, params: Any) -> jax.Array:
        """The losses in nats, in the order of the stream: ``[N - 1]``, or ``[S, N - 1]``.

        Behind these axes are those of the numbers that each symbol has, if it has several.
        """
        if self._last is None or self._last[0] is not params:
            # Done before anything else begins, for the reason that `Trainer.run` gives.
            self._last = params, jax.block_until_ready(self._run(params, self._pieces))
        return self._last[1]

    def _read(self, params: Any, pieces: Any) -> jax.Array:
        carry = self._first_carry(self._rows)
        if self._warm_up:
            warm, _ = self._losses(params, carry, *pieces["before"])
            # Before the first row there is nothing.
            carry = jax.tree.map(lambda w, first: w.at[0].set(first[0]), warm, carry)

        def windows(a: jax.Array) -> jax.Array:
            return a.reshape(self._rows, -1, self._window).swapaxes(0, 1)

        def read(carry: Any, window: Any) -> tuple[Any, jax.Array]:
            return self._losses(params, carry, *window)

        _, losses = lax.scan(read, carry, jax.tree.map(windows, pieces["counted"]))
        return losses.swapaxes(0, 1).reshape(-1, *losses.shape[3:])[: self._count]


def stream_metrics(losses: jax.Array | np.ndarray, prefix: str = "test") -> dict[str, np.ndarray]:
    """Mean loss in nats, bits and perplexity per symbol, as ``<prefix>_loss`` and so on.

    Args:
        losses: ``[N]``, or ``[S, N]`` for several seeds, each of which has a number then.
        prefix: of which data.

    >>> found = stream_metrics(np.log([2.0, 8.0]))
    >>> {name: round(float(value), 4) for name, value in found.items()}
    {'test_loss': 1.3863, 'test_bits': 2.0, 'test_perplexity': 4.0}
    """
    # A float32 sum of so many numbers would lose the last digits.
    mean = np.asarray(losses, np.float64).mean(axis=-1)
    # Of a network that has gone astray e to the loss would be more than a number can be.
    perplexity = np.exp(np.minimum(mean, 700.0))
    named = {"loss": mean, "bits": mean / math.log(2), "perplexity": perplexity}
    return {f"{prefix}_{name}": value for name, value in named.items()}


def as_rows(stream: np.ndarray, rows: int, window: int) -> tuple[np.ndarray, np.ndarray]:
    """A stream cut into rows of whole windows: inputs and targets ``[B, T]``, one symbol later.

    What is left over at the end is left out.

    Args:
        stream: int ``[N]``.
        rows: B.
        window: the length that T is a multiple of.

    Raises:
        ValueError: the stream is too short for a window in each row.

    >>> inputs, targets = as_rows(np.arange(10), rows=2, window=2)
    >>> inputs.tolist(), targets.tolist()
    ([[0, 1, 2, 3], [4, 5, 6, 7]], [[1, 2, 3, 4], [5, 6, 7, 8]])
    """
    length = (len(stream) - 1) // rows // window * window
    if length == 0:
        raise ValueError(
            f"{rows} rows of a window of {window} each are {rows * window:,} symbols, but there "
            f"are only {len(stream) - 1:,}; take fewer rows, or a shorter window."
        )
    inputs, targets = stream[: rows * length], stream[1 : rows * length + 1]
    return inputs.reshape(rows, length), targets.reshape(rows, length)
