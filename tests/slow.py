"""Which of many configurations the quick tests try."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

import pytest


def slow_but(quick: Collection[Any], values: Iterable[Any]) -> list[Any]:
    """Values for `pytest.mark.parametrize`, of which all but some are left to the slow tests."""
    marked = [v if v in quick else pytest.param(v, marks=pytest.mark.slow) for v in values]
    assert set(quick) <= set(values)
    return marked
