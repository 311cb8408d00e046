"""A text to one of two classes."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from flax import linen as nn

from rnnjax.bridges.linen import RNN, LastOutput
from rnnjax.cell import Layer
from rnnjax.combinators import Stack
from rnnjax.initializers import INITIALIZATIONS
from rnnjax.models.parts import Dropout, dense, last_step, max_mean
from rnnjax.models.word_weights import WordWeights

POOLINGS = ("last", "max_mean", "last_max_mean")


class TextClassifier(nn.Module):
    r"""A text to one logit: embedding, recurrent layer, pooling, dense layers.

    With `ngram_bits` a linear model of words and n-grams stands beside it, which is given
    and not trained, and the two logits are added; in training the network's comes alone, for the
    loss to add what a model says that has not seen the text.

    Attributes:
        num_words: V, indices in the vocabulary.
        embedding_size: E.
        layer: a cell, or a combination of cells, for E inputs.
        hidden_units: of a dense layer with relu before the last one; 0 for none.
        pooling: "last" for the last output; "max_mean" for the maximum and the mean over time
            (of the steps that the mask lets through) side by side; "last_max_mean" for these with
            the output at the text's last step in front (Howard and Ruder, section 3.3).
        dropout: rate on what the dense layers read.
        word_dropout: rate on whole words.
        embedding_dropout: rate on the features of the words, the same ones throughout a text.
        initialization: initial distributions of embedding and dense layers, "keras" or "torch".
        ngram_bits: of the `WordWeights` beside the network; 0 for none.

    Sources: J. Howard, S. Ruder, "Universal Language Model Fine-tuning for Text Classification",
    arXiv:1801.06146; G. Mesnil et al., "Ensemble of Generative and Discriminative Techniques for
    Sentiment Analysis of Movie Reviews", arXiv:1412.5335, for the two judging together.
    """

    num_words: int
    embedding_size: int
    layer: Layer
    hidden_units: int = 0
    pooling: str = "last"
    dropout: float = 0.0
    word_dropout: float = 0.0
    embedding_dropout: float = 0.0
    initialization: str = "keras"
    ngram_bits: int = 0

    @property
    def groups(self) -> tuple[tuple[str, ...], ...]:
        """The places of its parameters by layers, the top one first, for `LayerRates`."""
        layers = range(len(self.layer.layers))[::-1] if isinstance(self.layer, Stack) else ()
        rnn = [(f"rnn/{number}",) for number in layers] or [("rnn",)]
        return ("to_logit", "to_hidden", "beside"), *rnn, ("embedding",)

    @nn.compact
    def __call__(
        self, tokens: jax.Array, *, mask: jax.Array | None = None, training: bool = False
    ) -> jax.Array:
        """Word indices ``[B, T]``, mask ``[B, T]``: logits ``[B]``; positive means label 1."""
        drop = Dropout(self.dropout, deterministic=not training)
        embedding = nn.Embed(
            self.num_words,
            self.embedding_size,
            embedding_init=INITIALIZATIONS[self.initialization].embedding,
            name="embedding",
        )
        drop_words = Dropout(self.word_dropout, broadcast_dims=(2,), deterministic=not training)
        drop_features = Dropout(
            self.embedding_dropout, broadcast_dims=(1,), deterministic=not training
        )
        xs = drop_features(drop_words(embedding(tokens)))
        if self.pooling == "last":
            features = LastOutput(self.layer, name="rnn")(xs, mask=mask, training=training)
        else:
            ys = RNN(self.layer, name="rnn")(xs, mask=mask, training=training)[1]
            features = max_mean(ys, mask)
            if self.pooling == "last_max_mean":
                features = jnp.concatenate((last_step(ys, mask), features), axis=-1)
        features = drop(features)
        if self.hidden_units:
            hidden = dense(self.hidden_units, features.shape[-1], self.initialization, "to_hidden")
            features = drop(nn.relu(hidden(features)))
        logits = dense(1, features.shape[-1], self.initialization, "to_logit")(features)[..., 0]
        if not self.ngram_bits:
            return logits
        beside = WordWeights(self.num_words, self.ngram_bits, name="beside")(tokens)
        return logits if training else logits + beside
