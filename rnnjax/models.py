"""The models that the experiments train, as flax.linen modules."""

from __future__ import annotations

import jax
from flax import linen as nn

from rnnjax.bridges.linen import LastOutput
from rnnjax.cell import Layer
from rnnjax.initializers import INITIALIZATIONS


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
    def __call__(self, xs: jax.Array, *, mask: jax.Array | None = None) -> jax.Array:
        """Inputs ``[B, T, D]``, mask ``[B, T]``: logits ``[B, C]``."""
        y = LastOutput(self.layer, name="rnn")(xs, mask=mask)
        return dense(self.num_classes, self.layer.output_size, self.initialization, "to_logits")(y)


def dense(num_outputs: int, num_inputs: int, initialization: str, name: str) -> nn.Dense:
    """A dense layer with the named framework's initial distributions."""
    chosen = INITIALIZATIONS[initialization]
    return nn.Dense(
        num_outputs,
        kernel_init=chosen.dense_kernel(num_inputs),
        bias_init=chosen.dense_bias(num_inputs),
        name=name,
    )
