r"""Means and differences over seeds, with the interval that so few numbers allow.

A percentile bootstrap of the mean is too narrow for few numbers: it takes the spread of the sample
for that of the population, and can't leave the range of what was seen. Two corrections are made.

- From six numbers on, the percentiles of the resampled means are moved outwards until, for a normal
  sample, they lie where Student's t has them. With n numbers and the quantile t of n - 1 degrees of
  freedom, the tail that is cut off each side is

  .. math:: \alpha' = \Phi(-\sqrt{n / (n - 1)}\; t_{1 - \alpha / 2,\, n - 1})

- Two to five numbers have so few resamples that their range, the widest interval a bootstrap can
  give, holds the mean with a chance of :math:`1 - 2^{1 - n}` only: 0.5 for two, 0.94 for five.
  There the interval is Student's, which assumes that seeds differ normally. It is wide for two, and
  rightly so.

One number has no interval.

Source: T. Hesterberg, "What teachers should know about the bootstrap", The American Statistician 69
(2015), 371-386, arXiv:1411.5279 (the expanded percentile interval).
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np

FEWEST = 6
"""Of fewer numbers the range holds the mean with a chance below 0.95, so nothing is resampled."""

RESAMPLES = 10_000


@dataclasses.dataclass(frozen=True)
class Estimate:
    """A mean over seeds, and how far it can be trusted.

    Attributes:
        value: the mean; NaN or infinite where one of the values is.
        low: the interval's lower end; None where there is no interval.
        high: its upper end.
        values: what it is the mean of, one number for each seed.
        method: "bootstrap", "t" or "none".
        level: of confidence.
    """

    value: float
    low: float | None
    high: float | None
    values: tuple[float, ...]
    method: str
    level: float = 0.95

    @property
    def has_interval(self) -> bool:
        """Whether there are enough numbers, all of them finite, for an interval."""
        return self.low is not None

    def excludes(self, value: float) -> bool:
        """Whether the interval leaves out a value; no without an interval.

        >>> mean_over_seeds([0.91, 0.93, 0.92]).excludes(0.8)
        True
        >>> mean_over_seeds([0.91]).excludes(0.8)
        False
        """
        if self.low is None or self.high is None:
            return False
        return not self.low <= value <= self.high

    def text(self, digits: int = 4, scale: float = 1.0, sign: bool = False) -> str:
        """The mean and its interval, for a table or a sentence.

        Args:
            digits: after the point.
            scale: what everything is multiplied by, such as 100 for percent.
            sign: whether positive numbers have one, as differences do.

        >>> mean_over_seeds([1.0, 3.0]).text(1)
        '2.0 [-10.7, 14.7]'
        >>> mean_over_seeds([1.0]).text(1, sign=True)
        '+1.0'
        """

        def show(x: float) -> str:
            return f"{x * scale:{'+' if sign else ''}.{digits}f}"

        if self.low is None or self.high is None:
            return show(self.value)
        return f"{show(self.value)} [{show(self.low)}, {show(self.high)}]"

    @property
    def caveat(self) -> str:
        """What has to be said beside the interval, as a phrase; empty from six seeds on.

        >>> mean_over_seeds([1.0]).caveat
        'one seed: no interval'
        """
        count = len(self.values)
        if not np.isfinite(self.values).all():
            lost = count - int(np.isfinite(self.values).sum())
            return f"{lost} of {count} values not finite: no interval"
        if count == 1:
            return "one seed: no interval"
        if self.method == "t":
            return f"only {count} seeds: Student's interval, which assumes that they vary normally"
        return ""


def mean_over_seeds(
    values: Any,
    level: float = 0.95,
    *,
    bounds: tuple[float, float] = (-math.inf, math.inf),
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Estimate:
    """The mean of one number per seed, with its interval.

    Args:
        values: ``[S]``; one that is not finite makes the mean so and leaves no interval, because a
            run that diverged is a result too.
        level: of confidence, two-sided.
        bounds: what the mean can't leave, such as (0, 1) for an accuracy; nor does the interval.
        resamples: of the bootstrap.
        seed: of the resampling, so that the same numbers have the same interval.

    Raises:
        ValueError: there is no value, or they are not a list of numbers.
    """
    values = np.asarray(values, np.float64)
    if values.ndim != 1 or not values.size:
        raise ValueError(
            f"Expected one number for each seed, a list that is not empty; got the shape "
            f"{values.shape}."
        )
    numbers, count = tuple(values.tolist()), values.size
    mean = float(values.mean())
    if count == 1 or not np.isfinite(values).all():
        return Estimate(mean, None, None, numbers, "none", level)
    from scipy import special  # when it is needed: it takes a while, and training may come first

    quantile = float(special.stdtrit(count - 1, (1 + level) / 2))
    if count < FEWEST:
        half = quantile * float(values.std(ddof=1)) / math.sqrt(count)
        low, high = max(mean - half, bounds[0]), min(mean + half, bounds[1])
        return Estimate(mean, low, high, numbers, "t", level)
    tail = float(special.ndtr(-math.sqrt(count / (count - 1)) * quantile))
    chosen = np.random.default_rng(seed).integers(0, count, (resamples, count))
    low, high = np.quantile(values[chosen].mean(axis=1), [tail, 1 - tail])
    return Estimate(mean, float(low), float(high), numbers, "bootstrap", level)


def paired_difference(
    values: Any,
    reference: Any,
    level: float = 0.95,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Estimate:
    """The mean over seeds of values minus reference, each seed with itself.

    What a seed decides for both sides alike (the order of the batches, say) drops out.

    Args:
        values: ``[S]``.
        reference: ``[S]``, of the same seeds in the same order.
        level: as for `mean_over_seeds`, and so are the others.
        resamples: as there.
        seed: as there.

    Raises:
        ValueError: there are not as many values as references.

    >>> paired_difference([0.95, 0.90, 0.99], [0.94, 0.89, 0.98]).text(2, sign=True)
    '+0.01 [+0.01, +0.01]'
    """
    values, reference = np.asarray(values, np.float64), np.asarray(reference, np.float64)
    if values.shape != reference.shape:
        raise ValueError(
            f"Expected the same seeds on both sides, but there are values of the shapes "
            f"{values.shape} and {reference.shape}."
        )
    # Of two runs that diverged alike the difference is no number, and nothing to warn of.
    with np.errstate(invalid="ignore"):
        difference = values - reference
    return mean_over_seeds(difference, level, resamples=resamples, seed=seed)
