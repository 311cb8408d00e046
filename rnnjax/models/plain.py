"""Networks without memory, to compare recurrent ones with."""

from __future__ import annotations

import math

import jax
from flax import linen as nn

from rnnjax.activations import ACTIVATIONS
from rnnjax.models.parts import dense


class PlainClassifier(nn.Module):
    r"""All steps of a sequence at once, each feature of each with weights of its own.

    .. math:: \mathrm{logits} = \phi(x W_1 + b_1) W_2 + b_2

    or, without hidden units, multinomial logistic regression, :math:`x W + b`. As every place in
    the sequence has its own weights, the order of the steps means nothing to it.

    Attributes:
        num_classes: C.
        hidden_units: H; 0 for logistic regression.
        activation: φ, a name in `rnnjax.activations.ACTIVATIONS`.
        initialization: initial distributions, "keras" or "torch".
    """

    num_classes: int
    hidden_units: int = 0
    activation: str = "relu"
    initialization: str = "keras"

    @nn.compact
    def __call__(self, xs: jax.Array) -> jax.Array:
        """Inputs ``[B, T, D]``: logits ``[B, C]``."""
        x = xs.reshape(len(xs), math.prod(xs.shape[1:]))
        if self.hidden_units:
            hidden = dense(self.hidden_units, x.shape[-1], self.initialization, "to_hidden")
            x = ACTIVATIONS[self.activation](hidden(x))
        return dense(self.num_classes, x.shape[-1], self.initialization, "to_logits")(x)
