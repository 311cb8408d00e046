"""Cells that are linear in their state, one per file."""

from __future__ import annotations

from rnnjax.cells.linear.lru import LRU, LRUCarry, LRUParams
from rnnjax.cells.linear.min_gru import MinGRU, MinGRUCarry, MinGRUParams
from rnnjax.cells.linear.min_lstm import MinLSTM, MinLSTMCarry, MinLSTMParams
from rnnjax.cells.linear.rg_lru import RGLRU, RGLRUCarry, RGLRUParams

__all__ = [
    "LRU",
    "RGLRU",
    "LRUCarry",
    "LRUParams",
    "MinGRU",
    "MinGRUCarry",
    "MinGRUParams",
    "MinLSTM",
    "MinLSTMCarry",
    "MinLSTMParams",
    "RGLRUCarry",
    "RGLRUParams",
]
