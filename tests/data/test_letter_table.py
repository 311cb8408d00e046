"""Letters aligned with sounds as all divisions of small words say, and what tables make of them."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from rnnjax.data import letter_table
from rnnjax.data.letter_table import LetterTable, aligned, letter_metrics
from rnnjax.data.pairs import PairDataset, Pairs

EXAMPLES = [
    ("t a x", "T AE K S"), ("t a", "T AE"), ("p h i x", "F IH K S"), ("t i p", "T IH P"),
    ("p h a t", "F AE T"), ("p a t h e", "P AE T H"), ("a", "AE"), ("x", "K S"), ("i x i", "T"),
]  # fmt: skip


def divisions(num_letters, sounds):
    """All ways to give each letter 0 to 2 of the sounds."""
    for sizes in itertools.product(range(3), repeat=num_letters):
        if sum(sizes) == len(sounds):
            ends = np.cumsum(sizes)
            yield [" ".join(sounds[e - k : e]) for e, k in zip(ends, sizes, strict=True)]


def counted(examples, rounds):
    """The likeliest divisions, and the probability of each word's, by trying all of them."""
    pairs = [(letters.split(), sounds.split()) for letters, sounds in examples]
    table = dict.fromkeys(itertools.product("tapxihe", all_parts(pairs)), 1.0)

    def weight(letters, parts):
        return math.prod(table[pair] for pair in zip(letters, parts, strict=True))

    for _ in range(rounds):
        counts = dict.fromkeys(table, 0.0)
        for letters, sounds in pairs:
            ways = list(divisions(len(letters), sounds))
            total = sum(weight(letters, parts) for parts in ways)
            for parts in ways:
                for pair in zip(letters, parts, strict=True):
                    counts[pair] += weight(letters, parts) / total
        sums = {c: sum(v for (own, _), v in counts.items() if own == c) for c, _ in counts}
        table = {pair: v / sums[pair[0]] if sums[pair[0]] else 0.0 for pair, v in counts.items()}
    best = [max(weight(c, parts) for parts in divisions(len(c), s)) for c, s in pairs]
    return best, weight


def all_parts(pairs):
    sounds = sorted({sound for _, own in pairs for sound in own})
    return ["", *sounds, *map(" ".join, itertools.product(sounds, repeat=2))]


@pytest.mark.parametrize("rounds", [1, 3])
def test_divisions_are_the_likeliest_of_all(monkeypatch, rounds):
    monkeypatch.setattr(letter_table, "ROUNDS", rounds)
    found = aligned(EXAMPLES)
    best, weight = counted(EXAMPLES, rounds)
    assert [letters for letters, _ in found] == [letters.split() for letters, _ in EXAMPLES]
    for (letters, parts), (_, sounds), most in zip(found, EXAMPLES, best, strict=True):
        assert " ".join(parts).split() == sounds.split()
        assert weight(letters, parts) == pytest.approx(most, rel=1e-10)


def test_two_sounds_the_other_way_round_are_others():
    known = [("b", "S K")] * 5 + [("b", "S")] * 3 + [("a", "S")] * 5 + [("a", "S K")]
    assert aligned([*known, ("a b", "S K S")])[-1] == (["a", "b"], ["S K", "S"])


def test_words_with_too_many_sounds_are_left_out():
    found = aligned([("a", "AE"), ("a", "AE K S"), ("x", "K S")])
    assert [letters for letters, _ in found] == [["a"], ["x"]]


def test_a_letter_has_its_commonest_sounds_where_it_stands():
    words = [(list("ce"), ["S", ""]), (list("ca"), ["K", "AE"]), (list("cab"), ["K", "AE", "B"])]
    words.append((list("abc"), ["AE", "B", "K"]))
    plain = LetterTable.learnt(words)
    assert plain.pronounce("c e") == "K"
    assert plain.pronounce("b a c") == "B AE K"
    assert plain.pronounce("z a") == "AE"
    beside = LetterTable.learnt(words, width=1)
    assert beside.pronounce("c e") == "S"
    assert beside.pronounce("b c e") == "B K"  # no "bce": the letter alone
    with pytest.raises(ValueError, match="no table"):
        LetterTable.learnt([])


def test_both_tables_are_told_in_per_cent():
    train = Pairs(("c e", "c a", "b a c", "a"), (("S",), ("K AE",), ("B AE K",), ("AE",)))
    test = Pairs(("c e", "b a"), (("S IY", "S"), ("B AE",)))
    data = PairDataset("own", "here", "none", "letters", "phonemes", train, train, test)
    found = letter_metrics(data, aligned(data.train.examples()))
    assert found["letter table"] == {"test_per": pytest.approx(100 / 3), "test_wer": 50.0}
    assert found["letters in context"] == {"test_per": 0.0, "test_wer": 0.0}
