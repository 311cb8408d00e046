"""Sentences about one or two digits in the four quarters of a picture, and whether they are true.

"the digit seven is at the top left", "the digit three is to the left of the digit eight",
"the digit two is above and to the right of the digit five": 840 sentences of 23 words.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Sequence
from typing import NamedTuple

DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
QUARTERS = ("top left", "top right", "bottom left", "bottom right")
"""In the order in which a page is read; quarter q is in row q // 2 and column q % 2."""

Place = tuple[int, int]
"""A digit and the number of its quarter."""


class Judgement(NamedTuple):
    """What is right in a sentence.

    Attributes:
        sentence: All of it.
        digits: Each digit of the true sentence, in its order.
        relation: Of one digit its quarter, of two where they stand to each other.
    """

    sentence: bool
    digits: tuple[bool, ...]
    relation: bool


class _Meaning(NamedTuple):
    digits: tuple[int, ...]
    relation: str


def relation(first: int, second: int) -> str:
    """Where a quarter is as seen from another one.

    Raises:
        ValueError: They are one and the same.

    >>> relation(0, 1), relation(2, 0), relation(1, 2)
    ('to the left of', 'below', 'above and to the right of')
    """
    if first == second:
        raise ValueError(f"Both digits are at the {QUARTERS[first]}: a quarter holds one.")
    (row, column), (other_row, other_column) = divmod(first, 2), divmod(second, 2)
    parts = []
    if row != other_row:
        parts.append("above" if row < other_row else "below")
    if column != other_column:
        parts.append(f"to the {'left' if column < other_column else 'right'} of")
    return " and ".join(parts)


def sentences(scene: Sequence[Place]) -> tuple[str, ...]:
    """All that are true of a scene: one of one digit, two of two.

    The first begins with the digit that is read first, from left to right and from top to bottom.

    Args:
        scene: one or two digits with their quarters.

    Raises:
        ValueError: There are none, or more than two, or two in one quarter.

    >>> sentences([(8, 1), (3, 0)])[0]
    'the digit three is to the left of the digit eight'
    >>> sentences([(8, 1), (3, 0)])[1]
    'the digit eight is to the right of the digit three'
    """
    if len(scene) == 1:
        ((digit, quarter),) = scene
        return (f"the digit {DIGITS[digit]} is at the {QUARTERS[quarter]}",)
    if len(scene) != 2:
        raise ValueError(f"A scene has one digit or two, not {len(scene)}.")
    first, second = sorted(scene, key=lambda place: place[1])
    return tuple(
        f"the digit {DIGITS[a]} is {relation(p, q)} the digit {DIGITS[b]}"
        for (a, p), (b, q) in ((first, second), (second, first))
    )


@functools.cache
def _meanings() -> dict[str, _Meaning]:
    """Of every sentence of the grammar."""
    found = {}
    for digit, quarter in itertools.product(range(10), range(4)):
        (sentence,) = sentences([(digit, quarter)])
        found[sentence] = _Meaning((digit,), QUARTERS[quarter])
    for a, b in itertools.product(range(10), repeat=2):
        for p, q in itertools.combinations(range(4), 2):
            one, other = sentences([(a, p), (b, q)])
            found[one] = _Meaning((a, b), relation(p, q))
            found[other] = _Meaning((b, a), relation(q, p))
    return found


def words() -> tuple[str, ...]:
    """Those of the grammar, in the order of the alphabet."""
    return tuple(sorted({word for sentence in _meanings() for word in sentence.split()}))


def judge(sentence: str, truth: str) -> Judgement:
    """What of a sentence is right.

    A scene of two digits has two true sentences; either will do, and each part is judged by the one
    that agrees with more. In what is no sentence of the grammar nothing is right.

    Args:
        sentence: what was written.
        truth: a sentence that is true.

    Raises:
        ValueError: The truth is no sentence of the grammar.

    >>> judge("the digit eight is to the right of the digit two",
    ...       "the digit three is to the left of the digit eight")
    Judgement(sentence=False, digits=(False, True), relation=True)
    """
    true = _meanings().get(truth)
    if true is None:
        raise ValueError(f"{truth!r} is no sentence of the grammar.")
    said = _meanings().get(" ".join(sentence.split()))
    if said is None:
        return Judgement(False, (False,) * len(true.digits), False)
    if len(said.digits) != len(true.digits):
        found = [digit in said.digits for digit in true.digits]
        if len(said.digits) < len(found) and all(found):
            found[1] = False  # two of a kind, of which one was seen
        return Judgement(False, tuple(found), False)
    return max(
        (_compared(reading, true) for reading in _readings(said)),
        key=lambda judged: (sum(judged.digits) + judged.relation, sum(judged.digits)),
    )


def shares(written: Sequence[str], truths: Sequence[str]) -> dict[str, float]:
    """The shares of sentences, digits and relations that are right, as `judge` finds them.

    Args:
        written: of N scenes, one or more.
        truths: of each a sentence that is true.

    Raises:
        ValueError: as `judge`, or there is not a truth to each.

    >>> shares(["the digit two is at the top left"], ["the digit two is at the top right"])
    {'sentence': 0.0, 'digits': 1.0, 'relation': 0.0}
    """
    judged = [judge(*pair) for pair in zip(written, truths, strict=True)]
    digits = [right for one in judged for right in one.digits]
    return {
        "sentence": sum(one.sentence for one in judged) / len(judged),
        "digits": sum(digits) / len(digits),
        "relation": sum(one.relation for one in judged) / len(judged),
    }


def _readings(said: _Meaning) -> list[_Meaning]:
    """A sentence, and the other one that says the same."""
    if len(said.digits) == 1:
        return [said]
    return [said, _Meaning(said.digits[::-1], _inverse(said.relation))]


def _inverse(place: str) -> str:
    turned = {"left": "right", "right": "left", "above": "below", "below": "above"}
    return " ".join(turned.get(word, word) for word in place.split())


def _compared(said: _Meaning, true: _Meaning) -> Judgement:
    digits = tuple(a == b for a, b in zip(said.digits, true.digits, strict=True))
    same = said.relation == true.relation
    return Judgement(all(digits) and same, digits, same)
