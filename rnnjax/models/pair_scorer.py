"""How alike two sequences are: the same layer reads both, and what it has read is compared."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from flax import linen as nn

from rnnjax.bridges.linen import RNN
from rnnjax.cell import Layer
from rnnjax.models.parts import Dropout, dense, last_step

HEADS = ("manhattan", "product_difference")
POOLINGS = ("last", "max", "mean")


class PairScorer(nn.Module):
    r"""Reads two sentences with the same layer and compares the vectors h and g that come of them.

    "manhattan" says how alike they are itself, from 0 to 1:

    .. math:: s = \exp(-\lVert h - g \rVert_1)

    "product_difference" says how probable each score from 1 to 5 is:

    .. math::
        u = \sigma(W_u [h \odot g; |h - g|] + b_u), \qquad \mathrm{logits} = W_p u + b_p

    Attributes:
        layer: a cell, or a combination of cells.
        num_words: V.
        vector_size: D, of the words' vectors, which are given: "vectors" of the parameters.
        head: one of `HEADS`.
        pooling: what is taken of the outputs: the last one, or the maximum or the mean of all.
        hidden_units: of u.
        dropout: rate, on the words' vectors and on h and g.
        tune_vectors: whether the vectors are learnt on; else they have no gradient.
        initialization: the dense layers' initial distributions.

    Sources: J. Mueller, A. Thyagarajan, "Siamese recurrent architectures for learning sentence
    similarity", AAAI 2016 ("manhattan"); K. Tai, R. Socher, C. Manning, "Improved semantic
    representations from tree-structured long short-term memory networks", arXiv:1503.00075,
    section 4.2 ("product_difference").
    """

    layer: Layer
    num_words: int
    vector_size: int
    head: str = "product_difference"
    pooling: str = "last"
    hidden_units: int = 50
    dropout: float = 0.0
    tune_vectors: bool = False
    initialization: str = "torch"

    def setup(self) -> None:
        """Makes the parts."""
        zeros = nn.initializers.zeros_init()
        self.vectors = self.param("vectors", zeros, (self.num_words, self.vector_size))
        self.read, self.drop = RNN(self.layer, name="rnn"), Dropout(self.dropout)
        if self.head == "product_difference":
            size, how = self.layer.output_size, self.initialization
            self.to_hidden = dense(self.hidden_units, 2 * size, how, "to_hidden")
            self.to_logits = dense(5, self.hidden_units, how, "to_logits")

    def __call__(
        self,
        first: jax.Array,
        first_mask: jax.Array,
        second: jax.Array,
        second_mask: jax.Array,
        *,
        training: bool = False,
    ) -> jax.Array:
        """Numbers ``[B, T]`` of words, and masks: how alike ``[B]``, or logits ``[B, 5]``."""
        numbers = jnp.concatenate((first, second))
        mask = jnp.concatenate((first_mask, second_mask))
        h, g = jnp.split(self.sentences(numbers, mask, training=training), 2)
        return self.compared(h, g)

    def sentences(
        self, numbers: jax.Array, mask: jax.Array, *, training: bool = False
    ) -> jax.Array:
        """The vectors ``[B, O]`` of sentences ``[B, T]``."""
        vectors = self.vectors if self.tune_vectors else jax.lax.stop_gradient(self.vectors)
        xs = self.drop(vectors[numbers], deterministic=not training)
        _, ys = self.read(xs, mask=mask, training=training)
        if self.pooling == "last":
            found = last_step(ys, mask)
        else:
            steps = mask[..., None]
            if self.pooling == "max":
                found = jnp.where(steps, ys, jnp.finfo(ys.dtype).min).max(axis=1)
            else:
                found = jnp.where(steps, ys, 0).sum(axis=1) / steps.sum(axis=1).astype(ys.dtype)
        return self.drop(found, deterministic=not training)

    def compared(self, h: jax.Array, g: jax.Array) -> jax.Array:
        """What is said of two vectors ``[B, O]``."""
        if self.head == "manhattan":
            return jnp.exp(-jnp.abs(h - g).sum(axis=-1))
        hidden = nn.sigmoid(self.to_hidden(jnp.concatenate((h * g, jnp.abs(h - g)), axis=-1)))
        return self.to_logits(hidden)
