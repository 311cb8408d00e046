"""Many-to-many: a class for each step of a sequence."""

from __future__ import annotations

import jax
from flax import linen as nn

from rnnjax.bridges.linen import RNN
from rnnjax.cell import Carry, Layer
from rnnjax.models.parts import dense


class SequenceTagger(nn.Module):
    r"""Many-to-many: every output of a recurrent layer, and one dense layer to the classes.

    .. math:: \mathrm{logits}_t = y_t W + b

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
        self,
        xs: jax.Array,
        carry: Carry | None = None,
        *,
        mask: jax.Array | None = None,
        training: bool = False,
    ) -> tuple[Carry, jax.Array]:
        """Inputs ``[B, T, D]``, mask ``[B, T]``: the final carry and logits ``[B, T, C]``."""
        carry, ys = RNN(self.layer, name="rnn")(xs, carry, mask=mask, training=training)
        to_logits = dense(
            self.num_classes, self.layer.output_size, self.initialization, "to_logits"
        )
        return carry, to_logits(ys)
