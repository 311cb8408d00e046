"""Layers made of layers, one kind per file."""

from __future__ import annotations

from rnnjax.combinators.bidirectional import (
    Bidirectional,
    BidirectionalCarry,
    BidirectionalParams,
    Reversed,
)
from rnnjax.combinators.dropout import Dropout
from rnnjax.combinators.learned_carry import LearnedCarry, LearnedCarryParams
from rnnjax.combinators.one_hot import OneHot
from rnnjax.combinators.residual import Residual
from rnnjax.combinators.stack import Stack
from rnnjax.combinators.zoneout import Zoneout

__all__ = [
    "Bidirectional",
    "BidirectionalCarry",
    "BidirectionalParams",
    "Dropout",
    "LearnedCarry",
    "LearnedCarryParams",
    "OneHot",
    "Residual",
    "Reversed",
    "Stack",
    "Zoneout",
]
