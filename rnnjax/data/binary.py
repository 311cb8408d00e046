"""The binary sequence: random bits whose target obeys a rule a fixed number of steps back.

How to read the loss of this task. A predictor that knows nothing pays ln 2 = 0.6931 nats per
position. One that knows the two deciding bits is certain at half of the positions and tosses a
coin at the others: 0.5 ln 2 = 0.3466 nats. Accuracy says less, because the newer of the two bits
alone already gives the full 0.75, at a loss of 0.5623: watch the loss, not the accuracy.

The network reads ``x[t]`` at step t and predicts ``y[t]``, which never depends on ``x[t]`` itself.
With ``lag`` 1 the deciding bits are the two just before t: three of the five positions of a window
of 5 steps have both inside it, and the recurrent weights learnt there serve the other two through
the carried state. With a lag of 5 or more, no position has a deciding bit inside its own window,
and a gradient cut at the window never sees one. The carried state still holds a fading echo of
them, though, which on occasion takes SimpleRNN(6) to 0.63 at lag 6; at lag 10 it stays above 0.68.
"""

from __future__ import annotations

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

# P(y = 1) by context, which is 2 * (older bit) + (newer bit): 00, 01, 10, 11.
_PROBABILITIES = (1.0, 0.5, 0.5, 0.0)
_NO_CONTEXT = -1


class Limit(NamedTuple):
    """What the best possible predictor reaches, on average over positions.

    Attributes:
        cross_entropy: Loss in nats.
        accuracy: Share of positions predicted correctly.
    """

    cross_entropy: float
    accuracy: float


def context_probabilities() -> np.ndarray:
    """True probability that the target is 1 in each of the four contexts.

    Returns:
        ``[4]``, float64, indexed as `contexts` counts: the deciding bits 00, 01, 10, 11, the
        older one first.

    >>> context_probabilities().tolist()
    [1.0, 0.5, 0.5, 0.0]
    """
    return np.array(_PROBABILITIES)


def generate(key: jax.Array, length: int = 500_000, lag: int = 1) -> tuple[jax.Array, jax.Array]:
    """Draws fair random bits and the targets that follow from them.

    The target ``y[t]`` is 1 where ``x[t-lag-1]`` and ``x[t-lag]`` are both 0, 0 where both are 1,
    and a fair coin otherwise. It is a fair coin at the first ``lag + 1`` positions too: the rule
    would look at bits before the start of the data there.

    Args:
        key: A key; equal keys give equal data. Held-out data come from a different key.
        length: Number of bits, more than ``lag + 1``.
        lag: Steps from the newer deciding bit to the target, at least 1.

    Returns:
        The bits ``x`` and the targets ``y``, both ``[length]``, int8, each 0 or 1.

    Raises:
        ValueError: For a lag below 1, or a length which leaves no position to the rule.

    >>> x, y = generate(jax.random.key(0), length=1000)
    >>> both_one = (x[:-2] == 1) & (x[1:-1] == 1)
    >>> int(y[2:][both_one].max())
    0
    """
    _check_lag(lag)
    if length <= lag + 1:
        raise ValueError(
            f"length is {length}, but with lag {lag} the rule starts at position {lag + 1}: "
            f"ask for at least {lag + 2} bits."
        )
    return _generate(key, length, lag)


@functools.partial(jax.jit, static_argnames=("length", "lag"))
def _generate(key: jax.Array, length: int, lag: int) -> tuple[jax.Array, jax.Array]:
    bits_key, coin_key = jax.random.split(key)
    x = jax.random.bernoulli(bits_key, shape=(length,)).astype(jnp.int8)
    # The last entry answers for _NO_CONTEXT.
    probabilities = jnp.array([*_PROBABILITIES, 0.5])[contexts(x, lag)]
    return x, jax.random.bernoulli(coin_key, probabilities).astype(jnp.int8)


def contexts(x: ArrayLike, lag: int = 1) -> jax.Array:
    """Says for each position which of the four contexts decides its target.

    Args:
        x: Bits, ``[..., T]``. Given the whole sequence, the contexts are those that made the
            targets; given `rows` of it, they are those that a network which starts every row
            with an empty carry can know.
        lag: As in `generate`.

    Returns:
        ``[..., T]``, int8: ``2 * x[t-lag-1] + x[t-lag]``, and -1 at the first ``lag + 1``
        positions, which have no context.

    Raises:
        ValueError: For a lag below 1.

    >>> contexts(np.array([0, 0, 1, 1, 0])).tolist()
    [-1, -1, 0, 1, 3]
    """
    _check_lag(lag)
    x = jnp.asarray(x, jnp.int8)
    seen = (2 * x[..., :-1] + x[..., 1:])[..., : max(0, x.shape[-1] - lag - 1)]
    missing = x.shape[-1] - seen.shape[-1]
    before = [(0, 0)] * (x.ndim - 1)
    return jnp.pad(seen, [*before, (missing, 0)], constant_values=_NO_CONTEXT)


def rows(x: ArrayLike, y: ArrayLike, row_length: int = 2_000) -> tuple[jax.Array, jax.Array]:
    """Cuts the sequence into rows of consecutive bits, to be read side by side.

    Args:
        x: Bits, ``[B * T]``.
        y: Targets, ``[B * T]``.
        row_length: T, the number of consecutive bits in a row; it divides the length of the data.

    Returns:
        Bits and targets, batch-major, ``[B, T]``: row 1 goes on where row 0 ends.

    Raises:
        ValueError: If the rows would not use all the bits, or x and y differ in shape.

    >>> x_rows, _ = rows([0, 1, 1, 0, 0, 0], [1, 0, 0, 1, 0, 1], row_length=3)
    >>> x_rows.tolist()
    [[0, 1, 1], [0, 0, 0]]
    """
    x, y = jnp.asarray(x), jnp.asarray(y)
    if x.ndim != 1 or x.shape != y.shape:
        raise ValueError(
            f"x and y have shapes {x.shape} and {y.shape}: pass the two sequences of `generate`."
        )
    if row_length < 1 or x.size % row_length:
        raise ValueError(
            f"row_length is {row_length}, which does not divide the {x.size} bits evenly: "
            f"choose a divisor of {x.size}."
        )
    return x.reshape(-1, row_length), y.reshape(-1, row_length)


def bayes_limit(
    lag: int = 1, *, visible: int | None = None, row_length: int | None = None
) -> Limit:
    """Loss and accuracy of the best possible predictor, by enumeration of the contexts.

    Args:
        lag: As in `generate`.
        visible: How many bits the predictor knows at step t, counted back from ``x[t]``, which
            is the first of them; None for all. A network with its state reset every k steps
            knows between 1 and k.
        row_length: Steps after which the predictor forgets everything, as a network does that
            starts each of the `rows` with an empty carry; None for never.

    Returns:
        The limit: (0.3466, 0.75) where both deciding bits are known, (0.6931, 0.5) where neither
        is, and in between for the first ``lag + 1`` positions of a row.

    Raises:
        ValueError: For a lag below 1, or a negative number of visible bits, or an empty row.

    >>> bayes_limit(lag=1)
    Limit(cross_entropy=0.34657359027997264, accuracy=0.75)
    >>> bayes_limit(lag=6, visible=5)
    Limit(cross_entropy=0.6931471805599453, accuracy=0.5)
    """
    _check_lag(lag)
    if visible is not None and visible < 0:
        raise ValueError(f"visible is {visible}: give a number of bits, 0 or more, or None.")
    if row_length is not None and row_length < 1:
        raise ValueError(f"row_length is {row_length}: give a number of steps, 1 or more, or None.")
    # Without rows every position is alike, and far enough from the start to know all.
    known = np.array([lag + 2]) if row_length is None else 1 + np.arange(row_length)
    if visible is not None:
        known = np.minimum(known, visible)
    return _limit(_predictions_by_known_bits()[np.clip(known - lag, 0, 2)])


def limits(lag: int) -> dict[str, float]:
    """What the best possible predictor reaches, as it stands in the result of a run."""
    limit = bayes_limit(lag)
    return {"bayes_loss": limit.cross_entropy, "bayes_accuracy": limit.accuracy}


def limits_line(lag: int) -> str:
    """What there is to be known of the targets, in a line."""
    limit = bayes_limit(lag)
    return (
        f"limits   knowing the rule: loss {limit.cross_entropy:.4f}, accuracy {limit.accuracy:.2f};"
        f" knowing nothing: loss {np.log(2):.4f}, accuracy 0.50"
    )


def best_predictions(x: ArrayLike, lag: int = 1) -> np.ndarray:
    """The best possible predictor itself: P(y = 1), given the bits of the row so far.

    Args:
        x: Bits, ``[..., T]``; nothing is known of what came before the first.
        lag: As in `generate`.

    Returns:
        ``[..., T]``, float64. A position of which only the newer deciding bit lies in the row is
        predicted from that bit.

    Raises:
        ValueError: For a lag below 1.

    >>> best_predictions(np.array([0, 1, 1, 0, 1])).tolist()
    [0.5, 0.75, 0.5, 0.0, 0.5]
    """
    _check_lag(lag)
    x = np.asarray(x)
    # A bit before the row may be given any value: the table ignores those that are not known.
    bits = np.concatenate([np.zeros((*x.shape[:-1], lag + 1), np.int64), x], axis=-1)
    length = x.shape[-1]
    context = 2 * bits[..., :length] + bits[..., 1 : length + 1]
    known = np.clip(1 + np.arange(length) - lag, 0, 2)
    return _predictions_by_known_bits()[known, context]


def data_limit(x: ArrayLike, lag: int = 1) -> Limit:
    """Loss and accuracy of the best possible predictor on these very bits.

    Where `bayes_limit` is the mean over all sequences, this is the mean over the positions of
    one: it differs by the luck of the draw, about 0.0005 nats for 500,000 bits. Only the coins
    of the targets are still averaged over.

    Args:
        x: Bits, ``[..., T]``, whole or as `rows`.
        lag: As in `generate`.

    Returns:
        The limit.

    Raises:
        ValueError: For a lag below 1, or no bits.

    >>> data_limit(np.array([0, 0, 0, 1, 1])).accuracy
    0.75
    """
    if np.size(x) == 0:
        raise ValueError("There are no bits to take the limit of: pass the x of `generate`.")
    return _limit(best_predictions(x, lag))


def _predictions_by_known_bits() -> np.ndarray:
    """P(y = 1) as ``[number of deciding bits known, context]``; unknown bits are averaged out."""
    by_older_and_newer = context_probabilities().reshape(2, 2)
    newer_known = by_older_and_newer.mean(axis=0, keepdims=True)
    tables = (newer_known.mean(), newer_known, by_older_and_newer)
    return np.stack([np.broadcast_to(table, (2, 2)).ravel() for table in tables])


def _limit(predictions: np.ndarray) -> Limit:
    outcomes = np.stack([predictions, 1 - predictions])
    entropy = -np.sum(outcomes * np.log(np.where(outcomes > 0, outcomes, 1)), axis=0)
    return Limit(float(entropy.mean()), float(outcomes.max(axis=0).mean()))


def _check_lag(lag: int) -> None:
    if lag < 1:
        raise ValueError(f"lag is {lag}: the rule looks back, so give 1 or more.")
