"""The models that the experiments train, as flax.linen modules."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from flax import linen as nn

from rnnjax.bridges.linen import RNN, LastOutput
from rnnjax.cell import Carry, Layer
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
    def __call__(
        self, xs: jax.Array, *, mask: jax.Array | None = None, training: bool = False
    ) -> jax.Array:
        """Inputs ``[B, T, D]``, mask ``[B, T]``: logits ``[B, C]``."""
        y = LastOutput(self.layer, name="rnn")(xs, mask=mask, training=training)
        return dense(self.num_classes, self.layer.output_size, self.initialization, "to_logits")(y)


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


class Dropout(nn.Dropout):
    """Flax's dropout, with the same masks, whose rate may also be a number inside of a program."""

    @nn.compact
    def __call__(
        self,
        inputs: jax.Array,
        deterministic: bool | None = None,
        rng: jax.Array | None = None,
    ) -> jax.Array:
        """Inputs of any shape: the same, some of them zero and the others larger."""
        if self.deterministic or not isinstance(self.rate, jax.Array):
            return super().__call__(inputs, deterministic, rng)
        kept = jnp.asarray(1.0 - self.rate)
        shape = [1 if i in self.broadcast_dims else n for i, n in enumerate(inputs.shape)]
        mask = jax.random.bernoulli(self.make_rng(self.rng_collection), kept, tuple(shape))
        return jnp.where(mask, inputs / kept.astype(inputs.dtype), 0)


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


def max_mean(ys: jax.Array, mask: jax.Array | None) -> jax.Array:
    """Maximum and mean over time of outputs ``[B, T, O]``, masked ``[B, T]``: ``[B, 2 O]``.

    A row without any step gives zeros.
    """
    if mask is None:
        return jnp.concatenate((ys.max(axis=1), ys.mean(axis=1)), axis=-1)
    steps = mask[..., None]
    count = jnp.maximum(mask.sum(axis=1, keepdims=True), 1).astype(ys.dtype)
    highest = jnp.where(steps, ys, jnp.finfo(ys.dtype).min).max(axis=1)
    highest = jnp.where(mask.any(axis=1, keepdims=True), highest, 0)
    return jnp.concatenate((highest, jnp.where(steps, ys, 0).sum(axis=1) / count), axis=-1)


def dense(num_outputs: int, num_inputs: int, initialization: str, name: str) -> nn.Dense:
    """A dense layer with the named framework's initial distributions."""
    chosen = INITIALIZATIONS[initialization]
    return nn.Dense(
        num_outputs,
        kernel_init=chosen.dense_kernel(num_inputs),
        bias_init=chosen.dense_bias(num_inputs),
        name=name,
    )
