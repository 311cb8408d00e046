"""Rows of random bits with targets to train and test on, and what n-grams make of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from rnnjax.data import binary

CONTEXTS = ("0 0", "0 1", "1 0", "1 1")
"""The two deciding bits, the older one first, as `binary.contexts` counts them."""

LONGEST_CONTEXT = 12
"""Bits of an n-gram at most: of longer ones a context comes too seldom to be counted."""


class Bits:
    """Training bits, and held-out ones from another key, as rows; the state begins anew in each.

    Args:
        lag: steps back to the newer of the two deciding bits.
        num_train: rows to train on.
        row_length: T.
        num_test: rows to test on.
        per_seed: ``per_seed(make)``: what `make` draws from a key, for the key of each seed.

    Attributes:
        train: bits and targets ``[B, T]``, or ``[S, B, T]`` for several seeds.
        test: likewise.
    """

    warning = None
    name = "bits"

    def __init__(
        self,
        lag: int,
        num_train: int,
        row_length: int,
        num_test: int,
        per_seed: Callable[[Callable[[jax.Array], Any]], Any],
    ) -> None:
        self.lag = lag
        self.origin = f"{num_train * row_length:,} random bits, a rule {lag} steps back"

        def rows(key: jax.Array, number: int) -> Any:
            bits = binary.generate(key, number * row_length, lag)
            return binary.rows(*bits, row_length=row_length)

        def train_and_test(key: jax.Array) -> Any:
            train_key, test_key = jax.random.split(key)
            return rows(train_key, num_train), rows(test_key, num_test)

        self.train, self.test = per_seed(train_and_test)

    def spread(self, ones: np.ndarray) -> np.ndarray:
        """Of predicted probabilities of a 1 the 10th percentile, mean and 90th, ``[4, 3]``.

        Args:
            ones: for every test bit, by which they are told apart into the four contexts.
        """
        contexts = np.asarray(binary.contexts(self.test[0], self.lag)).ravel()
        each = [ones.ravel()[contexts == context] for context in range(len(CONTEXTS))]
        return np.array(
            [[*np.percentile(p, [10]), p.mean(), *np.percentile(p, [90])] for p in each]
        )

    def ngram_metrics(self) -> dict[str, float]:
        """Test loss and accuracy of counting what followed on the last bits.

        As many of them as the rule needs, up to `LONGEST_CONTEXT`; each context's two targets
        begin with a count of one.
        """
        order = min(self.lag + 2, LONGEST_CONTEXT)
        counts = np.ones((2 ** (order + 1), 2))
        x, y = map(np.asarray, self.train)
        np.add.at(counts, (_last_bits(x, order).ravel(), y.ravel()), 1)
        x, y = map(np.asarray, self.test)
        predicted = (counts / counts.sum(axis=1, keepdims=True))[_last_bits(x, order)]
        of_target = np.take_along_axis(predicted, y[..., None].astype(int), axis=-1)
        return {
            "test_loss": float(-np.log(of_target).mean()),
            "test_accuracy": float(np.mean(predicted.argmax(axis=-1) == y)),
        }


def _last_bits(x: np.ndarray, order: int) -> np.ndarray:
    """A number for the last bits of a row at each step: so many, or all where there are fewer.

    >>> _last_bits(np.array([1, 0, 1]), 2).tolist()  # 1; 1 0; 0 1: a one in front of each
    [3, 6, 5]
    """
    numbers = np.ones(x.shape, np.int64)
    for back in range(min(order, x.shape[-1]) - 1, -1, -1):
        newer = numbers[..., back:]
        newer[...] = 2 * newer + x[..., : x.shape[-1] - back]
    return numbers
