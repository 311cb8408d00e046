"""Cells of few parameters, or without a product of the state, one per file."""

from __future__ import annotations

from types import MappingProxyType

from rnnjax.cell import Cell
from rnnjax.cells.light.diagonal import IndRNN, IndyGRU, IndyLSTM
from rnnjax.cells.light.fast import FastGRNN, FastRNN

CELLS: MappingProxyType[str, type[Cell]] = MappingProxyType(
    {
        "fast_rnn": FastRNN,
        "fast_grnn": FastGRNN,
        "ind_rnn": IndRNN,
        "indy_lstm": IndyLSTM,
        "indy_gru": IndyGRU,
    }
)
"""Those that need but two sizes, by their names."""

__all__ = ["FastGRNN", "FastRNN", "IndRNN", "IndyGRU", "IndyLSTM"]
