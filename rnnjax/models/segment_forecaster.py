"""Forecasts by segments: a recurrent step for a piece of a series, all of the future at once."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from flax import linen as nn

from rnnjax.bridges.linen import RNN
from rnnjax.cell import Layer
from rnnjax.models.parts import Dropout, dense


class SegmentForecaster(nn.Module):
    r"""Reads each column by itself in segments of w rows, and writes all future segments at once.

    .. math::
        s_i &= \mathrm{relu}(W_s (x_{iw:(i+1)w} - x_L) + b_s), \qquad
            h_i = \mathrm{cell}(h_{i-1}, s_i) \\
        g_j &= \mathrm{cell}(h_n, [p_j; q_c]) \\
        \hat y_{jw:(j+1)w} &= x_L + W_y\, \mathrm{dropout}(g_j) + b_y

    for segments :math:`i < n` that were seen and :math:`j < m` that come, and column c. The state
    after all that was seen is where every future segment begins, told apart by embeddings of its
    place p and of the column q: no error of one goes into the next.

    Attributes:
        layer: a cell, or a combination of cells; it reads embeddings as wide as its input size.
        horizon: H, rows to forecast.
        num_columns: C.
        segment: w, which divides the rows that are seen; the last future segment may stick out.
        num_outputs: Q, numbers for each value: the first is added to the last value, and so are all
            others.
        dropout: rate, before the last layer.
        initialization: the dense layers' initial distributions.

    Source: S. Lin et al., "SegRNN: segment recurrent neural network for long-term time series
    forecasting", arXiv:2308.11200, its parallel decoding.
    """

    layer: Layer
    horizon: int
    num_columns: int
    segment: int
    num_outputs: int = 1
    dropout: float = 0.0
    initialization: str = "torch"

    @nn.compact
    def __call__(
        self, values: jax.Array, known: jax.Array | None = None, *, training: bool = False
    ) -> jax.Array:
        """Values ``[B, L, C]``: forecasts ``[B, H, C, Q]``; where gaps were is not looked at."""
        batch, length, columns = values.shape
        width, outputs = self.layer.input_size, self.layer.output_size
        segments = -(-self.horizon // self.segment)
        last = values[:, -1]
        moved = (values - last[:, None]).swapaxes(1, 2)
        pieces = moved.reshape(batch * columns, length // self.segment, self.segment)
        embedded = nn.relu(dense(width, self.segment, self.initialization, "embed")(pieces))
        recurrent = RNN(self.layer, name="rnn")
        carry, _ = recurrent(embedded, training=training)
        normal = nn.initializers.normal(1.0)
        places = self.param("places", normal, (segments, width // 2))
        names = self.param("columns", normal, (self.num_columns, width - width // 2))
        both = jnp.concatenate(
            (
                jnp.broadcast_to(places, (columns, segments, width // 2)),
                jnp.broadcast_to(names[:, None], (columns, segments, width - width // 2)),
            ),
            axis=-1,
        )
        asked = jnp.broadcast_to(both, (batch, *both.shape)).reshape(-1, 1, width)
        carry = jax.tree.map(lambda c: jnp.repeat(c, segments, axis=0), carry)
        _, ys = recurrent(asked, carry, training=training)
        ys = Dropout(self.dropout, deterministic=not training)(ys[:, 0])
        to_rows = dense(self.segment * self.num_outputs, outputs, self.initialization, "to_rows")(
            ys
        )
        rows = to_rows.reshape(batch, columns, segments * self.segment, self.num_outputs)
        return last[:, None, :, None] + rows[:, :, : self.horizon].swapaxes(1, 2)
