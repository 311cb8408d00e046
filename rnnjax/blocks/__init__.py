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
from rnnjax.blocks.lru import LRUBlock
from rnnjax.blocks.mamba import MambaBlock
from rnnjax.blocks.normed import NormedBlock, NormedBlockParams
from rnnjax.blocks.s5 import S5Block

__all__ = [
    "GILRLSTM",
    "GILRLSTMCarry",
    "GILRLSTMParams",
    "GatedBlock",
    "GatedBlockParams",
    "GriffinBlock",
    "LRUBlock",
    "MambaBlock",
    "NormedBlock",
    "NormedBlockParams",
    "S5Block",
    "SurrogateMemory",
    "SurrogateMemoryCarry",
    "SurrogateMemoryParams",
]
