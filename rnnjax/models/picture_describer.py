"""Words about a picture."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn
from jax import lax

from rnnjax.attention.reader import Reader, stepped
from rnnjax.attention.scoring import Remembered
from rnnjax.bridges.linen import RNN
from rnnjax.bridges.named import from_named
from rnnjax.cell import Carry, Cell, Memory
from rnnjax.initializers import INITIALIZATIONS
from rnnjax.models.convolution import convolved
from rnnjax.models.parts import Dropout, dense, max_mean


class PictureDescriber(nn.Module):
    r"""How probable each word is to come next in what is said of a picture.

    A picture becomes a map m of ``h * w`` places with M features by convolutions of 3 x 3 with
    stride 2, each followed by max(0, x). They read two more channels with the row and the column
    of each pixel, from -1 to 1; without these the mean of a map doesn't know where anything is.

    Without attention the picture is what the decoder reads before the first word:

    .. math::
        s_0 &= \mathrm{step}(0,\, W_v [\max_s m_s;\, \mathrm{mean}_s\, m_s] + b_v) \\
        s_t &= \mathrm{step}(s_{t-1}, E_{w_{t-1}}), \qquad
        \mathrm{logits}_t = W_o h_t + b_o

    With attention each word looks at the places:

    .. math::
        s_0 &= \tanh(W_s\, \mathrm{mean}_s\, m_s + b_s), \qquad
        [h_t; c_t] = \mathrm{decoder}(s_{t-1}, E_{w_{t-1}};\, m) \\
        \mathrm{logits}_t &= W_o (E_{w_{t-1}} + W_y [h_t; c_t] + b_y) + b_o

    Attributes:
        num_words: V, size of the vocabulary.
        decoder: with attention a `rnnjax.attention.Attending` for places of M features; else any
            cell or `rnnjax.Stack` of cells. Its inputs are `embedding_size` features.
        embedding_size: E.
        channels: features after each convolution; the last ones are M. After n of them a map has
            ``ceil(height / 2^n)`` rows and ``ceil(width / 2^n)`` columns.
        dropout: rate on what the decoder reads and on what the last matrix reads.
        shift: in training, the most pixels that a picture is shifted by, both ways in rows and
            columns.
        initialization: initial distributions, "keras" or "torch", but of the convolutions, whose
            kernels are normal with variance 2 / fan.

    Sources: O. Vinyals, A. Toshev, S. Bengio, D. Erhan, "Show and tell", arXiv:1411.4555
    (without attention); K. Xu et al., "Show, attend and tell", arXiv:1502.03044, equation 7
    (with it; without the gate β and the penalty on the weights' sums); R. Liu et al.,
    arXiv:1807.03247 (channels with coordinates); K. He et al., arXiv:1502.01852 (their kernels).
    """

    num_words: int
    decoder: Cell
    embedding_size: int
    channels: tuple[int, ...] = (32, 64, 128)
    dropout: float = 0.0
    shift: int = 0
    initialization: str = "keras"

    def setup(self) -> None:
        """Makes the parts."""
        how = self.initialization
        drawn = INITIALIZATIONS[how].embedding
        self.words = nn.Embed(self.num_words, self.embedding_size, embedding_init=drawn)
        self.convolutions = [
            nn.Conv(
                number, (3, 3), strides=2, kernel_init=nn.initializers.he_normal(),
                conv_general_dilated=convolved, name=f"convolution_{i}",
            )
            for i, number in enumerate(self.channels)
        ]  # fmt: skip
        self.write, self.drop = RNN(self.decoder), Dropout(self.dropout)
        size = self.channels[-1]
        if isinstance(self.decoder, Reader):
            leaves = jax.tree.leaves(jax.eval_shape(self.decoder.cell.initial_carry))
            self.first_states = [
                dense(leaf.shape[-1], size, how, f"first_state_{i}")
                for i, leaf in enumerate(leaves)
            ]
            self.to_features = dense(
                self.embedding_size, self.decoder.output_size, how, "to_features"
            )
            size = self.embedding_size
        else:
            self.to_input = dense(self.embedding_size, 2 * size, how, "to_input")
            size = self.decoder.output_size
        self.to_logits = dense(self.num_words, size, how, "to_logits")

    def __call__(
        self, pictures: jax.Array, before: jax.Array, *, training: bool = False
    ) -> jax.Array:
        """The logits ``[B, T, V]`` of all words, each after those before it.

        Args:
            pictures: ``[B, height, width, channels]``, from 0 to 255: one channel of ink, or
                colours on white.
            before: numbers ``[B, T]``: what stands before each word, the first one a start.
            training: whether shifts and dropout draw from the stream "dropout".
        """
        carry, memory = self._read(pictures, training)
        xs = self.drop(self.words(before), deterministic=not training)
        _, ys = self.write(xs, carry, training=training, memory=memory)
        return self._logits(ys, xs, training)

    def encode(self, pictures: jax.Array) -> tuple[Remembered | None, Carry]:
        """What the steps read of pictures ``[B, …]``, if they read any, and the first carry."""
        carry, memory = self._read(pictures, False)
        if memory is None or not isinstance(self.decoder, Reader):
            return None, carry
        return self.decoder.remember(self._decoder_params(), memory), carry

    def step(
        self, encoded: Remembered | None, carry: Carry, symbols: jax.Array
    ) -> tuple[Carry, jax.Array, jax.Array | None]:
        """One word: the next carry, the logits ``[..., V]``, and the weights of the places.

        Args:
            encoded: of the same batch axes as the symbols, some of them possibly 1.
            carry: from `encode`, or from the step before.
            symbols: the last ones, numbers ``[...]``.
        """
        xs = self.words(symbols)
        carry, ys, weights = stepped(self.decoder, self._decoder_params(), carry, xs, encoded)
        return carry, self._logits(ys, xs, False), weights

    def _read(self, pictures: jax.Array, training: bool) -> tuple[Carry, Memory | None]:
        features = ink(pictures, self.words.embedding.dtype)
        if training and self.shift:
            features = shifted(features, self.shift, self.make_rng("dropout"))
        features = beside_places(features)
        for convolution in self.convolutions:
            features = nn.relu(convolution(features))
        places = features.reshape(len(features), -1, features.shape[-1])
        if not isinstance(self.decoder, Reader):
            first = self.to_input(max_mean(places, None))[:, None]
            first = self.drop(first, deterministic=not training)
            return self.write(first, training=training)[0], None
        mean = places.mean(axis=1)
        like = self.decoder.cell.initial_carry((len(mean),), mean.dtype)
        states = [jnp.tanh(first(mean)) for first in self.first_states]
        memory = Memory(places)
        state = jax.tree.unflatten(jax.tree.structure(like), states)
        return self.decoder.carry_around(state, memory), memory

    def _logits(self, ys: jax.Array, xs: jax.Array, training: bool) -> jax.Array:
        if isinstance(self.decoder, Reader):
            ys = self.to_features(ys)
            ys = ys + xs.astype(ys.dtype)
        return self.to_logits(self.drop(ys, deterministic=not training))

    def _decoder_params(self) -> Any:
        return from_named(self.decoder, self.write.variables["params"])


def ink(pictures: jax.Array, dtype: Any) -> jax.Array:
    """How much is drawn at each pixel, from 0 to 1: nothing is black with one channel, else white.

    So beyond a border, where a convolution reads zeros, there is nothing, too.
    """
    share = pictures.astype(dtype) / 255
    return share if pictures.shape[-1] == 1 else 1 - share


def shifted(pictures: jax.Array, most: int, key: jax.Array) -> jax.Array:
    """Each of the pictures ``[B, height, width, C]`` moved by up to so many pixels, uniformly.

    Zeros follow where it came from; what leaves the picture is lost.
    """
    padded = jnp.pad(pictures, ((0, 0), (most, most), (most, most), (0, 0)))
    corners = jax.random.randint(key, (len(pictures), 2), 0, 2 * most + 1)

    def cut(picture: jax.Array, corner: jax.Array) -> jax.Array:
        return lax.dynamic_slice(picture, (*corner, 0), pictures.shape[1:])

    return jax.vmap(cut)(padded, corners)


def beside_places(pictures: jax.Array) -> jax.Array:
    """Pictures ``[B, height, width, C]`` with two channels more: rows and columns, from -1 to 1."""
    height, width = pictures.shape[1:3]
    axes = [jnp.linspace(-1, 1, number, dtype=pictures.dtype) for number in (height, width)]
    places = jnp.stack(jnp.meshgrid(*axes, indexing="ij"), axis=-1)
    repeated = jnp.broadcast_to(places, (len(pictures), *places.shape))
    return jnp.concatenate((pictures, repeated), axis=-1)
