"""Cells that are linear in their state, one per file."""

from __future__ import annotations

from types import MappingProxyType

from rnnjax.cell import Cell
from rnnjax.cells.linear.ffm import FFM, FFMCarry, FFMParams
from rnnjax.cells.linear.gate_loop import GateLoop, GateLoopCarry, GateLoopParams
from rnnjax.cells.linear.gilr import GILR, GILRCarry, GILRParams
from rnnjax.cells.linear.hgrn import HGRN, HGRNCarry, HGRNParams
from rnnjax.cells.linear.legendre_memory import (
    LegendreMemory,
    LegendreMemoryCarry,
    LegendreMemoryParams,
)
from rnnjax.cells.linear.lru import LRU, LRUCarry, LRUParams
from rnnjax.cells.linear.min_gru import MinGRU, MinGRUCarry, MinGRUParams
from rnnjax.cells.linear.min_lstm import MinLSTM, MinLSTMCarry, MinLSTMParams
from rnnjax.cells.linear.qrnn import QRNN, QRNNCarry, QRNNParams
from rnnjax.cells.linear.rg_lru import RGLRU, RGLRUCarry, RGLRUParams
from rnnjax.cells.linear.rwkv4 import RWKV4, RWKV4Carry, RWKV4Params
from rnnjax.cells.linear.s4d import S4D, S4DCarry, S4DParams
from rnnjax.cells.linear.s5 import S5, S5Carry, S5Params
from rnnjax.cells.linear.s6 import S6, S6Carry, S6Params
from rnnjax.cells.linear.sru import SRU, SRUCarry, SRUParams
from rnnjax.cells.linear.tgru import TGRU, TGRUCarry, TGRUParams
from rnnjax.cells.linear.tlstm import TLSTM, TLSTMCarry, TLSTMParams
from rnnjax.cells.linear.trnn import TRNN, TRNNCarry, TRNNParams

CELLS: MappingProxyType[str, type[Cell]] = MappingProxyType(
    {
        "gate_loop": GateLoop,
        "gilr": GILR,
        "hgrn": HGRN,
        "lru": LRU,
        "min_gru": MinGRU,
        "min_lstm": MinLSTM,
        "qrnn": QRNN,
        "rwkv4": RWKV4,
        "s5": S5,
        "sru": SRU,
        "tgru": TGRU,
        "tlstm": TLSTM,
        "trnn": TRNN,
    }
)
"""Those that need but two sizes, by their names."""

__all__ = [
    "FFM",
    "GILR",
    "HGRN",
    "LRU",
    "QRNN",
    "RGLRU",
    "RWKV4",
    "S4D",
    "S5",
    "S6",
    "SRU",
    "TGRU",
    "TLSTM",
    "TRNN",
    "FFMCarry",
    "FFMParams",
    "GILRCarry",
    "GILRParams",
    "GateLoop",
    "GateLoopCarry",
    "GateLoopParams",
    "HGRNCarry",
    "HGRNParams",
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
    "QRNNCarry",
    "QRNNParams",
    "RGLRUCarry",
    "RGLRUParams",
    "RWKV4Carry",
    "RWKV4Params",
    "S4DCarry",
    "S4DParams",
    "S5Carry",
    "S5Params",
    "S6Carry",
    "S6Params",
    "SRUCarry",
    "SRUParams",
    "TGRUCarry",
    "TGRUParams",
    "TLSTMCarry",
    "TLSTMParams",
    "TRNNCarry",
    "TRNNParams",
]
