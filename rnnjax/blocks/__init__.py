"""Recurrent layers of papers that are made of several cells, one per file."""

from __future__ import annotations

from rnnjax.blocks.convolved import ConvolvedBlock
from rnnjax.blocks.delta_net import DeltaNetBlock, DeltaNetBlockParams
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
from rnnjax.blocks.mamba2 import Mamba2Block, Mamba2BlockParams
from rnnjax.blocks.mlstm import MLSTMBlock, MLSTMBlockParams
from rnnjax.blocks.normed import NormedBlock, NormedBlockParams
from rnnjax.blocks.s5 import S5Block
from rnnjax.blocks.slstm import SLSTMBlock, SLSTMBlockParams

__all__ = [
    "GILRLSTM",
    "ConvolvedBlock",
    "DeltaNetBlock",
    "DeltaNetBlockParams",
    "GILRLSTMCarry",
    "GILRLSTMParams",
    "GatedBlock",
    "GatedBlockParams",
    "GriffinBlock",
    "LRUBlock",
    "MLSTMBlock",
    "MLSTMBlockParams",
    "Mamba2Block",
    "Mamba2BlockParams",
    "MambaBlock",
    "NormedBlock",
    "NormedBlockParams",
    "S5Block",
    "SLSTMBlock",
    "SLSTMBlockParams",
    "SurrogateMemory",
    "SurrogateMemoryCarry",
    "SurrogateMemoryParams",
]
