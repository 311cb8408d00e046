"""The width at which a model has about as many parameters as another one."""

from __future__ import annotations

from collections.abc import Callable


def width_for_count(count: int, count_at: Callable[[int], int], *, limit: int = 2**16) -> int:
    """The width whose number of parameters comes nearest to a given one.

    Args:
        count: the wanted number of parameters.
        count_at: the number of parameters at a width; it must grow with the width.
        limit: the largest width to think of.

    Returns:
        A width from 1 to `limit`; of two that come equally near, the smaller one.

    Raises:
        ValueError: even the limit has too few parameters.

    >>> width_for_count(4_460, lambda h: h * (28 + h + 1) + 10 * (h + 1))  # a simple RNN
    50
    >>> width_for_count(4_460, lambda h: 3 * h * (28 + h + 2) + 10 * (h + 1))  # a GRU
    25
    """
    low, high = 1, 1
    while count_at(high) < count:
        if high >= limit:
            raise ValueError(
                f"A width of {limit:,} has {count_at(high):,} parameters, fewer than the "
                f"{count:,} that were wanted."
            )
        low, high = high, min(2 * high, limit)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if count_at(middle) < count else (low, middle)
    return low if count - count_at(low) <= count_at(high) - count else high
