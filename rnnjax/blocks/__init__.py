"""Recurrent layers of papers that are made of several cells, one per file."""

from __future__ import annotations

from rnnjax.blocks.lru import LRUBlock
from rnnjax.blocks.normed import NormedBlock, NormedBlockParams
from rnnjax.blocks.s5 import S5Block

__all__ = [
    "LRUBlock",
    "NormedBlock",
    "NormedBlockParams",
    "S5Block",
]
