r"""Made-up tasks that ask how far back a recurrent network remembers.

Each has an answer that needs no memory, whose score is known exactly (`without_memory`): what
stays there has remembered nothing.

- Adding: two numbers of a long row are marked; their sum is asked after the last step. Who
  answers 1 always, has the variance of the sum, 1/6. (S. Hochreiter, J. Schmidhuber, "Long
  short-term memory", Neural Computation 9, 1997, section 5.4; with numbers from 0 to 1 and one
  mark in each half as in M. Arjovsky, A. Shah, Y. Bengio, "Unitary evolution recurrent neural
  networks", ICML 2016, arXiv:1511.06464.)
- Copying: K symbols come first, then blanks, then a sign; after it the symbols are to be said.
  Who knows where he is but not what was there, pays ln 8 for each symbol, K ln 8 / (L + 2 K) per
  step. (The same two papers; S. Hochreiter, J. Schmidhuber, experiment 4.)
- Parity: whether the ones so far are odd in number, after every bit. Without all of them it is a
  coin. Recurrences that are linear in the state with factors from 0 to 1 cannot count so, whatever
  their size. (R. Grazzi et al., "Unlocking state-tracking in linear RNNs through negative
  eigenvalues", ICLR 2025, arXiv:2411.12537.)
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

TASKS = ("adding", "copy", "parity")
"""The names of the tasks that are made up."""

NUM_SYMBOLS = 8
"""Kinds of symbols to be copied, 1 to 8."""
NUM_COPIED = 10
"""K, symbols in a row to be copied."""
BLANK, SIGN = 0, NUM_SYMBOLS + 1
"""What stands between the symbols and the copy, and what asks for it."""

NEAR = 0.04
"""A sum that is off by less counts as right, as in the paper of 1997."""


class Examples(NamedTuple):
    """Inputs and targets of one task, N rows each."""

    inputs: np.ndarray
    """Adding float32 ``[N, T, 2]``, numbers and marks; copying int8 ``[N, L + 2 K]``; parity int8
    ``[N, T]``."""
    targets: np.ndarray
    """Adding float32 ``[N]``; copying int32 ``[N, L + 2 K]``; parity int32 ``[N, T]``."""


def make(
    task: str, rng: np.random.Generator, number: int, length: int, shortest: int | None = None
) -> Examples:
    """Draws examples of a task.

    Args:
        task: one of `TASKS`.
        rng: what is drawn from.
        number: N.
        length: T; of copying L, the blanks.
        shortest: as of `adding`, the only task that has it.

    Raises:
        ValueError: the task is unknown, or the length too small for it.
    """
    makers = {"adding": adding, "copy": copying, "parity": parity}
    if task not in makers:
        raise ValueError(f"There is no task {task!r}; take one of {', '.join(TASKS)}.")
    if shortest is not None:
        return adding(rng, number, length, shortest)
    return makers[task](rng, number, length)


def adding(
    rng: np.random.Generator, number: int, length: int, shortest: int | None = None
) -> Examples:
    r"""Numbers of which two are marked, and the sum of these.

    .. math:: v_t \sim U(0, 1), \qquad y = v_i + v_j, \quad i < \lfloor T / 2 \rfloor \le j < T

    with i and j uniform. Inputs are the pairs of :math:`v_t` and the mark, 1 at i and j.

    Args:
        rng: what is drawn from.
        number: N.
        length: T, at least 2.
        shortest: where given, every second sequence has another length, from this one to T at
            equal ratios, with zeros in front, so that there are easy ones to begin with.

    Raises:
        ValueError: a length is less, or the shortest more than T.

    >>> xs, ys = adding(np.random.default_rng(0), 3, 10)
    >>> bool(np.allclose((xs[..., 0] * xs[..., 1]).sum(axis=1), ys))
    True
    """
    _check_length(length, 2)
    rows, begin = np.arange(number), np.zeros(number, np.int64)
    if shortest is not None:
        _check_length(shortest, 2)
        _check_length(length, shortest)
        own = np.exp(rng.uniform(np.log(shortest), np.log(length + 1), number))
        begin = length - np.clip(own.astype(np.int64), shortest, length)
        begin[1::2] = 0
    half = begin + (length - begin) // 2
    values = rng.random((number, length), np.float32)
    values[np.arange(length) < begin[:, None]] = 0
    first, second = rng.integers(begin, half), rng.integers(half, length)
    marks = np.zeros_like(values)
    marks[rows, first] = marks[rows, second] = 1
    return Examples(np.stack((values, marks), axis=-1), values[rows, first] + values[rows, second])


def copying(rng: np.random.Generator, number: int, length: int) -> Examples:
    """Symbols to be said again after a while.

    Inputs are K symbols, L blanks, the sign, K - 1 blanks; targets L + K blanks and the symbols.

    Args:
        rng: what is drawn from.
        number: N.
        length: L, at least 1.

    Raises:
        ValueError: the length is less.

    >>> xs, ys = copying(np.random.default_rng(0), 1, 2)
    >>> xs[0, 10:].tolist(), ys[0, :12].tolist()
    ([0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])
    >>> (xs[0, :10] == ys[0, 12:]).all()
    np.True_
    """
    _check_length(length, 1)
    symbols = rng.integers(1, NUM_SYMBOLS + 1, (number, NUM_COPIED))
    inputs = np.full((number, length + 2 * NUM_COPIED), BLANK, np.int8)
    targets = np.full(inputs.shape, BLANK, np.int32)
    inputs[:, :NUM_COPIED] = symbols
    inputs[:, NUM_COPIED + length] = SIGN
    targets[:, -NUM_COPIED:] = symbols
    return Examples(inputs, targets)


def parity(rng: np.random.Generator, number: int, length: int) -> Examples:
    r"""Bits, and after each whether the ones so far are odd in number.

    .. math:: y_t = x_1 \oplus \ldots \oplus x_t

    Args:
        rng: what is drawn from.
        number: N.
        length: T, at least 1.

    Raises:
        ValueError: the length is less.

    >>> xs, ys = parity(np.random.default_rng(0), 1, 5)
    >>> bool((ys[0, 1:] == (ys[0, :-1] ^ xs[0, 1:])).all()), bool(ys[0, 0] == xs[0, 0])
    (True, True)
    """
    _check_length(length, 1)
    bits = rng.integers(0, 2, (number, length), np.int8)
    return Examples(bits, (np.cumsum(bits, axis=1, dtype=np.int32) % 2))


def _check_length(length: int, least: int) -> None:
    if length < least:
        raise ValueError(f"length is {length}; this task needs at least {least}.")


def without_memory(task: str, length: int) -> dict[str, dict[str, float]]:
    """Expected test loss and accuracy of the best answer that needs no memory, by its name.

    Args:
        task: one of `TASKS`.
        length: as of `make`.

    >>> without_memory("adding", 600)["always 1"]["test_loss"]
    0.16666666666666666
    >>> round(without_memory("copy", 1000)["no memory"]["test_loss"], 4)
    0.0204
    """
    if task == "adding":
        # The sum has a triangular density, 1 at its middle and falling by 1 for each 1.
        within = 2 * NEAR - NEAR**2
        return {"always 1": {"test_loss": 1 / 6, "test_accuracy": within}}
    if task == "copy":
        loss = NUM_COPIED * math.log(NUM_SYMBOLS) / (length + 2 * NUM_COPIED)
        return {"no memory": {"test_loss": loss, "test_accuracy": 1 / NUM_SYMBOLS}}
    return {"a coin": {"test_loss": math.log(2), "test_accuracy": 0.5}}
