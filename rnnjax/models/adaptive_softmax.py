"""A softmax over many words that costs little, because most of them are rare.

Words are numbered by falling frequency, and cut into bands. `AdaptiveEmbedding` has their matrices
and gives words' vectors; `AdaptiveSoftmax` gives words' probabilities by such matrices: its own, or
those of the embedding that a model reads with. `tail_losses` is the part whose work depends on the
data.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import linen as nn
from jax import lax
from optax import softmax_cross_entropy_with_integer_labels as cross_entropy

from rnnjax.initializers import INITIALIZATIONS, Initializer

BLOCK = 128
"""Words of a tail that are computed at a time; half as many, where that is enough for the rest."""


class Band(NamedTuple):
    """The matrices of words that stand side by side in the order of frequency."""

    table: jax.Array
    """Features of each of the words, ``[V_i, D_i]``."""
    projection: jax.Array | None
    """From these to a model's, ``[D_i, D]``; None where they are the same."""


def check_cutoffs(cutoffs: Sequence[int], num_symbols: int) -> None:
    """Whether a vocabulary can be cut so.

    Raises:
        ValueError: the cutoffs don't rise, or lie outside the vocabulary, or there is none.
    """
    ends = (0, *cutoffs, num_symbols)
    if len(ends) < 3 or any(low >= high for low, high in itertools.pairwise(ends)):
        raise ValueError(
            "cutoffs must be whole numbers that rise, the first above 0 and the last below the "
            f"number of symbols, {num_symbols:,}."
        )


class AdaptiveEmbedding(nn.Module):
    r"""Vectors of words, of the fewer features the rarer the word.

    .. math:: x_w = P_i^⊤ E_{i, w - c_i}, \quad c_i ≤ w < c_{i+1}, \quad
              E_i ∈ ℝ^{V_i × D_i}, \quad D_i = ⌊D / d^i⌋

    There is no P where :math:`D_i = D`; with a `div_value` of 1 it is a plain embedding in pieces.

    Attributes:
        num_symbols: V, of words numbered by falling frequency.
        num_features: D.
        cutoffs: :math:`c_1, c_2, …`, the first word of each band but the first.
        div_value: d, what each band has fewer features than the one before by.
        initialization: initial distributions, "keras" or "torch".
        table_init: that of the tables, if it is not the one of an embedding.

    Raises:
        ValueError: the vocabulary can't be cut so.

    Source: A. Baevski, M. Auli, "Adaptive input representations for neural language modeling",
    arXiv:1809.10853, section 3.
    """

    num_symbols: int
    num_features: int
    cutoffs: tuple[int, ...]
    div_value: float = 4.0
    initialization: str = "keras"
    table_init: Initializer | None = None

    def setup(self) -> None:
        """Draws the bands' matrices."""
        check_cutoffs(self.cutoffs, self.num_symbols)
        chosen, bands = INITIALIZATIONS[self.initialization], []
        ends = itertools.pairwise((0, *self.cutoffs, self.num_symbols))
        for i, (begin, end) in enumerate(ends):
            width = max(1, int(self.num_features // self.div_value**i))
            init = self.table_init or chosen.embedding
            table = self.param(f"table_{i}", init, (end - begin, width))
            projection = None
            if width != self.num_features:
                init = chosen.dense_kernel(self.num_features)
                projection = self.param(f"projection_{i}", init, (width, self.num_features))
            bands.append(Band(table, projection))
        self.bands = bands

    def __call__(self, symbols: jax.Array) -> jax.Array:
        """Numbers ``[...]``: their vectors ``[..., D]``."""
        vectors: Any = 0.0
        begin = 0
        for table, projection in self.bands:
            # Of the words of other bands there is nothing, here and in the gradient. (A number
            # below zero would count from the end.)
            place = symbols - begin
            place = jnp.where(place >= 0, place, len(table))
            found = table.at[place].get(mode="fill", fill_value=0)
            vectors += found if projection is None else found @ projection
            begin += len(table)
        return vectors


class AdaptiveSoftmax(nn.Module):
    r"""How probable each of many words is: a frequent one at once, a rare one in two steps.

    .. math::
        p(w) = h_w \; (w < c_1), \qquad
        p(w) = h_{c_1 + i - 1} · \mathrm{softmax}(E_i P_i y)_{w - c_i} \; (c_i ≤ w < c_{i+1}),
        \qquad h = \mathrm{softmax}(W y + b)

    W has the rows of :math:`E_0`, one for each frequent word, and one more for each tail.
    A tail is computed for the words that lie in it only, in whole blocks, as many as they fill:
    the loss is exact whatever words there are. Reverse-mode derivatives of first order only.

    Attributes:
        words: the matrices; an embedding that the model uses elsewhere is tied by this.
        use_bias: whether there is b.

    `torch.nn.AdaptiveLogSoftmaxWithLoss` is the same: its ``head.weight`` is ``table_0`` with
    ``clusters`` below it, ``tail.0.0.weight`` is ``projection_1``, ``tail.0.1.weight`` is
    ``table_1`` and so on; ``head_bias`` is `use_bias`.

    >>> softmax = AdaptiveSoftmax(AdaptiveEmbedding(1000, 16, (100, 300)))
    >>> params = softmax.init(jax.random.key(0), jnp.zeros(16))
    >>> ys, words = jnp.ones((2, 5, 16)), jnp.array([[1, 2, 3, 150, 4], [5, 999, 6, 0, 0]])
    >>> softmax.apply(params, ys, words, method="losses").shape
    (2, 5)
    >>> softmax.apply(params, ys).shape
    (2, 5, 1000)

    Source: E. Grave, A. Joulin, M. Cissé, D. Grangier, H. Jégou, "Efficient softmax approximation
    for GPUs", arXiv:1609.04309, section 4.
    """

    words: AdaptiveEmbedding
    use_bias: bool = True

    def setup(self) -> None:
        """Draws what the tails have in the head."""
        words = self.words
        chosen, num_tails = INITIALIZATIONS[words.initialization], len(words.cutoffs)
        check_cutoffs(words.cutoffs, words.num_symbols)
        width = words.num_features
        self.clusters = self.param("clusters", chosen.dense_kernel(width), (num_tails, width))
        if self.use_bias:
            number = words.cutoffs[0] + num_tails
            self.bias = self.param("bias", chosen.dense_bias(width), (number,))

    def __call__(self, ys: jax.Array) -> jax.Array:
        """Outputs ``[..., D]`` of a model: the log-probabilities of all words, ``[..., V]``."""
        return self.log_probs(ys)

    def log_probs(self, ys: jax.Array) -> jax.Array:
        """Outputs ``[..., D]`` of a model: the log-probabilities of all words, ``[..., V]``.

        They are of float32, if not of a wider type.
        """
        head = jax.nn.log_softmax(self._head_logits(ys))
        first = self.words.cutoffs[0]
        found = [head[..., :first]]
        for i, band in enumerate(self.words.bands[1:]):
            tail = jax.nn.log_softmax(_logits(band, ys))
            found.append(head[..., first + i, None] + tail)
        return jnp.concatenate(found, axis=-1)

    def losses(self, ys: jax.Array, targets: jax.Array) -> jax.Array:
        """Negative log-probabilities ``[...]`` of some words.

        They are of float32, if not of a wider type.

        Args:
            ys: outputs of a model, ``[..., D]``.
            targets: the words' numbers, ``[...]``.
        """
        shape, targets = targets.shape, targets.reshape(-1)
        ys = ys.reshape(len(targets), -1)
        cutoffs = jnp.array(self.words.cutoffs)
        tail_of = jnp.searchsorted(cutoffs, targets, side="right", method="compare_all")
        in_head = jnp.where(tail_of == 0, targets, cutoffs[0] + tail_of - 1)
        losses = cross_entropy(self._head_logits(ys), in_head)
        for i, band in enumerate(self.words.bands[1:]):
            losses += tail_losses(band, ys, targets - cutoffs[i], tail_of == i + 1)
        return losses.reshape(shape)

    def _head_logits(self, ys: jax.Array) -> jax.Array:
        # One product: put together, it is the logits that would be copied.
        table, projection = self.words.bands[0]
        logits = _logits(Band(jnp.concatenate((table, self.clusters)), projection), ys)
        if not self.use_bias:
            return logits
        return logits + jnp.broadcast_to(self.bias.astype(logits.dtype), logits.shape)


def _features(band: Band, ys: jax.Array) -> jax.Array:
    return ys if band.projection is None else ys @ band.projection.T


def _logits(band: Band, ys: jax.Array) -> jax.Array:
    logits = _features(band, ys) @ band.table.T
    return logits.astype(jnp.promote_types(logits.dtype, jnp.float32))


def tail_losses(band: Band, ys: jax.Array, targets: jax.Array, counted: jax.Array) -> jax.Array:
    """Negative log-probabilities ``[N]`` within a band of those words that are in it; 0 of others.

    As many blocks of `BLOCK` words are computed as those fill: the others cost nothing, whatever
    their number.

    Args:
        band: the matrices.
        ys: ``[N, D]``.
        targets: int ``[N]``, counted from the band's first word; anything where not counted.
        counted: bool ``[N]``, which words are in the band.
    """
    number = len(targets)
    # The places of the words that count, in order, and then places that there are not: reading
    # there gives zeros, and what is written there is lost.
    places = jnp.sort(jnp.where(counted, jnp.arange(number), number))
    places = jnp.pad(places, (0, BLOCK), constant_values=number)
    return _in_blocks(band, ys, targets, places, counted.sum())


def _read(a: jax.Array, at: jax.Array) -> jax.Array:
    return a.at[at].get(mode="fill", fill_value=0, indices_are_sorted=True)


def _over_blocks(
    block: Callable[[jax.Array, Any], Any], places: jax.Array, count: jax.Array, state: Any
) -> Any:
    half = BLOCK // 2
    whole = (count + half - 1) // BLOCK
    rest = jnp.where(count > whole * BLOCK, 1, 0)

    def of(size: int, first: Any) -> Callable[[Any, Any], Any]:
        return lambda i, state: block(
            lax.dynamic_slice_in_dim(places, first + i * size, size), state
        )

    state = lax.fori_loop(0, whole, of(BLOCK, 0), state)
    # A loop, too: of a condition under `vmap` both sides would be computed.
    return lax.fori_loop(0, rest, of(half, whole * BLOCK), state)


@jax.custom_vjp
def _in_blocks(
    band: Band, ys: jax.Array, targets: jax.Array, places: jax.Array, count: jax.Array
) -> jax.Array:
    return _forward(band, ys, targets, places, count)[0]


def _forward(
    band: Band, ys: jax.Array, targets: jax.Array, places: jax.Array, count: jax.Array
) -> tuple[jax.Array, Any]:
    def block(at: jax.Array, found: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        logits = _logits(band, _read(ys, at))
        norms = jax.nn.logsumexp(logits, axis=-1)
        of_targets = jnp.take_along_axis(logits, _read(targets, at)[:, None], axis=-1)[:, 0]
        losses, all_norms = found
        return (
            losses.at[at].set(norms - of_targets, mode="drop"),
            all_norms.at[at].set(norms, mode="drop"),
        )

    zeros = jnp.zeros(len(ys), jnp.result_type(ys, band.table, jnp.float32))
    losses, norms = _over_blocks(block, places, count, (zeros, zeros))
    return losses, (band, ys, targets, places, count, norms)


def _backward(saved: Any, cotangents: jax.Array) -> tuple[Any, ...]:
    # A loop of our own, because its gradients add up where they are: a differentiated one would
    # keep the logits of every block that there might be.
    band, ys, targets, places, count, norms = saved
    dtype = cotangents.dtype

    def block(at: jax.Array, sums: tuple[Band, jax.Array]) -> tuple[Band, jax.Array]:
        x = _read(ys, at)
        features = _features(band, x)
        logits = (features @ band.table.T).astype(dtype)
        g = _read(cotangents, at)[:, None]
        words = lax.broadcasted_iota(targets.dtype, logits.shape, 1)
        picked = words == _read(targets, at)[:, None]
        d_logits = g * (jnp.exp(logits - _read(norms, at)[:, None]) - picked)
        d_logits = d_logits.astype(band.table.dtype)
        (d_table, d_projection), d_ys = sums
        d_table += (d_logits.T @ features).astype(dtype)
        d_features = d_logits @ band.table
        if band.projection is not None:
            d_projection += (d_features.T @ x).astype(dtype)
            d_features @= band.projection
        return Band(d_table, d_projection), d_ys.at[at].set(
            d_features.astype(ys.dtype), mode="drop"
        )

    sums = jax.tree.map(lambda a: jnp.zeros(a.shape, dtype), band), jnp.zeros_like(ys)
    d_band, d_ys = _over_blocks(block, places, count, sums)
    d_band = jax.tree.map(lambda d, a: d.astype(a.dtype), d_band, band)
    return d_band, d_ys, None, None, None


_in_blocks.defvjp(_forward, _backward)
