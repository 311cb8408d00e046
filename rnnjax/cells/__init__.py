"""The cells, one family per file, and the table of their names."""

from __future__ import annotations

from types import MappingProxyType

from rnnjax.cell import Cell
from rnnjax.cells.gru import GRU, GRUCarry, GRUParams
from rnnjax.cells.layer_norm_gru import LayerNormGRU, LayerNormGRUCarry, LayerNormGRUParams
from rnnjax.cells.layer_norm_lstm import LayerNormLSTM, LayerNormLSTMCarry, LayerNormLSTMParams
from rnnjax.cells.lstm import LSTM, LSTMCarry, LSTMParams
from rnnjax.cells.lstmp import LSTMP, LSTMPCarry, LSTMPParams
from rnnjax.cells.peephole_lstm import PeepholeLSTM, PeepholeLSTMCarry, PeepholeLSTMParams
from rnnjax.cells.simple_rnn import SimpleRNN, SimpleRNNCarry, SimpleRNNParams

CELLS: MappingProxyType[str, type[Cell]] = MappingProxyType(
    {
        "simple_rnn": SimpleRNN,
        "lstm": LSTM,
        "gru": GRU,
        "layer_norm_lstm": LayerNormLSTM,
        "layer_norm_gru": LayerNormGRU,
        "peephole_lstm": PeepholeLSTM,
    }
)
"""Every cell that needs but two sizes, by the name that the experiments' ``--cell`` takes."""

__all__ = [
    "CELLS",
    "GRU",
    "LSTM",
    "LSTMP",
    "GRUCarry",
    "GRUParams",
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
