"""A text to the next symbol at each of its places."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from flax import linen as nn

from rnnjax.bridges.linen import RNN
from rnnjax.cell import Carry, Layer
from rnnjax.initializers import INITIALIZATIONS
from rnnjax.models.parts import Dropout, dense


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

    @nn.compact
    def __call__(
        self, symbols: jax.Array, carry: Carry | None = None, *, training: bool = False
    ) -> tuple[Carry, jax.Array]:
        """Numbers ``[B, T]``: the final carry and the logits ``[B, T, V]`` of what comes next."""
        same = (1,) if self.variational else ()
        drop = Dropout(self.dropout, broadcast_dims=same, deterministic=not training)
        embedding = None
        if self.embedding_size:
            initial = INITIALIZATIONS[self.initialization].embedding
            embedding = nn.Embed(
                self.num_symbols, self.embedding_size, embedding_init=initial, name="embedding"
            )
            xs = drop(embedding(symbols))
        else:
            xs = symbols[..., None]
        carry, ys = RNN(self.layer, name="rnn")(xs, carry, training=training)
        ys, num_outputs = drop(ys), self.layer.output_size
        if embedding is None or not self.tied:
            to_logits = dense(self.num_symbols, num_outputs, self.initialization, "to_logits")
            return carry, to_logits(ys)
        if num_outputs != self.embedding_size:
            ys = nn.Dense(self.embedding_size, use_bias=False, name="to_embedding")(ys)
        bias = self.param("bias", nn.initializers.zeros, (self.num_symbols,))
        logits = embedding.attend(ys)
        return carry, logits + jnp.broadcast_to(bias.astype(logits.dtype), logits.shape)
