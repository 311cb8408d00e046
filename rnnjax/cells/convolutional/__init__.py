"""Cells whose products are convolutions over space, one per file."""

from __future__ import annotations

from rnnjax.cells.convolutional.conv_gru import ConvGRU
from rnnjax.cells.convolutional.conv_lstm import ConvLSTM
from rnnjax.cells.convolutional.conv_rnn import ConvRNN
from rnnjax.cells.convolutional.conv_star import ConvSTAR

__all__ = ["ConvGRU", "ConvLSTM", "ConvRNN", "ConvSTAR"]
