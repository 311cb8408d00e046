"""A linear model of a text: a weight for each word and for each n-gram."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from flax import linen as nn
from jax import lax

from rnnjax.data.ragged import PADDING
from rnnjax.data.word_ngrams import bucket, hashed


class WordWeights(nn.Module):
    r"""A bias, a weight for each word of a text, and one for each of its n-grams, added up.

    .. math:: s = b + \sum_t u_{w_t} + \sum_{n > 1} \sum_{t \geq n} v_{h(w_{t-n+1}, ..., w_t)}

    with h the `rnnjax.data.word_ngrams.bucket` of an n-gram of up to three words; what `PADDING`
    stands for counts nowhere. The parameters are those of a `rnnjax.data.word_ngrams.LinearModel`,
    and stay as they are: no gradient comes to them.

    Attributes:
        num_words: V, indices in the vocabulary.
        bits: there are 2 to this power weights of n-grams, which share them where h is the same.
    """

    num_words: int
    bits: int

    @nn.compact
    def __call__(self, tokens: jax.Array) -> jax.Array:
        """Word indices ``[B, T]``: sums ``[B]``."""
        words = self._given("words", (self.num_words,))
        ngrams = self._given("ngrams", (2**self.bits,))
        total = self._given("bias", ()) + jnp.where(tokens != PADDING, words[tokens], 0).sum(axis=1)
        for number, whole in hashed(tokens):
            total += jnp.where(whole, ngrams[bucket(number, self.bits)], 0).sum(axis=1)
        return total

    def _given(self, name: str, shape: tuple[int, ...]) -> jax.Array:
        return lax.stop_gradient(self.param(name, nn.initializers.zeros, shape))
