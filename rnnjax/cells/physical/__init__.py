"""Cells that discretise a differential equation, one per file."""

from __future__ import annotations

from types import MappingProxyType

from rnnjax.cell import Cell
from rnnjax.cells.physical.antisymmetric_rnn import AntisymmetricRNN, GatedAntisymmetricRNN
from rnnjax.cells.physical.cfc import CfC
from rnnjax.cells.physical.cornn import CoRNN
from rnnjax.cells.physical.ctgru import CTGRU
from rnnjax.cells.physical.ctrnn import CTRNN
from rnnjax.cells.physical.esn import ESN
from rnnjax.cells.physical.grud import GRUD
from rnnjax.cells.physical.lem import LEM
from rnnjax.cells.physical.lipschitz_rnn import LipschitzRNN
from rnnjax.cells.physical.ltc import LTC
from rnnjax.cells.physical.ode_rnn import GRUODE, ODERNN
from rnnjax.cells.physical.tau_gru import TauGRU
from rnnjax.cells.physical.unicornn import UnICORNN

CELLS: MappingProxyType[str, type[Cell]] = MappingProxyType(
    {
        "antisymmetric_rnn": AntisymmetricRNN,
        "gated_antisymmetric_rnn": GatedAntisymmetricRNN,
        "cornn": CoRNN,
        "unicornn": UnICORNN,
        "lem": LEM,
        "lipschitz_rnn": LipschitzRNN,
        "ctrnn": CTRNN,
        "ctgru": CTGRU,
        "ltc": LTC,
        "cfc": CfC,
        "ode_rnn": ODERNN,
        "gru_ode": GRUODE,
        "esn": ESN,
        "tau_gru": TauGRU,
    }
)
"""Those that need but two sizes, by their names."""

__all__ = [
    "CTGRU",
    "CTRNN",
    "ESN",
    "GRUD",
    "GRUODE",
    "LEM",
    "LTC",
    "ODERNN",
    "AntisymmetricRNN",
    "CfC",
    "CoRNN",
    "GatedAntisymmetricRNN",
    "LipschitzRNN",
    "TauGRU",
    "UnICORNN",
]
