"""A text to the next symbol at each of its places."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import linen as nn
from optax import softmax_cross_entropy_with_integer_labels as cross_entropy

from rnnjax.bridges.linen import RNN
from rnnjax.cell import Carry, Layer
from rnnjax.initializers import INITIALIZATIONS, Initializer
from rnnjax.models.adaptive_softmax import AdaptiveEmbedding, AdaptiveSoftmax
from rnnjax.models.parts import Dropout, dense


class Outputs(NamedTuple):
    """What the layer of a model gives at every place, ``[B, T, O]``."""

    ys: jax.Array
    """As it comes."""
    dropped: jax.Array
    """As the next layer reads it: after dropout, in training; else the same."""


class LanguageModel(nn.Module):
    r"""How probable each symbol is to come next, at every place of a text.

    .. math:: y = \mathrm{layer}(E_{w_1}, E_{w_2}, …), \qquad
              \mathrm{logits}_t = W y_t + b, \quad W = E \text{ if tied}

    Attributes:
        num_symbols: V.
        layer: a cell, or a combination of cells: of `embedding_size` inputs, or a `rnnjax.OneHot`
            (or a `rnnjax.Stack` with one below) that reads the symbols' numbers themselves.
        embedding_size: features of a symbol; 0 where the layer reads numbers.
        tied: whether the embedding is the last layer's matrix, too; where the layer has another
            number of outputs, a dense layer without bias comes between.
        dropout: rate on what the layer reads and on what it gives.
        variational: whether the same features are left out throughout a window, or others at each
            step.
        initialization: initial distributions, "keras" or "torch".
        cutoffs: the first word of each tail of an `AdaptiveSoftmax`, where there is one: the
            symbols are numbered by falling frequency then. Tied, it has the matrices of an
            `AdaptiveEmbedding`.
        div_value: what each of its bands has fewer features than the one before by.
        starts: numbers of symbols that something new begins with: before one of them the state
            begins anew.

    Raises:
        ValueError: the vocabulary can't be cut so.

    Source: T. Mikolov et al., "Recurrent neural network based language model", Interspeech 2010;
    tied as in H. Inan, K. Khosravi, R. Socher, "Tying word vectors and word classifiers",
    arXiv:1611.01462, and O. Press, L. Wolf, arXiv:1608.05859.
    """

    num_symbols: int
    layer: Layer
    embedding_size: int = 0
    tied: bool = False
    dropout: float = 0.0
    variational: bool = False
    initialization: str = "keras"
    cutoffs: tuple[int, ...] = ()
    div_value: float = 4.0
    starts: tuple[int, ...] = ()

    def __call__(
        self, symbols: jax.Array, carry: Carry | None = None, *, training: bool = False
    ) -> tuple[Carry, jax.Array]:
        """Numbers ``[B, T]``: the final carry and the logits ``[B, T, V]`` of what comes next.

        Those of an adaptive softmax are log-probabilities.
        """
        return self._run(symbols, carry, None, training)[:2]

    def losses(
        self,
        symbols: jax.Array,
        targets: jax.Array,
        carry: Carry | None = None,
        *,
        training: bool = False,
    ) -> tuple[Carry, jax.Array]:
        """Numbers ``[B, T]``, and those that came next: the final carry, and the losses ``[B, T]``.

        They are negative log-probabilities in nats, of float32 if not of a wider type.
        """
        return self._run(symbols, carry, targets, training)[:2]

    def losses_and_outputs(
        self,
        symbols: jax.Array,
        targets: jax.Array,
        carry: Carry | None = None,
        *,
        training: bool = False,
    ) -> tuple[Carry, jax.Array, Outputs]:
        """As `losses`, and what the layer has given for them."""
        return self._run(symbols, carry, targets, training)

    @nn.compact
    def _run(
        self, symbols: jax.Array, carry: Carry | None, targets: jax.Array | None, training: bool
    ) -> tuple[Carry, jax.Array, Outputs]:
        same = (1,) if self.variational else ()
        drop = Dropout(self.dropout, broadcast_dims=same, deterministic=not training)
        embedding = self._embedding() if self.embedding_size else None
        xs = symbols[..., None] if embedding is None else drop(embedding(symbols))
        resets = jnp.isin(symbols, jnp.array(self.starts)) if self.starts else None
        carry, ys = RNN(self.layer, name="rnn")(xs, carry, resets=resets, training=training)
        outputs = Outputs(ys, drop(ys))
        ys, num_outputs = outputs.dropped, self.layer.output_size
        tied = embedding if self.tied else None
        if tied is not None and num_outputs != self.embedding_size:
            ys = nn.Dense(self.embedding_size, use_bias=False, name="to_embedding")(ys)
        if self.cutoffs:
            softmax = self._adaptive_softmax(tied)
            found = softmax(ys) if targets is None else softmax.losses(ys, targets)
            return carry, found, outputs
        if tied is None:
            logits = dense(self.num_symbols, num_outputs, self.initialization, "to_logits")(ys)
        else:
            bias = self.param("bias", nn.initializers.zeros, (self.num_symbols,))
            logits = tied.attend(ys)
            logits += jnp.broadcast_to(bias.astype(logits.dtype), logits.shape)
        if targets is None:
            return carry, logits, outputs
        wide = jnp.promote_types(logits.dtype, jnp.float32)
        return carry, cross_entropy(logits.astype(wide), targets), outputs

    def _embedding(self) -> Any:
        if self.tied and self.cutoffs:
            return self._bands(self.embedding_size, None, "embedding")
        initial = INITIALIZATIONS[self.initialization].embedding
        return nn.Embed(
            self.num_symbols, self.embedding_size, embedding_init=initial, name="embedding"
        )

    def _adaptive_softmax(self, tied: AdaptiveEmbedding | None) -> AdaptiveSoftmax:
        number = self.layer.output_size
        initial = INITIALIZATIONS[self.initialization].dense_kernel(number)
        words = tied if tied is not None else self._bands(number, initial, "words")
        return AdaptiveSoftmax(words, name="softmax")

    def _bands(
        self, num_features: int, initial: Initializer | None, name: str
    ) -> AdaptiveEmbedding:
        return AdaptiveEmbedding(
            self.num_symbols, num_features, self.cutoffs, self.div_value, self.initialization,
            initial, name=name,
        )  # fmt: skip
