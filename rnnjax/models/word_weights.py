"""A linear model of a text: a weight for each word and for each pair of neighbouring words."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from flax import linen as nn
from jax import lax

from rnnjax.data.ragged import PADDING
from rnnjax.data.word_pairs import bucket


class WordWeights(nn.Module):
    r"""A bias, a weight for each word of a text, and one for each pair of neighbours, added up.

    .. math:: s = b + \sum_t u_{w_t} + \sum_{t > 1} v_{h(w_{t-1}, w_t)}

    with h from `rnnjax.data.word_pairs.bucket`; what `PADDING` stands for counts nowhere. The
    parameters are those of a `rnnjax.data.word_pairs.LinearModel`, and stay as they are: no
    gradient comes to them.

    Attributes:
        num_words: V, indices in the vocabulary.
        bits: there are 2 to this power weights of pairs, which share them where h is the same.
    """

    num_words: int
    bits: int

    @nn.compact
    def __call__(self, tokens: jax.Array) -> jax.Array:
        """Word indices ``[B, T]``: sums ``[B]``."""
        bias = self._given("bias", ())
        words, pairs = (
            self._given("words", (self.num_words,)),
            self._given("pairs", (2**self.bits,)),
        )
        there, first, second = tokens != PADDING, tokens[:, :-1], tokens[:, 1:]
        of_words = jnp.where(there, words[tokens], 0).sum(axis=1)
        of_pairs = jnp.where(
            there[:, :-1] & there[:, 1:], pairs[bucket(first, second, self.bits)], 0
        ).sum(axis=1)
        return bias + of_words + of_pairs

    def _given(self, name: str, shape: tuple[int, ...]) -> jax.Array:
        return lax.stop_gradient(self.param(name, nn.initializers.zeros, shape))
