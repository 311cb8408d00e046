"""Recurrent networks in JAX: cells that are exactly the published equations, and their unrolling.

>>> import jax, rnnjax
>>> cell = rnnjax.LSTM(input_size=28, hidden_size=64)
>>> params = cell.init(jax.random.key(0))
>>> xs = jax.random.normal(jax.random.key(1), (100, 8, 28))  # 100 steps, 8 rows, 28 features
>>> carry, ys = rnnjax.unroll(cell, params, xs)
>>> ys.shape
(100, 8, 64)
"""

from __future__ import annotations

from rnnjax import serialization as serialization
from rnnjax.cell import Carry, Cell, Layer, Params
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
    Residual,
    Reversed,
    Stack,
    Zoneout,
)
from rnnjax.unroll import length_mask, unroll, unroll_carries, unroll_last

__version__ = "0.1.0.dev0"

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
