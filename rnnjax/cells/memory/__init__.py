"""Cells with a matrix memory, one family per file."""

from __future__ import annotations

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
from rnnjax.cells.memory.ssd import SSD, SSDParams

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
    "SSDParams",
]
