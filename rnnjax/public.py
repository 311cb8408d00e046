"""The names that `rnnjax` gives: what `import rnnjax` is for."""

from __future__ import annotations

from rnnjax import attention as attention
from rnnjax import decoding as decoding
from rnnjax import serialization as serialization
from rnnjax.cell import Carry, Cell, Layer, Memory, Params
from rnnjax.cells import (
    CELLS,
    GRU,
    LSTM,
    LSTMP,
    LayerNormGRU,
    LayerNormLSTM,
    PeepholeLSTM,
    SimpleRNN,
)
from rnnjax.combinators import (
    Bidirectional,
    Dropout,
    LearnedCarry,
    OneHot,
    Residual,
    Reversed,
    Stack,
    Zoneout,
)
from rnnjax.unrolling.unroll import length_mask, unroll, unroll_carries, unroll_last

__all__ = [
    "CELLS",
    "GRU",
    "LSTM",
    "LSTMP",
    "Bidirectional",
    "Carry",
    "Cell",
    "Dropout",
    "Layer",
    "LayerNormGRU",
    "LayerNormLSTM",
    "LearnedCarry",
    "Memory",
    "OneHot",
    "Params",
    "PeepholeLSTM",
    "Residual",
    "Reversed",
    "SimpleRNN",
    "Stack",
    "Zoneout",
    "length_mask",
    "unroll",
    "unroll_carries",
    "unroll_last",
]
