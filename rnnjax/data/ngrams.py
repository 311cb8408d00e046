"""Language models that count: n-grams, interpolated with shorter ones, by Witten and Bell.

What a network has to beat. Nothing here loops over tokens: an n-gram has a number, which together
with the token behind it is the key of the n-gram that is longer by one. So keys fit into 64 bits
whatever the order, and counting is sorting.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

MAX_ORDER = 16
"""Longer contexts say no more, and each takes a sort of all tokens."""

UNSEEN = -1
"""The number of an n-gram that does not occur in training: the last entry of a `Level`'s arrays."""


class Grams(NamedTuple):
    """The n-grams of one length, sorted by their context, then by their last token.

    Attributes:
        keys: int64 ``[G]``, ascending: number of the context times symbols, plus the last token.
        contexts: int64 ``[G]``: number of the n-gram without its last token, one length below.
        suffixes: int64 ``[G]``: number of the n-gram without its first token, one length below.
        counts: int64 ``[G]``: how often it occurs.
        begins: bool ``[G]``: whether a sequence begins with it.
    """

    keys: np.ndarray
    contexts: np.ndarray
    suffixes: np.ndarray
    counts: np.ndarray
    begins: np.ndarray

    def find(self, keys: np.ndarray) -> np.ndarray:
        """The numbers of n-grams by their keys, `UNSEEN` for one that is not there."""
        if not len(self.keys):
            return np.full(keys.shape, UNSEEN)
        places = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
        return np.where(self.keys[places] == keys, places, UNSEEN)


class Places(NamedTuple):
    """What is before each token of a stream, for one length n of context.

    Attributes:
        reached: bool ``[N]``: whether there are n tokens of its sequence before it.
        contexts: int64 ``[N]``: the number of these n tokens; `UNSEEN` where not `reached`.
        grams: int64 ``[N]``: the number of these and the token itself.
    """

    reached: np.ndarray
    contexts: np.ndarray
    grams: np.ndarray


class NgramCounts:
    """How often every sequence of up to ``order + 1`` tokens occurs.

    Args:
        tokens: integers below `num_symbols`, ``[N]``, one sequence after the other.
        num_symbols: V, the size of the vocabulary.
        order: tokens of the longest context.
        starts: places in `tokens` where a sequence begins, which no n-gram reaches across; the
            ``offsets`` of a `rnnjax.data.ragged.Ragged` will do. By default all is one sequence.

    Attributes:
        grams: `Grams` by length less one, so by length of their context.

    Raises:
        ValueError: the tokens are no integers or outside the vocabulary, or there are none; the
            order is negative or above `MAX_ORDER`; a start is outside of the tokens.
    """

    def __init__(
        self, tokens: ArrayLike, num_symbols: int, order: int, starts: ArrayLike | None = None
    ):
        if num_symbols < 1:
            raise ValueError(f"num_symbols is {num_symbols}: a vocabulary has one symbol or more.")
        if not 0 <= order <= MAX_ORDER:
            raise ValueError(f"order is {order}: a context has 0 to {MAX_ORDER} tokens.")
        self.num_symbols, self.order = num_symbols, order
        stream, depths = self._stream(tokens, starts)
        if not len(stream):
            raise ValueError("There are no tokens, so there are no n-grams to count.")
        self.grams: list[Grams] = []
        ended = np.zeros(len(stream), np.int64)  # the number of the n-gram that ends there
        for n in range(order + 1):
            (there,) = np.nonzero(depths >= n)
            keys, numbers, counts = np.unique(
                ended[there - 1] * num_symbols + stream[there],
                return_inverse=True,
                return_counts=True,
            )
            suffixes, begins = np.zeros(len(keys), np.int64), np.zeros(len(keys), bool)
            suffixes[numbers] = ended[there]
            begins[numbers[depths[there] == n]] = True
            self.grams.append(Grams(keys, keys // num_symbols, suffixes, counts, begins))
            ended = np.full(len(stream), UNSEEN)
            ended[there] = numbers

    def num_contexts(self, n: int) -> int:
        """How many contexts of n tokens there are."""
        return len(self.grams[n - 1].keys) if n else 1

    def places(self, tokens: ArrayLike, starts: ArrayLike | None = None) -> Iterator[Places]:
        """Finds every token of a stream after every length of context, from 0 up to the order.

        Args:
            tokens: integers below `num_symbols`, ``[N]``.
            starts: places where sequences begin, as for the class.

        Raises:
            ValueError: as the class does, but there may be no tokens.
        """
        stream, depths = self._stream(tokens, starts)
        ended = np.zeros(len(stream), np.int64)
        for n, grams in enumerate(self.grams):
            reached = depths >= n
            # Of no tokens the number is 0 everywhere: before the first, too, the last one's serves.
            contexts = np.where(reached, np.roll(ended, 1), UNSEEN)
            (seen,) = np.nonzero(contexts != UNSEEN)
            ended = np.full(len(stream), UNSEEN)
            ended[seen] = grams.find(contexts[seen] * self.num_symbols + stream[seen])
            yield Places(reached, contexts, ended)

    def _stream(self, tokens: ArrayLike, starts: ArrayLike | None) -> tuple[np.ndarray, np.ndarray]:
        """The tokens, and how many of its sequence are before each."""
        stream = np.asarray(tokens)
        if stream.ndim != 1 or (stream.size and stream.dtype.kind not in "iu"):
            raise ValueError(
                f"The tokens are {stream.dtype} of shape {stream.shape}: they must be integers in "
                "one row."
            )
        outside = (stream < 0) | (stream >= self.num_symbols)
        if outside.any():
            raise ValueError(
                f"Token {stream[outside.argmax()]} is none of the {self.num_symbols} symbols, "
                "which are numbered from 0."
            )
        places = np.arange(len(stream))
        begins = np.asarray([] if starts is None else starts, np.int64)
        if begins.size and not 0 <= begins.min() <= begins.max() <= len(stream):
            raise ValueError(
                f"Sequences start at places from {begins.min()} to {begins.max()}, but there are "
                f"{len(stream)} tokens."
            )
        latest = np.zeros(len(stream), np.int64)
        latest[begins[begins < len(stream)]] = begins[begins < len(stream)]
        return stream.astype(np.int64), places - np.maximum.accumulate(latest)


class Level(NamedTuple):
    r"""What one length of context adds to a shorter one: :math:`p(w|c) = s_{cw} + r_c\, p(w|c')`.

    The context c' is c without its oldest token.

    Attributes:
        share: s, float64 ``[G + 1]``, of each n-gram, and 0 of an unseen one.
        rest: r, float64 ``[contexts + 1]``, of each context, and 1 of an unseen one.
    """

    share: np.ndarray
    rest: np.ndarray

    @classmethod
    def build(cls, grams: Grams, num_contexts: int, taken: np.ndarray, left: np.ndarray) -> Level:
        """A level in which every context is divided among its n-grams and the shorter context.

        Args:
            grams: those of this length.
            num_contexts: how many contexts there are.
            taken: of each n-gram, ``[G]``, in any unit.
            left: to the shorter context, of each n-gram, in the same unit.
        """
        left = np.bincount(grams.contexts, left, num_contexts)
        whole = np.bincount(grams.contexts, taken, num_contexts) + left
        with np.errstate(invalid="ignore"):
            # Nothing follows on the last tokens of a sequence, where they occur nowhere else.
            rest = np.where(whole > 0, left / whole, 1.0)
        return cls(np.append(taken / whole[grams.contexts], 0.0), np.append(rest, 1.0))

    def refined(self, places: Places, shorter: np.ndarray) -> np.ndarray:
        """The probabilities of tokens ``[N]``, given those by the shorter context."""
        return self.share[places.grams] + self.rest[places.contexts] * shorter


class Interpolated:
    """A language model of n-grams in which every length of context refines a shorter one.

    Args:
        counts: of the n-grams of the training tokens.
        inner: for each length of context from 0, what it adds where longer ones follow. The
            longest one's is not used.
        last: the same where none does; by default `inner`.
    """

    def __init__(
        self, counts: NgramCounts, inner: Sequence[Level], last: Sequence[Level] | None = None
    ):
        self.counts, self.inner = counts, inner
        self.last = inner if last is None else last

    def log_probs(self, tokens: ArrayLike, starts: ArrayLike | None = None) -> np.ndarray:
        """The natural logarithms of how probable each token is after those before it.

        Args:
            tokens: integers below the size of the vocabulary, ``[N]``.
            starts: places where sequences begin, as for `NgramCounts`: no context reaches across.

        Returns:
            float64 ``[order + 1, N]``: row n is the model with up to n tokens of context. A token
            with fewer of its sequence before it has those, the first one none.

        Raises:
            ValueError: as `NgramCounts` does.
        """
        rows: list[np.ndarray] = []
        inner = np.array(1 / self.counts.num_symbols)
        for n, places in enumerate(self.counts.places(tokens, starts)):
            row = self.last[n].refined(places, inner)
            rows.append(np.where(places.reached, row, rows[-1]) if n else row)
            if n < self.counts.order:
                inner = self.inner[n].refined(places, inner)
        return np.log(np.stack(rows))

    def losses(
        self,
        tokens: ArrayLike,
        starts: ArrayLike | None = None,
        *,
        mask: ArrayLike | None = None,
    ) -> np.ndarray:
        """Mean negative log-likelihood in nats by length of context, ``[order + 1]``.

        Args:
            tokens: integers below the size of the vocabulary, ``[N]``.
            starts: places where sequences begin, as for `NgramCounts`.
            mask: bool ``[N]``, which tokens count; by default all. The others are context still.

        Raises:
            ValueError: as `NgramCounts` does; the mask has another shape, or leaves no token.
        """
        log_probs = self.log_probs(tokens, starts)
        if mask is not None:
            chosen = np.asarray(mask, bool)
            if chosen.shape != log_probs.shape[1:]:
                raise ValueError(
                    f"The mask has shape {chosen.shape}, and the tokens {log_probs.shape[1:]}."
                )
            log_probs = log_probs[:, chosen]
        if not log_probs.size:
            raise ValueError("No token counts, so there is no mean loss.")
        return -log_probs.mean(axis=1)

    def continued(self, ended: np.ndarray, tokens: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """How probable tokens are after contexts, and what they end, to go on from.

        Args:
            ended: of each context the numbers of the n-grams that it ends with, of 0, 1, … tokens,
                int64 ``[N, M]``; before any token ``[N, 1]`` of 0.
            tokens: the next ones ``[N]``.

        Returns:
            Probabilities ``[N]``, and the same numbers of the contexts with these tokens behind, of
            as many tokens at most as the order.
        """
        after, probs = [np.zeros(len(tokens), np.int64)], np.array(1 / self.counts.num_symbols)
        longest = ended.shape[1] - 1
        for n, grams in enumerate(self.counts.grams[: longest + 1]):
            contexts = ended[:, n]
            numbers = np.full(len(tokens), UNSEEN)
            (seen,) = np.nonzero(contexts != UNSEEN)
            numbers[seen] = grams.find(contexts[seen] * self.counts.num_symbols + tokens[seen])
            level = (self.last if n == longest else self.inner)[n]
            probs = level.refined(Places(seen, contexts, numbers), probs)
            after.append(numbers)
        return probs, np.stack(after[: self.counts.order + 1], axis=1)

    def distribution(self, context: ArrayLike = ()) -> np.ndarray:
        """How probable each symbol is as the next one, float64 ``[V]``.

        Args:
            context: the tokens before it, of which the last ones are used, as many as the order.

        Raises:
            ValueError: as `NgramCounts` does.
        """
        size, longest = self.counts.num_symbols, self.counts.order
        tokens = np.asarray(context)[-longest:] if longest else np.zeros(0, int)
        ended = [place.grams[-1] for place in self.counts.places(tokens)] if len(tokens) else []
        probs = np.full(size, 1 / size)
        for n, number in enumerate([0, *ended[: len(tokens)]]):
            level = (self.last if n == len(tokens) else self.inner)[n]
            keys = self.counts.grams[n].keys
            probs = level.rest[number] * probs
            if number != UNSEEN:
                block = slice(*np.searchsorted(keys, (number * size, (number + 1) * size)))
                probs[keys[block] - number * size] += level.share[block]
        return probs


class WittenBell(Interpolated):
    r"""An n-gram model that trusts a context the less, the more different tokens followed on it.

    .. math::

        p_n(w|c) = \frac{N_{cw} + T_c\, p_{n-1}(w|c')}{N_c + T_c}, \qquad p_{-1}(w) = \frac{1}{V}

    with how often w followed on the n tokens c in training :math:`N_{cw}`, their sum over all w
    :math:`N_c`, how many different w followed :math:`T_c`, and c without its oldest token c'. On
    what never occurred :math:`p_n = p_{n-1}`; below the single tokens all are equally probable.

    Ian H. Witten and Timothy C. Bell: The Zero-Frequency Problem, IEEE Transactions on Information
    Theory 37 (1991), method C; interpolated as in section 2.7 of Stanley F. Chen and Joshua
    Goodman: An Empirical Study of Smoothing Techniques for Language Modeling, TR-10-98, Harvard
    University 1998.

    Args:
        tokens: to learn from, integers below `num_symbols`, ``[N]``.
        num_symbols: V, the size of the vocabulary.
        order: tokens of the longest context: 0 for single tokens, 1 for bigrams.
        starts: places where sequences begin, as for `NgramCounts`: by default all is one.

    Raises:
        ValueError: as `NgramCounts` does.

    >>> tokens = np.array([0, 1, 0, 1, 0, 2])
    >>> model = WittenBell(tokens, num_symbols=4, order=1)
    >>> model.distribution([0]).round(3).tolist()  # 1 followed twice, 2 once
    [0.167, 0.522, 0.278, 0.033]
    >>> model.losses(tokens).round(3).tolist()
    [1.106, 0.648]
    """

    def __init__(
        self, tokens: ArrayLike, num_symbols: int, order: int, starts: ArrayLike | None = None
    ):
        counts = NgramCounts(tokens, num_symbols, order, starts)
        super().__init__(
            counts,
            [
                Level.build(grams, counts.num_contexts(n), grams.counts, np.ones(len(grams.keys)))
                for n, grams in enumerate(counts.grams)
            ],
        )
