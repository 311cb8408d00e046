"""Music in voices: the next note of each, given those before and those of the voices above."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn
from optax import softmax_cross_entropy_with_integer_labels as cross_entropy

from rnnjax.bridges.linen import RNN
from rnnjax.cell import Layer
from rnnjax.decoding import Sampling
from rnnjax.models.parts import Dropout, dense


class VoicesModel(nn.Module):
    r"""Several voices, the highest first: the chain rule over frames, and over voices within one.

    .. math:: y_t = \mathrm{layer}(x_1, …, x_t), \qquad
              p(x_{t+1}) = \prod_v p(x_{t+1,v} \mid y_t, x_t, x_{t+1,1}, …, x_{t+1,v-1})

    The layer reads the embeddings of all voices, and the place of the next frame in the bar. Each
    factor is a softmax behind a dense layer with rectifiers, which reads y_t, the embeddings of x_t
    and those of the voices above. So every joint law of the frames can be said.

    Attributes:
        layer: a cell, or a combination of cells, of `input_size` features.
        num_symbols: of each voice.
        num_voices: V.
        num_places: frames of a bar.
        embedding_size: features of a symbol, the same for all voices.
        dense_size: units of each dense layer.
        dropout: rate on embeddings, on what the layer gives, and on the dense layers, the same
            features throughout a piece.
        initialization: initial distributions, "keras" or "torch".
    """

    layer: Layer
    num_symbols: int
    num_voices: int = 4
    num_places: int = 16
    embedding_size: int = 32
    dense_size: int = 256
    dropout: float = 0.0
    initialization: str = "keras"

    def setup(self) -> None:
        """Makes the parts."""
        self.embedding = nn.Embed(self.num_symbols, self.embedding_size)
        self.rnn = RNN(self.layer)
        above = range(self.num_voices, 2 * self.num_voices)
        sizes = [self.layer.output_size + self.embedding_size * n for n in above]
        how = self.initialization
        self.hidden = [dense(self.dense_size, n, how, f"hidden_{v}") for v, n in enumerate(sizes)]
        self.to_logits = [
            dense(self.num_symbols, self.dense_size, how, f"to_logits_{v}")
            for v in range(self.num_voices)
        ]
        self.drop = Dropout(self.dropout, broadcast_dims=(1,))

    @staticmethod
    def input_size(num_voices: int, num_places: int, embedding_size: int) -> int:
        """Features that the layer reads."""
        return num_voices * embedding_size + num_places

    def _read(
        self, frames: jax.Array, places: jax.Array, carry: Any, training: bool
    ) -> tuple[Any, jax.Array]:
        """The carry, and what dense layers read of frames ``[B, T, V]``, places ``[B, T]``."""
        notes = self._embedded(frames)
        notes = self.drop(notes, deterministic=not training)
        place = jax.nn.one_hot((places + 1) % self.num_places, self.num_places, dtype=notes.dtype)
        carry, ys = self.rnn(jnp.concatenate((notes, place), -1), carry, training=training)
        ys = self.drop(ys, deterministic=not training)
        return carry, jnp.concatenate((ys, notes), -1)

    def _embedded(self, frames: jax.Array) -> jax.Array:
        notes = self.embedding(frames.astype(jnp.int32))
        return notes.reshape(*frames.shape[:-1], -1)

    def _logits(self, voice: int, read: jax.Array, above: jax.Array, training: bool) -> jax.Array:
        """Of a voice, given the symbols of those above it ``[B, T, voice]``."""
        both = jnp.concatenate((read, self._embedded(above)), -1) if voice else read
        units = nn.relu(self.hidden[voice](both))
        return self.to_logits[voice](self.drop(units, deterministic=not training))

    def logits(self, frames: jax.Array, *, training: bool = False) -> jax.Array:
        """Of each voice in each frame but the first, ``[B, T - 1, V, S]``; frames ``[B, T, V]``."""
        return self.next_logits(frames[:, :-1], frames[:, 1:], training=training)

    def next_logits(
        self, before: jax.Array, after: jax.Array, *, training: bool = False
    ) -> jax.Array:
        """Of each voice in the frames that follow each other's, ``[B, T, V, S]``.

        Args:
            before: symbols ``[B, T, V]``, from the first frame on.
            after: those a frame later, of which each voice reads the ones above it.
            training: whether there is dropout.
        """
        places = jnp.broadcast_to(jnp.arange(before.shape[1]), before.shape[:2])
        _, read = self._read(before, places, None, training)
        voices = range(self.num_voices)
        return jnp.stack([self._logits(v, read, after[..., :v], training) for v in voices], axis=2)

    def losses(self, frames: jax.Array, *, training: bool = False) -> jax.Array:
        """The sum of the voices' cross-entropies, of each frame but the first, nats ``[B, T - 1]``.

        Args:
            frames: symbols ``[B, T, V]``.
            training: whether there is dropout.
        """
        logits = self.logits(frames, training=training)
        wide = logits.astype(jnp.promote_types(logits.dtype, jnp.float32))
        return cross_entropy(wide, frames[:, 1:].astype(jnp.int32)).sum(axis=-1)

    def __call__(self, frames: jax.Array) -> jax.Array:
        """`losses`."""
        return self.losses(frames)

    def begin(self, batch_size: int) -> Any:
        """What was remembered before the first frame: the layer's carry, and how many were read."""
        return self.layer.initial_carry((batch_size,)), jnp.zeros((batch_size,), jnp.int32)

    def step(self, carry: Any, frame: jax.Array) -> tuple[Any, jax.Array]:
        """One frame ``[B, V]``: the next carry, and what `draw` needs to know of it."""
        inner, place = carry
        inner, read = self._read(frame[:, None], place[:, None], inner, False)
        return (inner, place + 1), read[:, 0]

    def draw(
        self, key: jax.Array, read: jax.Array, temperature: float, given: jax.Array
    ) -> jax.Array:
        """The next frame ``[B, V]``, voice after voice.

        Args:
            key: of the draw.
            read: of `step`.
            temperature: that logits are divided by; 0 for the likeliest symbol.
            given: symbols of voices that are known ``[B, V]``, and -1 where it is to be drawn.
        """
        frame = jnp.zeros_like(given)
        for voice, own in enumerate(jax.random.split(key, self.num_voices)):
            logits = self._logits(voice, read[:, None], frame[:, None, :voice], False)[:, 0]
            drawn = Sampling(temperature).draw(own, logits)
            known = given[:, voice]
            chosen = jnp.where(known >= 0, known, drawn.astype(known.dtype))
            frame = frame.at[:, voice].set(chosen)
        return frame
