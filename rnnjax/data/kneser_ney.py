"""The n-gram models to beat: Kneser and Ney's, with the discounts of Chen and Goodman."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from rnnjax.data.ngrams import Interpolated, Level, NgramCounts

FALLBACK = (0.5, 1.0, 1.5)
"""Discounts where the counts give none, as in KenLM."""


class KneserNey(Interpolated):
    r"""An n-gram model whose shorter contexts ask not how often a token came, but after how many.

    .. math::

        p_n(w|c) = \frac{\max(a_{cw} - D(a_{cw}), 0)}{\sum_v a_{cv}}
            + \frac{\sum_v D(a_{cv})}{\sum_v a_{cv}}\, p_{n-1}(w|c'), \qquad p_{-1}(w) = \frac{1}{V}

    with c' the context c without its oldest token. For the longest context a is how often cw
    occurs in training, for each shorter one how many different tokens occur in front of it; that a
    sequence begins with it counts as one more. The discounts D(1), D(2), D(3 and more) are
    estimated for every length from how many a are 1, 2, 3 and 4:

    .. math::

        Y = \frac{n_1}{n_1 + 2 n_2}, \quad D(k) = k - (k + 1)\, Y\, \frac{n_{k+1}}{n_k}

    and are 0.5, 1 and 1.5 where a D(k) would not be above 0 and at most k, as with few symbols.

    Interpolated modified Kneser-Ney smoothing, section 3 of Stanley F. Chen and Joshua Goodman: An
    Empirical Study of Smoothing Techniques for Language Modeling, TR-10-98, Harvard University
    1998; Reinhard Kneser and Hermann Ney: Improved Backing-off for M-gram Language Modeling,
    ICASSP 1995. Each row of `log_probs` is a model of its own, and its longest context the order.

    Args:
        tokens: to learn from, integers below `num_symbols`, ``[N]``.
        num_symbols: V, the size of the vocabulary.
        order: tokens of the longest context: 0 for single tokens, 1 for bigrams.
        starts: places where sequences begin, as for `NgramCounts`: by default all is one.

    Raises:
        ValueError: as `NgramCounts` does.

    >>> tokens = np.array([0, 1, 0, 1, 0, 2])
    >>> model = KneserNey(tokens, num_symbols=4, order=1)
    >>> model.distribution([0]).round(3).tolist()  # 1 followed twice, 2 once
    [0.188, 0.458, 0.292, 0.062]
    """

    def __init__(
        self, tokens: ArrayLike, num_symbols: int, order: int, starts: ArrayLike | None = None
    ):
        counts = NgramCounts(tokens, num_symbols, order, starts)

        def level(n: int, each: np.ndarray) -> Level:
            taken = discounts(each)[np.minimum(each, 3)]
            return Level.build(counts.grams[n], counts.num_contexts(n), each - taken, taken)

        last = [level(n, grams.counts) for n, grams in enumerate(counts.grams)]
        inner = [
            level(n, grams.begins + np.bincount(longer.suffixes, minlength=len(grams.keys)))
            for n, (grams, longer) in enumerate(zip(counts.grams, counts.grams[1:], strict=False))
        ]
        super().__init__(counts, inner, last)


def discounts(counts: np.ndarray) -> np.ndarray:
    """What is taken off a count of 0, 1, 2, and 3 or more, float64 ``[4]``.

    Args:
        counts: of all n-grams of one length, integers from 1.

    >>> discounts(np.array([1, 1, 1, 1, 2, 2, 3, 4])).tolist()
    [0.0, 0.5, 1.25, 1.0]
    """
    n = np.bincount(counts, minlength=5)[1:5]
    if not n[:3].all():
        return np.array([0.0, *FALLBACK])
    k = np.arange(1, 4)
    found = k - (k + 1) * n[0] / (n[0] + 2 * n[1]) * n[1:] / n[:3]
    usable = np.all((found > 0) & (found <= k))
    return np.array([0.0, *(found if usable else FALLBACK)])
