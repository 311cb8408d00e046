"""Every layer of two sizes by its name: cells that bend their state, and those linear in it."""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType
from typing import Any

from rnnjax.cell import Layer
from rnnjax.cells import CELLS
from rnnjax.cells.linear import HGRN, LRU, QRNN, RGLRU, TRNN, GateLoop, MinGRU, MinLSTM
from rnnjax.cells.memory import (
    GLA,
    HGRN2,
    MLSTM,
    DeltaNet,
    GatedDeltaNet,
    LinearAttention,
)


def _rg_lru(input_size: int, hidden_size: int, **options: Any) -> Layer:
    """One of as many units as inputs, which is all that there is."""
    if input_size != hidden_size:
        raise ValueError(
            f"rg_lru has as many units as inputs, not {input_size} inputs and {hidden_size} units; "
            "put it into residual blocks."
        )
    return RGLRU(input_size, **options)


LINEAR_LAYERS: MappingProxyType[str, Callable[..., Layer]] = MappingProxyType(
    {
        "min_gru": MinGRU,
        "min_lstm": MinLSTM,
        "trnn": TRNN,
        "qrnn": QRNN,
        "hgrn": HGRN,
        "gate_loop": GateLoop,
        "lru": LRU,
        "rg_lru": _rg_lru,
        "linear_attention": LinearAttention,
        "gla": GLA,
        "hgrn2": HGRN2,
        "delta_net": DeltaNet,
        "gated_delta_net": GatedDeltaNet,
        "mlstm": MLSTM,
    }
)
"""Layers whose step is linear in their state, ``(input_size, hidden_size, **options)``."""

LAYERS: MappingProxyType[str, Callable[..., Layer]] = MappingProxyType({**CELLS, **LINEAR_LAYERS})
"""All, likewise."""
