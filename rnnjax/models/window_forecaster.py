"""Forecasts from the last state: row after row is read, then all of the future is written."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from flax import linen as nn

from rnnjax.bridges.linen import LastOutput
from rnnjax.cell import Layer
from rnnjax.models.parts import Dropout, dense


class WindowForecaster(nn.Module):
    r"""Reads all columns row by row; the last output says the whole horizon.

    .. math:: h_t = \mathrm{cell}(h_{t-1}, [x_t; m_t]), \qquad \hat y = W h_L + b

    Attributes:
        layer: a cell, or a combination of cells, of C features, or 2 C where gaps are told.
        horizon: H, rows to forecast.
        num_columns: C.
        num_outputs: Q, numbers for each value.
        tells_gaps: whether the layer is told where there are gaps, m.
        dropout: rate, before the last layer.
        initialization: the dense layer's initial distributions.
    """

    layer: Layer
    horizon: int
    num_columns: int
    num_outputs: int = 1
    tells_gaps: bool = False
    dropout: float = 0.0
    initialization: str = "torch"

    @nn.compact
    def __call__(
        self, values: jax.Array, known: jax.Array | None = None, *, training: bool = False
    ) -> jax.Array:
        """Values ``[B, L, C]``, known or not likewise: forecasts ``[B, H, C, Q]``."""
        if self.tells_gaps:
            there = jnp.ones_like(values) if known is None else known.astype(values.dtype)
            values = jnp.concatenate((values, there), axis=-1)
        y = LastOutput(self.layer, name="rnn")(values, training=training)
        y = Dropout(self.dropout, deterministic=not training)(y)
        shape = self.horizon, self.num_columns, self.num_outputs
        size = self.horizon * self.num_columns * self.num_outputs
        to_rows = dense(size, self.layer.output_size, self.initialization, "to_rows")
        return to_rows(y).reshape(-1, *shape)
