"""Cells that are not updated at every step, or know the time of it, one per file."""

from __future__ import annotations

from types import MappingProxyType

from rnnjax.cell import Cell
from rnnjax.cells.clocked.clockwork_rnn import ClockworkRNN
from rnnjax.cells.clocked.phased_lstm import PhasedLSTM
from rnnjax.cells.clocked.time_aware_lstm import TimeAwareLSTM

CELLS: MappingProxyType[str, type[Cell]] = MappingProxyType(
    {
        "clockwork_rnn": ClockworkRNN,
        "phased_lstm": PhasedLSTM,
        "time_aware_lstm": TimeAwareLSTM,
    }
)
"""Those that need but two sizes, by their names."""

__all__ = ["ClockworkRNN", "PhasedLSTM", "TimeAwareLSTM"]
