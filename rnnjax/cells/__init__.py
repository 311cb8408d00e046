"""The cells, one family per file, and the table of their names."""

from __future__ import annotations

from types import MappingProxyType

from rnnjax.cell import Cell
from rnnjax.cells import (
    clocked,
    gated,
    light,
    linear,
    memory,
    multiplicative,
    orthogonal,
    physical,
)
from rnnjax.cells.gru import GRU, GRUCarry, GRUParams
from rnnjax.cells.hippo_legs import HiPPOLegS, HiPPOLegSCarry, HiPPOLegSParams
from rnnjax.cells.hippo_rnn import HiPPORNN, HiPPORNNCarry, HiPPORNNParams
from rnnjax.cells.layer_norm_gru import LayerNormGRU, LayerNormGRUCarry, LayerNormGRUParams
from rnnjax.cells.layer_norm_lstm import LayerNormLSTM, LayerNormLSTMCarry, LayerNormLSTMParams
from rnnjax.cells.lmu import LMU, LMUCarry, LMUParams
from rnnjax.cells.lstm import LSTM, LSTMCarry, LSTMParams
from rnnjax.cells.lstmp import LSTMP, LSTMPCarry, LSTMPParams
from rnnjax.cells.peephole_lstm import PeepholeLSTM, PeepholeLSTMCarry, PeepholeLSTMParams
from rnnjax.cells.simple_rnn import SimpleRNN, SimpleRNNCarry, SimpleRNNParams

BASIC: MappingProxyType[str, type[Cell]] = MappingProxyType(
    {
        "simple_rnn": SimpleRNN,
        "lstm": LSTM,
        "gru": GRU,
        "layer_norm_lstm": LayerNormLSTM,
        "layer_norm_gru": LayerNormGRU,
        "peephole_lstm": PeepholeLSTM,
    }
)
"""The cells that everybody has, and what they became soon after."""

FAMILIES = (gated, light, orthogonal, physical, multiplicative, clocked, linear, memory)
"""The folders of cells, each with a table `CELLS` of its own."""

CELLS: MappingProxyType[str, type[Cell]] = MappingProxyType(
    {**BASIC, **{name: cell for family in FAMILIES for name, cell in family.CELLS.items()}}
)
"""Every cell that needs but two sizes, by the name that the experiments' ``--cell`` takes."""

__all__ = [
    "BASIC",
    "CELLS",
    "FAMILIES",
    "GRU",
    "LMU",
    "LSTM",
    "LSTMP",
    "GRUCarry",
    "GRUParams",
    "HiPPOLegS",
    "HiPPOLegSCarry",
    "HiPPOLegSParams",
    "HiPPORNN",
    "HiPPORNNCarry",
    "HiPPORNNParams",
    "LMUCarry",
    "LMUParams",
    "LSTMCarry",
    "LSTMPCarry",
    "LSTMPParams",
    "LSTMParams",
    "LayerNormGRU",
    "LayerNormGRUCarry",
    "LayerNormGRUParams",
    "LayerNormLSTM",
    "LayerNormLSTMCarry",
    "LayerNormLSTMParams",
    "PeepholeLSTM",
    "PeepholeLSTMCarry",
    "PeepholeLSTMParams",
    "SimpleRNN",
    "SimpleRNNCarry",
    "SimpleRNNParams",
]
