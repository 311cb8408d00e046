"""Layers made of layers, one kind per file."""

from __future__ import annotations

from rnnjax.combinators.bidirectional import (
    Bidirectional,
    BidirectionalCarry,
    BidirectionalParams,
    Reversed,
)
from rnnjax.combinators.dilated import Dilated
from rnnjax.combinators.dropout import Dropout
from rnnjax.combinators.fast_slow import FastSlow, FastSlowCarry, FastSlowParams
from rnnjax.combinators.grouped import Grouped
from rnnjax.combinators.learned_carry import LearnedCarry, LearnedCarryParams
from rnnjax.combinators.momentum import Momentum, MomentumCarry
from rnnjax.combinators.one_hot import OneHot
from rnnjax.combinators.residual import Residual
from rnnjax.combinators.skip import Skip, SkipCarry, SkipParams
from rnnjax.combinators.stack import Stack
from rnnjax.combinators.zoneout import Zoneout

__all__ = [
    "Bidirectional",
    "BidirectionalCarry",
    "BidirectionalParams",
    "Dilated",
    "Dropout",
    "FastSlow",
    "FastSlowCarry",
    "FastSlowParams",
    "Grouped",
    "LearnedCarry",
    "LearnedCarryParams",
    "Momentum",
    "MomentumCarry",
    "OneHot",
    "Residual",
    "Reversed",
    "Skip",
    "SkipCarry",
    "SkipParams",
    "Stack",
    "Zoneout",
]
