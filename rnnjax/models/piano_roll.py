"""Piano rolls: how likely each key is to sound in the next frame."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn
from optax import sigmoid_binary_cross_entropy

from rnnjax.bridges.linen import RNN
from rnnjax.cell import Carry, Layer
from rnnjax.models.parts import Dropout, dense


class PianoRollModel(nn.Module):
    r"""Which keys sound next, each independent of the others given the past.

    .. math:: y_t = \mathrm{layer}(x_1, …, x_t), \qquad p(x_{t+1,k} = 1) = \sigma(W y_t + b)_k

    Attributes:
        layer: a cell, or a combination of cells, that reads frames.
        num_keys: K.
        dropout: rate on what the layer gives, the same features throughout a piece.
        skip: whether a matrix leads from each frame straight to the logits, W' x_t.
        initialization: initial distributions of the dense layer, "keras" or "torch".

    Source: N. Boulanger-Lewandowski, Y. Bengio, P. Vincent, "Modeling temporal dependencies in
    high-dimensional sequences", ICML 2012, their plain RNN.
    """

    layer: Layer
    num_keys: int
    dropout: float = 0.0
    skip: bool = False
    initialization: str = "keras"

    @nn.compact
    def __call__(
        self, frames: jax.Array, carry: Carry | None = None, *, training: bool = False
    ) -> tuple[Carry, jax.Array]:
        """Frames ``[B, T, K]``, 0 or 1: the final carry, and logits ``[B, T, K]`` of the next."""
        carry, ys = RNN(self.layer, name="rnn")(frames, carry, training=training)
        ys = Dropout(self.dropout, broadcast_dims=(1,), deterministic=not training)(ys)
        size, how = self.layer.output_size, self.initialization
        logits = dense(self.num_keys, size, how, "to_logits")(ys)
        if self.skip:
            logits += nn.Dense(self.num_keys, use_bias=False, name="from_frame")(frames)
        return carry, logits

    def losses(self, frames: jax.Array, *, training: bool = False) -> jax.Array:
        """The sum of the keys' cross-entropies, of each frame but the first, nats ``[B, T - 1]``.

        Args:
            frames: ``[B, T, K]``.
            training: whether there is dropout.
        """
        logits = self(frames[:, :-1], training=training)[1]
        wide = jnp.promote_types(logits.dtype, jnp.float32)
        targets = frames[:, 1:].astype(wide)
        return sigmoid_binary_cross_entropy(logits.astype(wide), targets).sum(axis=-1)

    def begin(self, batch_size: int) -> Any:
        """What was remembered before the first frame."""
        return self.layer.initial_carry((batch_size,))

    def step(self, carry: Any, frame: jax.Array) -> tuple[Any, jax.Array]:
        """One frame ``[B, K]``: the next carry, and the logits ``[B, K]`` of the next frame."""
        carry, logits = self(frame[:, None], carry)
        return carry, logits[:, 0]

    def draw(
        self, key: jax.Array, logits: jax.Array, temperature: float, given: jax.Array
    ) -> jax.Array:
        """The next frame ``[B, K]``, each key by itself.

        Args:
            key: of the draw.
            logits: ``[B, K]``.
            temperature: that they are divided by; 0 for the likelier one of each key.
            given: what sounds anyway, as of `frames` ``[B, K]``, and -1 where it is to be drawn.
        """
        if temperature == 0:
            drawn = logits > 0
        else:
            drawn = jax.random.bernoulli(key, jax.nn.sigmoid(logits / temperature))
        return jnp.where(given >= 0, given, drawn.astype(given.dtype))
