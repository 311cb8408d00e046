"""Cells of ``flax.linen`` and ``flax.nnx``: modules, variables and carries in both directions.

===============  =====================================  =====================================
here             ``flax.linen``                         ``flax.nnx``
===============  =====================================  =====================================
`SimpleRNN`      ``SimpleCell``                         ``SimpleCell``
`LSTM`           ``LSTMCell``, ``OptimizedLSTMCell``    ``LSTMCell``, ``OptimizedLSTMCell``
`GRU`            ``GRUCell``                            ``GRUCell``, which lacks the bias b_hn
`Bidirectional`  ``Bidirectional`` of two ``RNN``       ``Bidirectional`` of two ``RNN``
===============  =====================================  =====================================

A cell that both directions of a ``Bidirectional`` of Flax share becomes two, with equal parameters;
the outputs are the same, but from there on each is trained for itself. An ``RNN`` around a cell has
no weights of its own and stands for its cell; ``time_major`` and ``return_carry`` say how it is
run. Every cell of Flax has a bias, zero where there is none here. Flax orders the carry of an LSTM
(c, h), which `carry_from_flax` and `carry_to_flax` exchange.
"""

from __future__ import annotations

from typing import Any

from rnnjax.cell import Carry
from rnnjax.cells import LSTM, LSTMCarry
from rnnjax.combinators import Bidirectional, BidirectionalCarry
from rnnjax.interop.flax_cells import both
from rnnjax.interop.flax_linen import from_linen, to_linen
from rnnjax.interop.flax_nnx import from_nnx, to_nnx

__all__ = [
    "carry_from_flax",
    "carry_to_flax",
    "from_linen",
    "from_nnx",
    "to_linen",
    "to_nnx",
]


def carry_from_flax(layer: Any, carry: Any) -> Carry:
    """The carry of a layer, from the one of the corresponding module of Flax.

    Args:
        layer: a `SimpleRNN`, `LSTM` or `GRU`, or a `Bidirectional` of them.
        carry: ``h``, or for an LSTM ``(c, h)`` in this order; a pair of them for a
            `Bidirectional`.

    Returns:
        The carry of `rnnjax.unroll`.
    """
    if isinstance(layer, Bidirectional):
        pairs = zip(both(layer), carry, strict=True)
        return BidirectionalCarry(*(carry_from_flax(cell, part) for cell, part in pairs))
    if isinstance(layer, LSTM):
        c, h = carry
        return LSTMCarry(h=h, c=c)
    return type(layer.initial_carry())(carry)


def carry_to_flax(carry: Carry) -> Any:
    """The inverse of `carry_from_flax`.

    Args:
        carry: the carry of a `SimpleRNN`, `LSTM` or `GRU`, or of a `Bidirectional` of them.

    Returns:
        ``h``, ``(c, h)``, or a pair of them.
    """
    if isinstance(carry, BidirectionalCarry):
        return carry_to_flax(carry.forward), carry_to_flax(carry.backward)
    return (carry.c, carry.h) if isinstance(carry, LSTMCarry) else carry.h
