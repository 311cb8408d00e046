"""What words sound like by n-grams of letters that go together with their sounds.

The strongest method without a network: a choice knows those before it, on both sides.
"""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Iterable, Sequence

import numpy as np

from rnnjax.data.edit_distance import error_rates
from rnnjax.data.kneser_ney import KneserNey
from rnnjax.data.pairs import PairDataset

ORDER = 8
"""Units of a context; more change nothing in validation."""
MOST_UNITS = 16
"""Of a letter, the most frequent: others are next to never right."""
BEAM_SIZE = 32
WORDS_AT_ONCE = 2000

START, END = 0, 1

Unit = tuple[str, str]
"""A letter, and the 0 to 2 sounds that it has in a word."""


@dataclasses.dataclass(frozen=True, eq=False)
class JointNgrams:
    r"""The likeliest letters with sounds whose letters are those of a word.

    .. math:: \hat u = \arg\max_{u:\, \mathrm{letters}(u) = l} \prod_i p(u_i \mid u_{i-n} … u_{i-1})

    with units u of a letter and its sounds, as `rnnjax.data.letter_table.aligned` divides them, a
    beginning and an end of each word, and p by Kneser and Ney.

    Args:
        model: of the units, which are numbered from 2 on.
        units: by number.

    Source: M. Bisani and H. Ney, Joint-sequence models for grapheme-to-phoneme conversion, Speech
    Communication 50, 2008; here with one letter a unit, and one division of each training word.
    """

    model: KneserNey
    units: Sequence[Unit]

    @classmethod
    def learnt(
        cls, words: Iterable[tuple[list[str], list[str]]], order: int = ORDER
    ) -> JointNgrams:
        """Counts units in their order.

        Args:
            words: of `rnnjax.data.letter_table.aligned`.
            order: units of the longest context.

        Raises:
            ValueError: there is no word.
        """
        joined: list[list[Unit]] = [list(zip(*word, strict=True)) for word in words]
        if not joined:
            raise ValueError("No word is aligned with its sounds, so there is nothing to count.")
        counts = collections.Counter(unit for word in joined for unit in word)
        units = sorted(counts, key=lambda unit: (-counts[unit], unit))
        number = {unit: i for i, unit in enumerate(units, start=2)}
        rows = [[START, *(number[unit] for unit in word), END] for word in joined]
        starts = np.cumsum([0, *map(len, rows)])[:-1]
        return cls(KneserNey(np.concatenate(rows), 2 + len(units), order, starts), units)

    def pronounce(self, sources: Sequence[str], beam_size: int = BEAM_SIZE) -> list[str]:
        """The sounds of words of letters between blanks; a letter that training lacked has none.

        Args:
            sources: the words.
            beam_size: beginnings of a word that are kept before each letter, the likeliest.
        """
        of_letter: dict[str, list[int]] = {"": [END]}
        for number, (letter, _) in enumerate(self.units, start=2):
            of_letter.setdefault(letter, []).append(number)
        letters = list(of_letter)
        choices = np.full((len(letters), MOST_UNITS), -1)
        for row, letter in enumerate(letters):
            known = of_letter[letter][:MOST_UNITS]
            choices[row, : len(known)] = known
        place = {letter: row for row, letter in enumerate(letters)}
        words = [[place[own] for own in text.split() if own in place] + [0] for text in sources]
        found: list[str] = []
        for first in range(0, len(words), WORDS_AT_ONCE):
            some = words[first : first + WORDS_AT_ONCE]
            found += map(self._spoken, self._search(some, choices, beam_size))
        return found

    def _spoken(self, numbers: np.ndarray) -> str:
        parts = (self.units[number - 2][1] for number in numbers.tolist() if number > END)
        return " ".join(part for part in parts if part)

    def _search(
        self, words: Sequence[list[int]], choices: np.ndarray, beam_size: int
    ) -> list[np.ndarray]:
        """The best numbers of each word, of rows of `choices`; all of a word's beams in step."""
        order = np.argsort([-len(word) for word in words], kind="stable")
        lengths = np.array([len(words[i]) for i in order])
        letters = np.zeros((len(words), lengths[0]), int)
        for row, i in enumerate(order):
            letters[row, : lengths[row]] = words[i]
        before = np.zeros((len(words), 1), np.int64)
        ended = self.model.continued(before, np.full(len(words), START))[1][:, None]
        scores = np.zeros((len(words), 1))
        texts = np.zeros((len(words), 1, 0), np.int64)
        best: list[np.ndarray] = [np.zeros(0, int)] * len(words)
        for step in range(lengths[0]):
            going = int((lengths > step).sum())  # the first rows: the longest words
            ended, scores, texts = ended[:going], scores[:going], texts[:going]
            tokens = np.broadcast_to(
                choices[letters[:going, step], None], (*scores.shape, choices.shape[1])
            )
            row, beam, choice = np.nonzero(tokens >= 0)
            probs, after = self.model.continued(ended[row, beam], tokens[row, beam, choice])
            reached = np.full(tokens.shape, -np.inf)
            reached[row, beam, choice] = scores[row, beam] + np.log(probs)
            numbers = np.zeros(tokens.shape, int)
            numbers[row, beam, choice] = np.arange(len(row))
            flat = reached.reshape(going, -1)
            kept = np.argsort(-flat, axis=1, kind="stable")[:, :beam_size]
            scores = np.take_along_axis(flat, kept, axis=1)
            old, new = np.divmod(kept, choices.shape[1])
            rows = np.arange(going)[:, None]
            # A beam that is not there has some other's numbers, and no chance.
            ended = after[numbers[rows, old, new]]
            texts = np.concatenate((texts[rows, old], tokens[rows, old, new][..., None]), axis=2)
            for finished in np.flatnonzero(lengths[:going] == step + 1):
                best[order[finished]] = texts[finished, 0]
        return best


def joint_metrics(
    data: PairDataset, words: Iterable[tuple[list[str], list[str]]]
) -> dict[str, dict[str, float]]:
    """The error rates of joint n-grams on the test words, in per cent, by the method's name.

    Args:
        data: letters and sounds.
        words: of `rnnjax.data.letter_table.aligned`, of its training words.
    """
    answers = JointNgrams.learnt(words).pronounce(data.test.sources)
    rates = error_rates(answers, data.test.references)
    return {"joint n-grams": {"test_per": 100 * rates.tokens, "test_wer": 100 * rates.texts}}
