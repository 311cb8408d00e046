"""Gated cells, one per file."""

from __future__ import annotations

from types import MappingProxyType

from rnnjax.cell import Cell
from rnnjax.cells.gated.atr import ATR
from rnnjax.cells.gated.cfn import CFN
from rnnjax.cells.gated.cifg_lstm import CIFGLSTM
from rnnjax.cells.gated.intersection_rnn import IntersectionRNN
from rnnjax.cells.gated.janet import JANET
from rnnjax.cells.gated.li_gru import LiGRU, SLiGRU
from rnnjax.cells.gated.mgu import MGU
from rnnjax.cells.gated.minimal_rnn import MinimalRNN
from rnnjax.cells.gated.original_lstm import OriginalLSTM
from rnnjax.cells.gated.ran import RAN
from rnnjax.cells.gated.slstm import SLSTM
from rnnjax.cells.gated.ugrnn import UGRNN

CELLS: MappingProxyType[str, type[Cell]] = MappingProxyType(
    {
        "atr": ATR,
        "cfn": CFN,
        "cifg_lstm": CIFGLSTM,
        "intersection_rnn": IntersectionRNN,
        "janet": JANET,
        "li_gru": LiGRU,
        "mgu": MGU,
        "minimal_rnn": MinimalRNN,
        "original_lstm": OriginalLSTM,
        "ran": RAN,
        "sli_gru": SLiGRU,
        "slstm": SLSTM,
        "ugrnn": UGRNN,
    }
)
"""Those that need but two sizes, by their names."""

__all__ = [
    "ATR",
    "CFN",
    "CIFGLSTM",
    "JANET",
    "MGU",
    "RAN",
    "SLSTM",
    "UGRNN",
    "IntersectionRNN",
    "LiGRU",
    "MinimalRNN",
    "OriginalLSTM",
    "SLiGRU",
]
