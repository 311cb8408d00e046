"""Recurrent layers of papers that are made of several cells, one per file."""

from __future__ import annotations

from rnnjax.blocks.gated import GatedBlock, GatedBlockParams
from rnnjax.blocks.gilr_lstm import (
    GILRLSTM,
    GILRLSTMCarry,
    GILRLSTMParams,
    SurrogateMemory,
    SurrogateMemoryCarry,
    SurrogateMemoryParams,
)
from rnnjax.blocks.griffin import GriffinBlock
from rnnjax.blocks.mamba import MambaBlock

__all__ = [
    "GILRLSTM",
    "GILRLSTMCarry",
    "GILRLSTMParams",
    "GatedBlock",
    "GatedBlockParams",
    "GriffinBlock",
    "MambaBlock",
    "SurrogateMemory",
    "SurrogateMemoryCarry",
    "SurrogateMemoryParams",
]
