"""Gated cells, one per file."""

from __future__ import annotations

from types import MappingProxyType

from rnnjax.cell import Cell
from rnnjax.cells.gated.atr import ATR
from rnnjax.cells.gated.brc import BRC, NBRC, BRCParams
from rnnjax.cells.gated.cfn import CFN
from rnnjax.cells.gated.cifg_lstm import CIFGLSTM
from rnnjax.cells.gated.ea_lstm import EALSTM
from rnnjax.cells.gated.intersection_rnn import IntersectionRNN
from rnnjax.cells.gated.janet import JANET
from rnnjax.cells.gated.jordan_rnn import JordanRNN
from rnnjax.cells.gated.li_gru import LiGRU, SLiGRU
from rnnjax.cells.gated.light_ru import LightRU
from rnnjax.cells.gated.mass_conserving_lstm import MassConservingLSTM
from rnnjax.cells.gated.memory_controller_lstm import MemoryControllerLSTM
from rnnjax.cells.gated.mgu import MGU
from rnnjax.cells.gated.minimal_rnn import MinimalRNN
from rnnjax.cells.gated.miru import MiRU1, MiRU2
from rnnjax.cells.gated.mut import MUT1, MUT2, MUT3, MUTParams
from rnnjax.cells.gated.nas import NAS
from rnnjax.cells.gated.nested_lstm import NestedLSTM, NestedLSTMCarry
from rnnjax.cells.gated.nru import NRU
from rnnjax.cells.gated.on_lstm import ONLSTM
from rnnjax.cells.gated.original_lstm import OriginalLSTM
from rnnjax.cells.gated.ran import RAN
from rnnjax.cells.gated.residual_lstm import ResidualLSTM
from rnnjax.cells.gated.rhn import RHN
from rnnjax.cells.gated.rwa import RWA
from rnnjax.cells.gated.scrn import SCRN, SCRNCarry, SCRNParams
from rnnjax.cells.gated.sgrn import SGRN
from rnnjax.cells.gated.sgu import DSGU, SGU
from rnnjax.cells.gated.slim import SlimGRU, SlimLSTM, SlimMGU, SlimParams
from rnnjax.cells.gated.slstm import SLSTM
from rnnjax.cells.gated.star import STAR
from rnnjax.cells.gated.ugrnn import UGRNN
from rnnjax.cells.gated.wmc_lstm import WMCLSTM

CELLS: MappingProxyType[str, type[Cell]] = MappingProxyType(
    {
        "atr": ATR,
        "brc": BRC,
        "cfn": CFN,
        "cifg_lstm": CIFGLSTM,
        "dsgu": DSGU,
        "intersection_rnn": IntersectionRNN,
        "janet": JANET,
        "jordan_rnn": JordanRNN,
        "li_gru": LiGRU,
        "light_ru": LightRU,
        "memory_controller_lstm": MemoryControllerLSTM,
        "mgu": MGU,
        "mi_ru1": MiRU1,
        "mi_ru2": MiRU2,
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
        "nru": NRU,
        "on_lstm": ONLSTM,
        "residual_lstm": ResidualLSTM,
        "rwa": RWA,
        "sgrn": SGRN,
        "sgu": SGU,
        "sli_gru": SLiGRU,
        "slim_gru": SlimGRU,
        "slim_lstm": SlimLSTM,
        "slim_mgu": SlimMGU,
        "star": STAR,
        "slstm": SLSTM,
        "ugrnn": UGRNN,
        "wmc_lstm": WMCLSTM,
    }
)
"""Those that need but two sizes, by their names."""

__all__ = [
    "ATR",
    "BRC",
    "CFN",
    "CIFGLSTM",
    "DSGU",
    "EALSTM",
    "JANET",
    "MGU",
    "MUT1",
    "MUT2",
    "MUT3",
    "NAS",
    "NBRC",
    "NRU",
    "ONLSTM",
    "RAN",
    "RHN",
    "RWA",
    "SCRN",
    "SGRN",
    "SGU",
    "SLSTM",
    "STAR",
    "UGRNN",
    "WMCLSTM",
    "BRCParams",
    "IntersectionRNN",
    "JordanRNN",
    "LiGRU",
    "LightRU",
    "MUTParams",
    "MassConservingLSTM",
    "MemoryControllerLSTM",
    "MiRU1",
    "MiRU2",
    "MinimalRNN",
    "NestedLSTM",
    "NestedLSTMCarry",
    "OriginalLSTM",
    "ResidualLSTM",
    "SCRNCarry",
    "SCRNParams",
    "SLiGRU",
    "SlimGRU",
    "SlimLSTM",
    "SlimMGU",
    "SlimParams",
]
