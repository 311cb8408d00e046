"""Cells with a matrix memory, one family per file."""

from __future__ import annotations

from types import MappingProxyType

from rnnjax.cell import Cell
from rnnjax.cells.memory.delta_net import (
    DeltaNet,
    DeltaNetParams,
    GatedDeltaNet,
    GatedDeltaNetParams,
)
from rnnjax.cells.memory.gla import GLA, GLAParams
from rnnjax.cells.memory.hgrn2 import HGRN2, HGRN2Params
from rnnjax.cells.memory.linear_attention import LinearAttention, LinearAttentionParams
from rnnjax.cells.memory.mlstm import MLSTM, MLSTMCarry, MLSTMParams
from rnnjax.cells.memory.ret_net import RetNet, RetNetParams
from rnnjax.cells.memory.ssd import SSD, SSDParams

CELLS: MappingProxyType[str, type[Cell]] = MappingProxyType(
    {
        "delta_net": DeltaNet,
        "gated_delta_net": GatedDeltaNet,
        "gla": GLA,
        "hgrn2": HGRN2,
        "linear_attention": LinearAttention,
        "mlstm": MLSTM,
        "ret_net": RetNet,
    }
)
"""Those that need but two sizes, by their names."""

__all__ = [
    "GLA",
    "HGRN2",
    "MLSTM",
    "SSD",
    "DeltaNet",
    "DeltaNetParams",
    "GLAParams",
    "GatedDeltaNet",
    "GatedDeltaNetParams",
    "HGRN2Params",
    "LinearAttention",
    "LinearAttentionParams",
    "MLSTMCarry",
    "MLSTMParams",
    "RetNet",
    "RetNetParams",
    "SSDParams",
]
