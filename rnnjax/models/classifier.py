"""Many-to-one: a sequence to a class."""

from __future__ import annotations

import jax
from flax import linen as nn

from rnnjax.bridges.linen import LastOutput
from rnnjax.cell import Layer
from rnnjax.models.parts import dense


class SequenceClassifier(nn.Module):
    r"""Many-to-one: the last output of a recurrent layer, and one dense layer to the classes.

    .. math:: \mathrm{logits} = y_T W + b

    Attributes:
        layer: a cell, or a combination of cells.
        num_classes: C.
        initialization: the dense layer's initial distributions, "keras" or "torch".
    """

    layer: Layer
    num_classes: int
    initialization: str = "keras"

    @nn.compact
    def __call__(
        self, xs: jax.Array, *, mask: jax.Array | None = None, training: bool = False
    ) -> jax.Array:
        """Inputs ``[B, T, D]``, mask ``[B, T]``: logits ``[B, C]``."""
        y = LastOutput(self.layer, name="rnn")(xs, mask=mask, training=training)
        return dense(self.num_classes, self.layer.output_size, self.initialization, "to_logits")(y)
