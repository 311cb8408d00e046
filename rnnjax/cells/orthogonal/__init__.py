"""Cells whose recurrent matrix keeps lengths, and their kin, one per file."""

from __future__ import annotations

from types import MappingProxyType

from rnnjax.cell import Cell
from rnnjax.cells.orthogonal.eunn import EUNN
from rnnjax.cells.orthogonal.exp_rnn import ExpRNN
from rnnjax.cells.orthogonal.goru import GORU
from rnnjax.cells.orthogonal.irnn import IRNN, NPRNN
from rnnjax.cells.orthogonal.nn_rnn import NNRNN
from rnnjax.cells.orthogonal.rum import RUM
from rnnjax.cells.orthogonal.sco_rnn import ScoRNN
from rnnjax.cells.orthogonal.urnn import URNN

CELLS: MappingProxyType[str, type[Cell]] = MappingProxyType(
    {
        "eunn": EUNN,
        "exp_rnn": ExpRNN,
        "goru": GORU,
        "irnn": IRNN,
        "nn_rnn": NNRNN,
        "np_rnn": NPRNN,
        "rum": RUM,
        "sco_rnn": ScoRNN,
        "urnn": URNN,
    }
)
"""Those that need but two sizes, by their names."""

__all__ = ["EUNN", "GORU", "IRNN", "NNRNN", "NPRNN", "RUM", "URNN", "ExpRNN", "ScoRNN"]
