"""Sentences that several questions need."""

from __future__ import annotations

from collections.abc import Iterable

from rnnjax.analysis.bootstrap import Estimate


def caveats(estimates: Iterable[Estimate]) -> list[str]:
    """What has to be said of the intervals, each once: how few seeds they rest on."""
    found = dict.fromkeys(estimate.caveat for estimate in estimates if estimate.caveat)
    return [f"Of the uncertainty: {caveat}." for caveat in found]
