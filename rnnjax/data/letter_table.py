"""What words sound like by counting: what each letter stands for, alone or among its neighbours.

The simple method beside networks that write sounds: no letter knows what was made of the others.
"""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from rnnjax.data.edit_distance import error_rates
from rnnjax.data.pairs import PairDataset

EDGE = "#"
"""Stands before and behind a word."""
MOST_SOUNDS = 2
"""Of one letter; an x has two."""
ROUNDS = 8
"""Of expectation and maximisation."""

Counted = Mapping[tuple[str, ...], str]


@dataclasses.dataclass(frozen=True)
class LetterTable:
    """Of each letter its commonest sounds, in the widest surroundings that training had.

    Args:
        sounds: texts of 0 to `MOST_SOUNDS` sounds by letters, an odd number, the middle one being
            the letter itself.
        width: neighbours on each side that are looked at, at most.
    """

    sounds: Counted
    width: int

    @classmethod
    def learnt(cls, words: Iterable[tuple[list[str], list[str]]], width: int = 0) -> LetterTable:
        """Counts which sounds stand for a letter.

        Args:
            words: of `aligned`.
            width: 0 for one entry per letter.

        Raises:
            ValueError: There is no word.
        """
        counts: dict[tuple[str, ...], collections.Counter[str]] = {}
        for letters, parts in words:
            for place, part in enumerate(parts):
                for around in _surroundings(letters, place, width):
                    counts.setdefault(around, collections.Counter())[part] += 1
        if not counts:
            raise ValueError("No word is aligned with its sounds, so there is no table.")
        best = {key: max(found, key=lambda s: (found[s], s)) for key, found in counts.items()}
        return cls(best, width)

    def pronounce(self, source: str) -> str:
        """The sounds of letters between blanks; a letter that training lacked has none."""
        letters, found = source.split(), []
        for place in range(len(letters)):
            widest_first = list(_surroundings(letters, place, self.width))[::-1]
            found += next((self.sounds[k] for k in widest_first if k in self.sounds), "").split()
        return " ".join(found)


def letter_metrics(
    data: PairDataset, words: Sequence[tuple[list[str], list[str]]], width: int = 4
) -> dict[str, dict[str, float]]:
    """The error rates of both tables on the test words, in per cent, by the method's name.

    Args:
        data: letters and sounds.
        words: of `aligned`, of its training words.
        width: of the table that looks at neighbours.
    """
    reached = {}
    for name, size in (("letter table", 0), ("letters in context", width)):
        table = LetterTable.learnt(words, size)
        answers = map(table.pronounce, data.test.sources)
        rates = error_rates(answers, data.test.references)
        reached[name] = {"test_per": 100 * rates.tokens, "test_wer": 100 * rates.texts}
    return reached


def aligned(examples: Sequence[tuple[str, str]]) -> list[tuple[list[str], list[str]]]:
    r"""Divides the sounds of words among their letters, each of which has 0 to `MOST_SOUNDS`.

    A table :math:`p(s \mid l)` of sounds given a letter is learnt by expectation and maximisation
    over all divisions of all words, :math:`p(\text{word}) = \sum \prod_i p(s_i \mid l_i)`, from
    an equal one on. The likeliest division is taken.

    Args:
        examples: letters and sounds, texts whose tokens stand between blanks.

    Returns:
        Letters, and the sounds of each as a text; without the words that have more than
        `MOST_SOUNDS` sounds a letter.

    Source: R. Damper et al., Aligning text and phonemes for speech technology applications using
    an EM-like algorithm, 2005.

    >>> aligned([("a x", "AE K S"), ("a", "AE")])
    [(['a', 'x'], ['AE', 'K S']), (['a'], ['AE'])]
    """
    pairs = [(letters.split(), sounds.split()) for letters, sounds in examples]
    names = [sorted({token for pair in pairs for token in pair[side]}) for side in (0, 1)]
    number = [{token: i for i, token in enumerate(known)} for known in names]
    groups: dict[tuple[int, int], list[int]] = {}
    for i, (letters, sounds) in enumerate(pairs):
        if letters and len(sounds) <= MOST_SOUNDS * len(letters):
            groups.setdefault((len(letters), len(sounds)), []).append(i)
    arrays = [
        tuple(np.array([[number[s][t] for t in pairs[i][s]] for i in rows], int) for s in (0, 1))
        for rows in groups.values()
    ]
    size = len(names[1])
    coded = [(letters, _parts(sounds, size)) for letters, sounds in arrays]
    # The last column is of parts that begin before the word; nothing is ever counted there.
    table = np.full((len(names[0]), 2 + size + size**2), 1 / (1 + size + size**2))
    table[:, -1] = 0
    for _ in range(ROUNDS):
        counts = np.zeros_like(table)
        for letters, parts in coded:
            _add_expected(counts, table, letters, parts)
        table = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1e-300)
    found: dict[int, list[str]] = {}
    for rows, (letters, parts) in zip(groups.values(), coded, strict=True):
        for i, ends in zip(rows, _likeliest(table, letters, parts).tolist(), strict=True):
            sounds, begins = pairs[i][1], [0, *ends[:-1]]
            found[i] = [" ".join(sounds[b:e]) for b, e in zip(begins, ends, strict=True)]
    return [(pairs[i][0], found[i]) for i in sorted(found)]


def _surroundings(letters: Sequence[str], place: int, width: int) -> Iterator[tuple[str, ...]]:
    """A letter and its neighbours, the fewest first."""
    padded = [EDGE] * width + list(letters) + [EDGE] * width
    for side in range(width + 1):
        yield tuple(padded[place + width - side : place + width + side + 1])


def _parts(sounds: np.ndarray, size: int) -> np.ndarray:
    """The numbers of the 0, 1 and 2 sounds that end at each place, ``[3, N, P + 1]``."""
    parts = np.full((3, len(sounds), sounds.shape[1] + 1), 1 + size + size**2)
    parts[0] = 0
    parts[1, :, 1:] = 1 + sounds
    parts[2, :, 2:] = 1 + size + size * sounds[:, :-1] + sounds[:, 1:]
    return parts


def _forward(
    table: np.ndarray, letters: np.ndarray, parts: np.ndarray, join: np.ufunc
) -> tuple[np.ndarray, np.ndarray]:
    """Of the first i letters and j sounds, joined over divisions, and the last letter's factors.

    Returns:
        ``[L + 1, N, P + 1]``, and ``[L, 3, N, P + 1]``.
    """
    factors = table[letters.T[:, None, :, None], parts]
    alphas = np.zeros((len(factors) + 1, *parts.shape[1:]))
    alphas[0, :, 0] = 1
    for i, factor in enumerate(factors):
        for k in range(min(MOST_SOUNDS + 1, parts.shape[2])):
            before = alphas[i, :, : parts.shape[2] - k] * factor[k, :, k:]
            alphas[i + 1, :, k:] = join(alphas[i + 1, :, k:], before)
    return alphas, factors


def _add_expected(
    counts: np.ndarray, table: np.ndarray, letters: np.ndarray, parts: np.ndarray
) -> None:
    """Adds how often each letter stands for each part, expected over the divisions of words."""
    alphas, factors = _forward(table, letters, parts, np.add)
    after = np.zeros(parts.shape[1:])
    after[:, -1] = 1 / np.maximum(alphas[-1, :, -1], 1e-300)
    for i in reversed(range(len(factors))):
        earlier = np.zeros_like(after)
        for k in range(min(MOST_SOUNDS + 1, parts.shape[2])):
            weight = factors[i, k, :, k:] * after[:, k:]
            expected = alphas[i, :, : parts.shape[2] - k] * weight
            np.add.at(counts, (letters[:, i, None], parts[k, :, k:]), expected)
            earlier[:, : parts.shape[2] - k] += weight
        after = earlier


def _likeliest(table: np.ndarray, letters: np.ndarray, parts: np.ndarray) -> np.ndarray:
    """Where the sounds of each letter end in the likeliest division, ``[N, L]``."""
    alphas, factors = _forward(table, letters, parts, np.maximum)
    rows, ends = np.arange(len(letters)), np.zeros(letters.shape, int)
    place = np.full(len(letters), parts.shape[2] - 1)
    for i in reversed(range(letters.shape[1])):
        ends[:, i] = place
        sizes = np.arange(MOST_SOUNDS + 1)[:, None]
        scores = alphas[i, rows, np.maximum(place - sizes, 0)] * factors[i][:, rows, place]
        place = place - scores.argmax(axis=0)
    return ends
