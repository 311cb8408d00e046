"""Gated cells, one per file."""

from __future__ import annotations

from types import MappingProxyType

from rnnjax.cell import Cell
from rnnjax.cells.gated.cifg_lstm import CIFGLSTM
from rnnjax.cells.gated.mgu import MGU

CELLS: MappingProxyType[str, type[Cell]] = MappingProxyType(
    {
        "cifg_lstm": CIFGLSTM,
        "mgu": MGU,
    }
)
"""Those that need but two sizes, by their names."""

__all__ = ["CIFGLSTM", "MGU"]
