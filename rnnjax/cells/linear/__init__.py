"""Cells that are linear in their state, one per file."""

from __future__ import annotations

from rnnjax.cells.linear.ffm import FFM, FFMCarry, FFMParams
from rnnjax.cells.linear.legendre_memory import (
    LegendreMemory,
    LegendreMemoryCarry,
    LegendreMemoryParams,
)
from rnnjax.cells.linear.lru import LRU, LRUCarry, LRUParams
from rnnjax.cells.linear.min_gru import MinGRU, MinGRUCarry, MinGRUParams
from rnnjax.cells.linear.min_lstm import MinLSTM, MinLSTMCarry, MinLSTMParams
from rnnjax.cells.linear.rg_lru import RGLRU, RGLRUCarry, RGLRUParams
from rnnjax.cells.linear.s4d import S4D, S4DCarry, S4DParams
from rnnjax.cells.linear.s5 import S5, S5Carry, S5Params

__all__ = [
    "FFM",
    "LRU",
    "RGLRU",
    "S4D",
    "S5",
    "FFMCarry",
    "FFMParams",
    "LRUCarry",
    "LRUParams",
    "LegendreMemory",
    "LegendreMemoryCarry",
    "LegendreMemoryParams",
    "MinGRU",
    "MinGRUCarry",
    "MinGRUParams",
    "MinLSTM",
    "MinLSTMCarry",
    "MinLSTMParams",
    "RGLRUCarry",
    "RGLRUParams",
    "S4DCarry",
    "S4DParams",
    "S5Carry",
    "S5Params",
]
