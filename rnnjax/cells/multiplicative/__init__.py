"""Cells that multiply the input with the state, or the state with itself, one kind per file."""

from __future__ import annotations

from types import MappingProxyType

from rnnjax.cell import Cell
from rnnjax.cells.multiplicative.factored import MultiplicativeLSTM, MultiplicativeRNN
from rnnjax.cells.multiplicative.fast_weights_rnn import FastWeightsRNN
from rnnjax.cells.multiplicative.integration import MIGRU, MILSTM, MIRNN
from rnnjax.cells.multiplicative.mogrifier_lstm import MogrifierLSTM

CELLS: MappingProxyType[str, type[Cell]] = MappingProxyType(
    {
        "multiplicative_rnn": MultiplicativeRNN,
        "multiplicative_lstm": MultiplicativeLSTM,
        "mi_rnn": MIRNN,
        "mi_lstm": MILSTM,
        "mi_gru": MIGRU,
        "mogrifier_lstm": MogrifierLSTM,
        "fast_weights_rnn": FastWeightsRNN,
    }
)
"""Those that need but two sizes, by their names."""

__all__ = [
    "MIGRU",
    "MILSTM",
    "MIRNN",
    "FastWeightsRNN",
    "MogrifierLSTM",
    "MultiplicativeLSTM",
    "MultiplicativeRNN",
]
