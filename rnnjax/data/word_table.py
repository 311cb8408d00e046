"""What translations are by counting: each word of a source as one word, in the source's order.

The simple method beside networks that translate: no word knows its neighbours.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from rnnjax.data.pairs import Pairs

ROUNDS = 10
"""Of expectation and maximisation; what more of them change in validation is small."""
MOST_LINKS = 20_000_000
"""Of a target's word to a source's word, in all pairs together: memory, and seconds."""

_NULL = ""
"""Stands in every source, for words that none of its own stands for."""


@dataclasses.dataclass(frozen=True)
class WordTable:
    """Of each source word the target word that most probably stands for it.

    Args:
        words: target words by source words.
    """

    words: Mapping[str, str]

    @classmethod
    def learnt(cls, pairs: Pairs, rounds: int = ROUNDS) -> WordTable:
        """Takes the likeliest of `word_probabilities`; of equal ones the first of the alphabet.

        Args:
            pairs: of training.
            rounds: of expectation and maximisation.
        """
        best: dict[str, tuple[float, str]] = {}
        for (source, target), p in word_probabilities(pairs, rounds).items():
            if source not in best or (-p, target) < best[source]:
                best[source] = -p, target
        return cls({source: target for source, (_, target) in best.items() if source != _NULL})

    def translate(self, source: str) -> str:
        """A text word by word; a word that training lacked stays as it is.

        >>> WordTable({"ein": "a", "hund": "dog"}).translate("ein hund bellt")
        'a dog bellt'
        """
        return " ".join(self.words.get(word, word) for word in source.split())


def word_probabilities(pairs: Pairs, rounds: int = ROUNDS) -> dict[tuple[str, str], float]:
    r"""How probably each source word stands for each target word: IBM's model 1.

    Each word of a target is written for one place of its source, any of them equally likely, or for
    the empty word that every source begins with:

    .. math:: p(e_1 … e_T \mid f_1 … f_S) \propto \prod_{t=1}^T \sum_{s=0}^S p(e_t \mid f_s)

    From equal probabilities on, each round shares every :math:`e_t` among the places as
    :math:`p(e_t \mid f_s) / \sum_{s'} p(e_t \mid f_{s'})`, and takes the sums of these shares over
    all pairs as the new table, normalised for each f.

    Args:
        pairs: of training; of more than `MOST_LINKS` links of words the first pairs alone.
        rounds: of expectation and maximisation, 1 or more.

    Returns:
        Of words that share a pair, ``(f, e)``, the probability of e given f; the empty word is "".

    Source: P. Brown et al., The mathematics of statistical machine translation, Computational
    Linguistics 19, 1993, section 4.1.

    >>> pairs = Pairs(("das haus", "das"), (("the house",), ("the",)))
    >>> table = word_probabilities(pairs, rounds=30)
    >>> round(table["haus", "house"], 2), round(table["das", "the"], 2)
    (1.0, 0.99)
    """
    examples = _affordable([(f.split(), e.split()) for f, e in pairs.examples()])
    sources, of_sources = _numbered([[_NULL, *f] for f, _ in examples])
    targets, of_targets = _numbered([e for _, e in examples])
    f, e, group = _links(of_sources, of_targets)
    both, link = np.unique(f * len(targets) + e, return_inverse=True)
    f, e = np.divmod(both, len(targets))
    p = np.full(len(both), 1 / len(targets))
    for _ in range(rounds):
        shares = p[link]
        shares /= np.bincount(group, shares)[group]
        counts = np.bincount(link, shares)
        p = counts / np.bincount(f, counts)[f]
    named = zip(f.tolist(), e.tolist(), p.tolist(), strict=True)
    return {(sources[i], targets[j]): value for i, j, value in named}


def _affordable(
    examples: Sequence[tuple[list[str], list[str]]],
) -> Sequence[tuple[list[str], list[str]]]:
    """The first pairs with `MOST_LINKS` together, one at least."""
    links = np.cumsum([(1 + len(f)) * len(e) for f, e in examples])
    return examples[: max(1, int(np.searchsorted(links, MOST_LINKS, side="right")))]


def _numbered(texts: Sequence[list[str]]) -> tuple[list[str], list[np.ndarray]]:
    """The words there are, in order, and each text as their numbers."""
    words = sorted({word for text in texts for word in text})
    number = {word: i for i, word in enumerate(words)}
    return words, [np.array([number[word] for word in text], np.int64) for text in texts]


def _links(
    sources: Sequence[np.ndarray], targets: Sequence[np.ndarray]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Each word of a target with each of its source: numbers of both, and of the target's word."""
    f = np.concatenate([np.tile(s, len(t)) for s, t in zip(sources, targets, strict=True)])
    times = np.concatenate([np.full(len(t), len(s)) for s, t in zip(sources, targets, strict=True)])
    each = np.concatenate(list(targets))
    return f, np.repeat(each, times), np.repeat(np.arange(len(each)), times)
