"""Every layer of two sizes by its name, and which of them are linear in their state."""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType
from typing import Any

from rnnjax.cell import Layer
from rnnjax.cells import CELLS, linear, memory
from rnnjax.cells.linear import RGLRU


def _rg_lru(input_size: int, hidden_size: int, **options: Any) -> Layer:
    """One of as many units as inputs, which is all that there is."""
    if input_size != hidden_size:
        raise ValueError(
            f"rg_lru has as many units as inputs, not {input_size} inputs and {hidden_size} units; "
            "put it into residual blocks."
        )
    return RGLRU(input_size, **options)


LINEAR_LAYERS: MappingProxyType[str, Callable[..., Layer]] = MappingProxyType(
    {**linear.CELLS, **memory.CELLS, "rg_lru": _rg_lru}
)
"""Layers whose step is linear in their state, ``(input_size, hidden_size, **options)``."""

LAYERS: MappingProxyType[str, Callable[..., Layer]] = MappingProxyType({**CELLS, **LINEAR_LAYERS})
"""All, likewise."""
