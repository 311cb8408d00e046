"""Sentences that several questions need."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from rnnjax.analysis.bootstrap import Estimate


def caveats(estimates: Iterable[Estimate]) -> list[str]:
    """What has to be said of the intervals, each once: how few seeds they rest on."""
    found = dict.fromkeys(estimate.caveat for estimate in estimates if estimate.caveat)
    return [f"Of the uncertainty: {caveat}." for caveat in found]


def factor(logarithm: Estimate, base: float = math.e) -> str:
    """A factor with its interval, from those of its logarithm."""

    def show(exponent: float) -> str:
        with np.errstate(over="ignore"):
            value = float(np.power(base, exponent))
        return f"{value:.2f}" if 0.095 < value < 100 else f"{value:.2g}"

    if logarithm.low is None or logarithm.high is None:
        return show(logarithm.value)
    return f"{show(logarithm.value)} [{show(logarithm.low)}, {show(logarithm.high)}]"


def seed_by_seed(difference: Estimate, digits: int = 4) -> str:
    """A paired difference with its interval, and whether it is one at all."""
    return f"{difference.text(digits, sign=True)}, seed by seed{unless_clear(difference)}"


def unless_clear(difference: Estimate) -> str:
    """What has to be added where zero lies within the interval."""
    unclear = difference.has_interval and not difference.excludes(0)
    return ", which is no clear difference" * unclear
