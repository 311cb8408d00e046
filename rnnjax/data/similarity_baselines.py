"""How alike sentences are by simple means: overlap, mean vectors, ridge, boosted trees."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping

import numpy as np

from rnnjax.data.sentence_pairs import Scored, SentencePairs, words_of

NOT = frozenset({"no", "not", "nobody", "isn", "aren", "without", "t"})
"""What turns a sentence into its opposite."""

Measure = Callable[[np.ndarray, np.ndarray], Mapping[str, np.ndarray]]


class Features:
    """Numbers that say how alike two sentences are.

    Args:
        data: whose words have vectors.
    """

    def __init__(self, data: SentencePairs) -> None:
        self._numbers, self._matrix = data.vectors.numbers(), data.vectors.matrix

    def vectors(self, sentence: str) -> np.ndarray:
        """Those of its words ``[n, D]``, zeros for one that is not known."""
        return self._matrix[[self._numbers.get(word, 0) for word in words_of(sentence)]]

    def means(self, sentences: tuple[str, ...]) -> np.ndarray:
        """The mean vectors ``[N, D]``."""
        return np.stack([self.vectors(sentence).mean(axis=0) for sentence in sentences])

    def overlap(self, part: Scored) -> np.ndarray:
        """The share of words that both have, of those that one has, ``[N]``."""
        found = []
        for one, other in zip(part.first, part.second, strict=True):
            a, b = set(words_of(one)), set(words_of(other))
            found.append(len(a & b) / len(a | b))
        return np.array(found)

    def cosine(self, part: Scored) -> np.ndarray:
        """Of the mean vectors, ``[N]``."""
        a, b = self.means(part.first), self.means(part.second)
        sizes = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
        return (a * b).sum(axis=1) / np.maximum(sizes, 1e-12)

    def made(self, part: Scored) -> np.ndarray:
        """Features made by hand ``[N, F]``."""
        rows = [
            self._of_pair(one, other) for one, other in zip(part.first, part.second, strict=True)
        ]
        both = self.overlap(part), self.cosine(part)
        return np.column_stack((*both, np.array(rows)))

    def both(self, part: Scored) -> np.ndarray:
        """The mean vectors, their product and their distance side by side ``[N, 4 D]``."""
        a, b = self.means(part.first), self.means(part.second)
        return np.concatenate((a, b, a * b, np.abs(a - b)), axis=1)

    def _of_pair(self, one: str, other: str) -> list[float]:
        a, b = words_of(one), words_of(other)
        va, vb = self.vectors(one), self.vectors(other)
        near = _cosines(va, vb)
        rare_a = near.max(axis=1)[[word not in b for word in a]]
        rare_b = near.max(axis=0)[[word not in a for word in b]]
        lonely = np.concatenate((rare_a, rare_b))
        pairs_a, pairs_b = (set(itertools.pairwise(own)) for own in (a, b))
        negations = [sum(word in NOT for word in own) for own in (a, b)]
        return [
            len(a), len(b), abs(len(a) - len(b)),
            near.max(axis=1).mean(), near.max(axis=0).mean(), near.max(axis=1).min(),
            near.max(axis=0).min(), float(lonely.mean()) if len(lonely) else 1.0,
            float(lonely.min()) if len(lonely) else 1.0, len(lonely), len(rare_a), len(rare_b),
            abs(negations[0] - negations[1]), sum(negations),
            len(pairs_a & pairs_b) / max(1, len(pairs_a | pairs_b)), a[0] == b[0], a[-1] == b[-1],
        ]  # fmt: skip


def _cosines(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    a, b = (own / np.maximum(np.linalg.norm(own, axis=1, keepdims=True), 1e-12) for own in (a, b))
    return a @ b.T


def metrics(data: SentencePairs, measure: Measure) -> dict[str, dict[str, float]]:
    """The test figures of each method.

    Args:
        data: the pairs; all learn from those to train.
        measure: ``measure(found, scores)``.
    """
    # Now that they are needed: it takes a second.
    from sklearn.ensemble import GradientBoostingRegressor
    from sklearn.linear_model import LinearRegression, Ridge

    features = Features(data)
    made: dict[str, tuple[Callable[[Scored], np.ndarray], object]] = {
        "overlap of words": (lambda part: features.overlap(part)[:, None], LinearRegression()),
        "cosine of mean vectors": (lambda part: features.cosine(part)[:, None], LinearRegression()),
        "ridge on mean vectors": (features.both, Ridge(1.0)),
        "boosted trees on features made by hand": (
            features.made,
            GradientBoostingRegressor(
                n_estimators=300, max_depth=4, learning_rate=0.05, subsample=0.7, random_state=0
            ),
        ),
    }
    found = {}
    for name, (of, model) in made.items():
        fitted = model.fit(of(data.train), data.train.scores)  # type: ignore[attr-defined]
        figures = measure(fitted.predict(of(data.test)), data.test.scores)
        found[name] = {key: float(value) for key, value in figures.items()}
    return found
