"""Words that stand for words: model 1 as written out, word by word."""

from __future__ import annotations

import collections

import pytest

from rnnjax.data import word_table
from rnnjax.data.pairs import Pairs
from rnnjax.data.word_table import WordTable, word_probabilities

PAIRS = Pairs(
    ("das haus ist das haus", "das buch", "ein buch", "ein haus ist alt"),
    (("the house is the house",), ("the book", "that book"), ("a book",), ("a house is old",)),
)


def written_out(rounds):
    """Brown et al., with dictionaries."""
    corpus = [(["", *f.split()], e.split()) for f, e in PAIRS.examples()]
    num_targets = len({word for _, e in corpus for word in e})
    t = collections.defaultdict(lambda: 1 / num_targets)
    for _ in range(rounds):
        counts, totals = collections.defaultdict(float), collections.defaultdict(float)
        for source, target in corpus:
            for e in target:
                norm = sum(t[f, e] for f in source)
                for f in source:
                    counts[f, e] += t[f, e] / norm
                    totals[f] += t[f, e] / norm
        t = {(f, e): counts[f, e] / totals[f] for f, e in counts}
    return t


@pytest.mark.parametrize("rounds", [1, 2, 7])
def test_probabilities_are_those_written_out(rounds):
    found, right = word_probabilities(PAIRS, rounds), written_out(rounds)
    assert found.keys() == right.keys()
    for pair, value in right.items():
        assert found[pair] == pytest.approx(value, rel=1e-10)


def test_each_word_has_its_likeliest():
    table = WordTable.learnt(PAIRS)
    right = written_out(word_table.ROUNDS)
    for f, e in table.words.items():
        assert right[f, e] == pytest.approx(max(p for (g, _), p in right.items() if g == f))
    assert "" not in table.words
    assert table.translate("das alt buch brennt") == "the old book brennt"


def test_of_equal_words_the_first_of_the_alphabet():
    table = WordTable.learnt(Pairs(("x", "y x"), (("b a",), ("c c",))), rounds=1)
    assert table.words["x"] == "c"
    assert WordTable.learnt(Pairs(("x",), (("b a",),))).words == {"x": "a"}


def test_of_many_pairs_the_first_are_counted(monkeypatch):
    monkeypatch.setattr(word_table, "MOST_LINKS", 6 * 5 + 3 * 2)
    assert WordTable.learnt(PAIRS).words.keys() == {"das", "haus", "ist", "buch"}
    monkeypatch.setattr(word_table, "MOST_LINKS", 1)
    assert WordTable.learnt(PAIRS).words.keys() == {"das", "haus", "ist"}
