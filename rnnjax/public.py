"""The names that `rnnjax` gives: what `import rnnjax` is for."""

from __future__ import annotations

from rnnjax import attention as attention
from rnnjax import blocks as blocks
from rnnjax import decoding as decoding
from rnnjax import serialization as serialization
from rnnjax.cell import Carry, Cell, Layer, Memory, Params
from rnnjax.cells import (
    CELLS,
    GRU,
    LSTM,
    LSTMP,
    LayerNormGRU,
    LayerNormLSTM,
    PeepholeLSTM,
    SimpleRNN,
    clocked,
    convolutional,
    gated,
    light,
    multiplicative,
    orthogonal,
    physical,
)
from rnnjax.cells.causal_conv import CausalConv
from rnnjax.cells.clocked import *  # noqa: F403
from rnnjax.cells.convolutional import *  # noqa: F403
from rnnjax.cells.gated import *  # noqa: F403
from rnnjax.cells.hippo_legs import HiPPOLegS
from rnnjax.cells.hippo_rnn import HiPPORNN
from rnnjax.cells.light import *  # noqa: F403
from rnnjax.cells.linear import (
    FFM,
    GILR,
    HGRN,
    LRU,
    QRNN,
    RGLRU,
    RWKV4,
    S4D,
    S5,
    S6,
    SRU,
    TGRU,
    TLSTM,
    TRNN,
    GateLoop,
    LegendreMemory,
    MinGRU,
    MinLSTM,
)
from rnnjax.cells.lmu import LMU
from rnnjax.cells.memory import (
    GLA,
    HGRN2,
    MLSTM,
    SSD,
    DeltaNet,
    GatedDeltaNet,
    LinearAttention,
    RetNet,
)
from rnnjax.cells.multiplicative import *  # noqa: F403
from rnnjax.cells.orthogonal import *  # noqa: F403
from rnnjax.cells.physical import *  # noqa: F403
from rnnjax.cells.window import Window
from rnnjax.combinators import (
    Bidirectional,
    Dilated,
    Dropout,
    FastSlow,
    Grouped,
    LearnedCarry,
    Momentum,
    OneHot,
    Residual,
    Reversed,
    Skip,
    Stack,
    Zoneout,
)
from rnnjax.linear_cell import LinearCell
from rnnjax.unrolling.choice import chosen_executor
from rnnjax.unrolling.unroll import length_mask, unroll, unroll_carries, unroll_last

__all__ = [
    "CELLS",
    "FFM",
    "GILR",
    "GLA",
    "GRU",
    "HGRN",
    "HGRN2",
    "LMU",
    "LRU",
    "LSTM",
    "LSTMP",
    "MLSTM",
    "QRNN",
    "RGLRU",
    "RWKV4",
    "S4D",
    "S5",
    "S6",
    "SRU",
    "SSD",
    "TGRU",
    "TLSTM",
    "TRNN",
    "Bidirectional",
    "Carry",
    "CausalConv",
    "Cell",
    "DeltaNet",
    "Dilated",
    "Dropout",
    "FastSlow",
    "GateLoop",
    "GatedDeltaNet",
    "Grouped",
    "HiPPOLegS",
    "HiPPORNN",
    "Layer",
    "LayerNormGRU",
    "LayerNormLSTM",
    "LearnedCarry",
    "LegendreMemory",
    "LinearAttention",
    "LinearCell",
    "Memory",
    "MinGRU",
    "MinLSTM",
    "Momentum",
    "OneHot",
    "Params",
    "PeepholeLSTM",
    "Residual",
    "RetNet",
    "Reversed",
    "SimpleRNN",
    "Skip",
    "Stack",
    "Window",
    "Zoneout",
    "chosen_executor",
    "length_mask",
    "unroll",
    "unroll_carries",
    "unroll_last",
]
__all__ += clocked.__all__
__all__ += convolutional.__all__
__all__ += gated.__all__
__all__ += light.__all__
__all__ += multiplicative.__all__
__all__ += orthogonal.__all__
__all__ += physical.__all__
