"""Linear cells beside loops in NumPy, each written from its paper; one list per file of loops."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from rnnjax.linear_cell import LinearCell


class Case(NamedTuple):
    """A cell and its equations."""

    name: str
    cell: LinearCell
    loop: Callable[[Any, Any, np.ndarray, Any], tuple[tuple[np.ndarray, ...], list[np.ndarray]]]
    """``loop(cell, params, xs [T, B, D], carry)``: the fields of the final carry, and all y."""


def sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def softplus(x: Any) -> Any:
    return np.logaddexp(0, x)


def silu(x: Any) -> Any:
    return x * sigmoid(x)
