"""Cells that are not updated at every step, one per file."""

from __future__ import annotations

from types import MappingProxyType

from rnnjax.cell import Cell

CELLS: MappingProxyType[str, type[Cell]] = MappingProxyType({})
"""Those that need but two sizes, by their names."""

__all__: list[str] = []
