"""One sequence into another."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import linen as nn

from rnnjax.attention.reader import Reader, hidden, stepped
from rnnjax.bridges.linen import RNN
from rnnjax.bridges.named import from_named
from rnnjax.cell import Carry, Cell, Layer, Memory
from rnnjax.combinators import Bidirectional, Stack
from rnnjax.combinators.bidirectional import MERGES
from rnnjax.combinators.wrapper import Wrapper
from rnnjax.initializers import INITIALIZATIONS
from rnnjax.models.parts import Dropout, dense

BRIDGES = ("copy", "tanh")
READOUTS = ("plain", "wide", "deep")


class Encoded(NamedTuple):
    """What is known of a batch of sources; all that a decoder's steps read beside their state."""

    remembered: Any
    """What the decoder's attention makes of the encoder's outputs; None without attention."""
    context: jax.Array | None
    """``[B, C]``: what every step reads, if it reads the whole as one vector; else None."""


class EncoderDecoder(nn.Module):
    r"""How probable each symbol is to come next in a target, of which the source is known.

    .. math::
        (s^{enc}, m_1, …, m_S) &= \mathrm{encoder}(E_{x_1}, …, E_{x_S}) \\
        s_0 &= \mathrm{bridge}(s^{enc}) \\
        (s_t, y_t) &= \mathrm{decoder}(s_{t-1}, F_{w_{t-1}};\, m) \\
        \mathrm{logits}_t &= \mathrm{readout}(y_t, F_{w_{t-1}})

    Sources are padded behind; what is there, and how much of it, changes nothing.

    Attributes:
        num_sources: size of the sources' vocabulary.
        num_targets: V, of the targets'.
        encoder: any layer, of `embedding_size` inputs.
        decoder: with attention, a reader of `rnnjax.attention` for the encoder's outputs; else any
            cell or `rnnjax.Stack` of cells. Its inputs are `embedding_size` features, and with
            `context` as many more as the encoder's last state has.
        embedding_size: E, of both languages.
        context: whether every step of the decoder, and the readout, read the encoder's last
            state, as in Cho et al.
        bridge: "copy" for the encoder's final carry as it is, for which both must have the same
            cells; "tanh" for a dense layer and tanh of its last outputs, one for each array of
            the decoder's carry.
        readout: "plain" for a dense layer on y; "wide" for one on y, the context and the last
            symbol's embedding side by side; "deep" for tanh of such a layer of E features, and
            one more.
        tied: whether the last matrix is the targets' embedding; for "deep", or a y of E features.
            It is normal with the deviation 1/√E at first.
        dropout: rate on embeddings.
        memory_dropout: rate on the encoder's outputs.
        readout_dropout: rate on what the last matrix reads.
        initialization: initial distributions, "keras" or "torch".

    Sources: I. Sutskever, O. Vinyals, Q. Le, arXiv:1409.3215 (copied carries); K. Cho et al.,
    arXiv:1406.1078 (the context at every step); D. Bahdanau, K. Cho, Y. Bengio, arXiv:1409.0473
    (attention).
    """

    num_sources: int
    num_targets: int
    encoder: Layer
    decoder: Cell
    embedding_size: int
    context: bool = False
    bridge: str = "tanh"
    readout: str = "plain"
    tied: bool = False
    dropout: float = 0.0
    memory_dropout: float = 0.0
    readout_dropout: float = 0.0
    initialization: str = "keras"

    def setup(self) -> None:
        """Makes the parts."""
        usual = INITIALIZATIONS[self.initialization].embedding
        # Of a last matrix: with an embedding's small numbers all logits would begin alike.
        tied = nn.initializers.normal(self.embedding_size**-0.5) if self.tied else usual
        self.sources = nn.Embed(self.num_sources, self.embedding_size, embedding_init=usual)
        self.targets = nn.Embed(self.num_targets, self.embedding_size, embedding_init=tied)
        self.read, self.write = RNN(self.encoder), RNN(self.decoder)
        self.drop, self.drop_memory, self.drop_readout = (
            Dropout(rate) for rate in (self.dropout, self.memory_dropout, self.readout_dropout)
        )
        size = self.encoder.output_size
        inner = jax.tree.leaves(jax.eval_shape(self._decoding_cell.initial_carry))
        self.bridges = [
            dense(leaf.shape[-1], size, self.initialization, f"bridge_{i}")
            for i, leaf in enumerate(inner if self.bridge == "tanh" else [])
        ]
        num = self.decoder.output_size
        if self.readout != "plain":
            num += self.embedding_size + (size if self.context else 0)
        if self.readout == "deep":
            self.to_features = dense(self.embedding_size, num, self.initialization, "to_features")
            num = self.embedding_size
        if self.tied:
            self.bias = self.param("bias", nn.initializers.zeros, (self.num_targets,))
        else:
            self.to_logits = dense(self.num_targets, num, self.initialization, "to_logits")

    @property
    def _decoding_cell(self) -> Cell:
        return self.decoder.cell if isinstance(self.decoder, Reader) else self.decoder

    def __call__(
        self, sources: jax.Array, mask: jax.Array, before: jax.Array, *, training: bool = False
    ) -> jax.Array:
        """The logits ``[B, T, V]`` of all symbols of targets, each after those before it.

        Args:
            sources: numbers ``[B, S]``, padded behind.
            mask: ``[B, S]``, where there are any.
            before: numbers ``[B, T]``: what stands before each symbol, the first one a start.
            training: whether dropout draws from the stream "dropout".
        """
        carry, memory, context = self._encode(sources, mask, training)
        embedded = self.drop(self.targets(before), deterministic=not training)
        xs = _beside(embedded, context)
        read = memory if isinstance(self.decoder, Reader) else None
        _, ys = self.write(xs, carry, training=training, memory=read)
        return self._logits(ys, xs, training)

    def encode(self, sources: jax.Array, mask: jax.Array) -> tuple[Encoded, Carry]:
        """Sources ``[B, S]`` and their mask: what is known of them, and the first carry."""
        carry, memory, context = self._encode(sources, mask, False)
        remembered = None
        if isinstance(self.decoder, Reader):
            remembered = self.decoder.remember(self._decoder_params(), memory)
        return Encoded(remembered, context), carry

    def step(
        self, encoded: Encoded, carry: Carry, symbols: jax.Array
    ) -> tuple[Carry, jax.Array, jax.Array | None]:
        """One step: the next carry, the logits ``[..., V]``, and the weights of the places.

        Args:
            encoded: of the same batch axes as the symbols, some of them possibly 1.
            carry: from `encode`, or from the step before.
            symbols: the last ones, numbers ``[...]``.
        """
        embedded = self.targets(symbols)
        context = encoded.context
        if context is not None:
            context = jnp.broadcast_to(context, (*symbols.shape, context.shape[-1]))
            embedded = jnp.concatenate((embedded, context), axis=-1)
        params = self._decoder_params()
        carry, y, weights = stepped(self.decoder, params, carry, embedded, encoded.remembered)
        return carry, self._logits(y, embedded, False), weights

    def _encode(
        self, sources: jax.Array, mask: jax.Array, training: bool
    ) -> tuple[Carry, Memory, jax.Array | None]:
        xs = self.drop(self.sources(sources), deterministic=not training)
        final, ys = self.read(xs, mask=mask, training=training)
        memory = Memory(self.drop_memory(ys, deterministic=not training), mask)
        last = last_outputs(self.encoder, final)
        carry = final
        if self.bridge == "tanh":
            cell = self._decoding_cell
            like = cell.initial_carry(last.shape[:-1], last.dtype)
            parts = [jnp.tanh(bridge(last)) for bridge in self.bridges]
            carry = jax.tree.unflatten(jax.tree.structure(like), parts)
        if isinstance(self.decoder, Reader):
            carry = self.decoder.carry_around(carry, memory)
        return carry, memory, last if self.context else None

    def _logits(self, ys: jax.Array, xs: jax.Array, training: bool) -> jax.Array:
        if self.readout != "plain":
            ys = jnp.concatenate((ys, xs.astype(ys.dtype)), axis=-1)
        if self.readout == "deep":
            ys = jnp.tanh(self.to_features(ys))
        ys = self.drop_readout(ys, deterministic=not training)
        if not self.tied:
            return self.to_logits(ys)
        logits = self.targets.attend(ys)
        return logits + jnp.broadcast_to(self.bias.astype(logits.dtype), logits.shape)

    def _decoder_params(self) -> Any:
        return from_named(self.decoder, self.write.variables["params"])


def last_outputs(layer: Layer, carry: Carry) -> jax.Array:
    """What a layer has given at the end of a run, read from its carry, ``[B, O]``.

    Of both directions, what each gave at its own end.
    """
    if isinstance(layer, Stack):
        return last_outputs(layer.layers[-1], carry[-1])
    if isinstance(layer, Bidirectional):
        backward = layer.backward or layer.forward
        ends = last_outputs(layer.forward, carry[0]), last_outputs(backward, carry[1])
        return MERGES[layer.merge](*ends)
    if isinstance(layer, Wrapper):
        return last_outputs(layer.layer, carry)
    return hidden(carry)


def _beside(embedded: jax.Array, context: jax.Array | None) -> jax.Array:
    if context is None:
        return embedded
    repeated = jnp.broadcast_to(context[:, None], (*embedded.shape[:2], context.shape[-1]))
    return jnp.concatenate((embedded, repeated.astype(embedded.dtype)), axis=-1)
