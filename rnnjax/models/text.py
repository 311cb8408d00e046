"""A text to one of two classes."""

from __future__ import annotations

import jax
from flax import linen as nn

from rnnjax.bridges.linen import RNN, LastOutput
from rnnjax.cell import Layer
from rnnjax.initializers import INITIALIZATIONS
from rnnjax.models.parts import Dropout, dense, max_mean


class TextClassifier(nn.Module):
    r"""A text to one logit: embedding, recurrent layer, pooling, dense layers.

    Attributes:
        num_words: V, indices in the vocabulary.
        embedding_size: E.
        layer: a cell, or a combination of cells, for E inputs.
        hidden_units: of a dense layer with relu before the last one; 0 for none.
        pooling: "last" for the last output, "max_mean" for the maximum and the mean over time
            (of the steps that the mask lets through) side by side.
        dropout: rate on what the dense layers read.
        word_dropout: rate on whole words.
        embedding_dropout: rate on the features of the words, the same ones throughout a text.
        initialization: initial distributions of embedding and dense layers, "keras" or "torch".
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
        features = drop(features)
        if self.hidden_units:
            hidden = dense(self.hidden_units, features.shape[-1], self.initialization, "to_hidden")
            features = drop(nn.relu(hidden(features)))
        return dense(1, features.shape[-1], self.initialization, "to_logit")(features)[..., 0]
