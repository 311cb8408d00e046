"""Gated cells, one per file."""

from __future__ import annotations

from types import MappingProxyType

from rnnjax.cell import Cell
from rnnjax.cells.gated.atr import ATR
from rnnjax.cells.gated.brc import BRC, NBRC, BRCParams
from rnnjax.cells.gated.cfn import CFN
from rnnjax.cells.gated.cifg_lstm import CIFGLSTM
from rnnjax.cells.gated.intersection_rnn import IntersectionRNN
from rnnjax.cells.gated.janet import JANET
from rnnjax.cells.gated.li_gru import LiGRU, SLiGRU
from rnnjax.cells.gated.mgu import MGU
from rnnjax.cells.gated.minimal_rnn import MinimalRNN
from rnnjax.cells.gated.mut import MUT1, MUT2, MUT3, MUTParams
from rnnjax.cells.gated.nas import NAS
from rnnjax.cells.gated.nested_lstm import NestedLSTM, NestedLSTMCarry
from rnnjax.cells.gated.original_lstm import OriginalLSTM
from rnnjax.cells.gated.ran import RAN
from rnnjax.cells.gated.rhn import RHN
from rnnjax.cells.gated.scrn import SCRN, SCRNCarry, SCRNParams
from rnnjax.cells.gated.slim import SlimGRU, SlimLSTM, SlimMGU, SlimParams
from rnnjax.cells.gated.star import STAR
from rnnjax.cells.gated.ugrnn import UGRNN

CELLS: MappingProxyType[str, type[Cell]] = MappingProxyType(
    {
        "atr": ATR,
        "brc": BRC,
        "cfn": CFN,
        "cifg_lstm": CIFGLSTM,
        "intersection_rnn": IntersectionRNN,
        "janet": JANET,
        "li_gru": LiGRU,
        "mgu": MGU,
        "minimal_rnn": MinimalRNN,
        "mut1": MUT1,
        "mut2": MUT2,
        "mut3": MUT3,
        "nas": NAS,
        "nbrc": NBRC,
        "nested_lstm": NestedLSTM,
        "original_lstm": OriginalLSTM,
        "ran": RAN,
        "rhn": RHN,
        "scrn": SCRN,
        "sli_gru": SLiGRU,
        "slim_gru": SlimGRU,
        "slim_lstm": SlimLSTM,
        "slim_mgu": SlimMGU,
        "star": STAR,
        "ugrnn": UGRNN,
    }
)
"""Those that need but two sizes, by their names."""

__all__ = [
    "ATR",
    "BRC",
    "CFN",
    "CIFGLSTM",
    "JANET",
    "MGU",
    "MUT1",
    "MUT2",
    "MUT3",
    "NAS",
    "NBRC",
    "RAN",
    "RHN",
    "SCRN",
    "STAR",
    "UGRNN",
    "BRCParams",
    "IntersectionRNN",
    "LiGRU",
    "MUTParams",
    "MinimalRNN",
    "NestedLSTM",
    "NestedLSTMCarry",
    "OriginalLSTM",
    "SCRNCarry",
    "SCRNParams",
    "SLiGRU",
    "SlimGRU",
    "SlimLSTM",
    "SlimMGU",
    "SlimParams",
]
