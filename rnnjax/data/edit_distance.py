"""How far answers are from the right ones: edits, error rates, and what is taken for what."""

from __future__ import annotations

import collections
from collections.abc import Iterable, Sequence
from typing import NamedTuple

Aligned = list[tuple[str | None, str | None]]
"""(token of the reference, token of the answer); None where the other has no counterpart."""


class ErrorRates(NamedTuple):
    """How wrong answers are.

    Attributes:
        tokens: Edits over the tokens of the references, pooled: of phonemes the phoneme error rate
            (PER). It can exceed 1.
        texts: The share of answers that are none of their references: where each is a word, the
            word error rate (WER).
    """

    tokens: float
    texts: float


def edits(reference: Sequence[str], answer: Sequence[str]) -> int:
    r"""The fewest substitutions, insertions and deletions that make one of the other.

    .. math:: d_{ij} = \min(d_{i-1,j} + 1,\; d_{i,j-1} + 1,\; d_{i-1,j-1} + [r_i \ne a_j])

    Levenshtein: Binary codes capable of correcting deletions, insertions, and reversals, 1966.

    >>> edits("S IH T IH NG".split(), "K IH T AH N".split())
    3
    """
    return _table(reference, answer)[-1][-1]


def alignment(reference: Sequence[str], answer: Sequence[str]) -> Aligned:
    """Which token of the answer stands for which of the reference, with the fewest edits.

    Of several such alignments it is always the same one: from the end on, two tokens are paired
    where that takes no edit more.

    >>> alignment("K AE T".split(), "K T".split())
    [('K', 'K'), ('AE', None), ('T', 'T')]
    """
    table = _table(reference, answer)
    i, j, found = len(reference), len(answer), []
    while i or j:
        if i and j and table[i][j] == table[i - 1][j - 1] + (reference[i - 1] != answer[j - 1]):
            i, j = i - 1, j - 1
            found.append((reference[i], answer[j]))
        elif i and table[i][j] == table[i - 1][j] + 1:
            i -= 1
            found.append((reference[i], None))
        else:
            j -= 1
            found.append((None, answer[j]))
    return found[::-1]


def nearest(references: Iterable[str], answer: str) -> tuple[list[str], int]:
    """The reference with the fewest edits to an answer, of equally near ones the shortest.

    Args:
        references: Right answers, texts whose tokens stand between blanks; at least one.
        answer: Likewise a text.

    Returns:
        The tokens of that reference, and the edits.

    Raises:
        ValueError: There is no reference.
    """
    given = answer.split()
    measured = [(tokens, edits(tokens, given)) for tokens in map(str.split, references)]
    if not measured:
        raise ValueError(f"The answer {answer!r} has no reference to be compared with.")
    return min(measured, key=lambda found: (found[1], len(found[0])))


def error_rates(answers: Iterable[str], references: Iterable[Sequence[str]]) -> ErrorRates:
    r"""The error rates of answers to many sources.

    .. math:: \mathrm{PER} = \frac{\sum_n d(r_n, a_n)}{\sum_n |r_n|}, \qquad
              \mathrm{WER} = \frac1N \sum_n [a_n \notin R_n]

    with :math:`r_n` the `nearest` of the references :math:`R_n` of source n.

    Args:
        answers: Texts, one to each source.
        references: The right answers to each source, as many.

    Raises:
        ValueError: There are not as many, a source has no reference, or there is no token in any.

    >>> error_rates(["T AH", "D UW"], [("T AH", "T UW"), ("D AH",)])
    ErrorRates(tokens=0.25, texts=0.5)
    """
    num_edits = num_tokens = num_wrong = num_texts = 0
    for answer, right in zip(answers, references, strict=True):
        reference, distance = nearest(right, answer)
        num_edits += distance
        num_tokens += len(reference)
        num_wrong += distance > 0
        num_texts += 1
    if not num_tokens:
        raise ValueError("There is no token in any reference, so that there is no error rate.")
    return ErrorRates(num_edits / num_tokens, num_wrong / num_texts)


def confusions(
    answers: Iterable[str], references: Iterable[Sequence[str]], most: int = 10
) -> list[tuple[tuple[str, str], int]]:
    """What is most often taken for what.

    Args:
        answers: As for `error_rates`.
        references: Likewise.
        most: How many to tell.

    Returns:
        ``((token of the nearest reference, token of the answer), count)``, by falling counts, and
        of equal ones in order of the alphabet.

    Raises:
        ValueError: There are not as many, or a source has no reference.
    """
    counts: collections.Counter[tuple[str, str]] = collections.Counter()
    for answer, right in zip(answers, references, strict=True):
        reference, distance = nearest(right, answer)
        if distance:
            pairs = alignment(reference, answer.split())
            counts.update((r, a) for r, a in pairs if r and a and r != a)
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:most]


def _table(reference: Sequence[str], answer: Sequence[str]) -> list[list[int]]:
    """Edits between all beginnings, ``[len(reference) + 1][len(answer) + 1]``."""
    table = [list(range(len(answer) + 1))]
    for i, token in enumerate(reference, start=1):
        above, row = table[-1], [i]
        for j, other in enumerate(answer):
            row.append(min(above[j + 1] + 1, row[j] + 1, above[j] + (token != other)))
        table.append(row)
    return table
