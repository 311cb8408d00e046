"""Pieces of words: against byte pair encoding as its paper has it, and back again."""

from __future__ import annotations

import collections
import json
import sys

import numpy as np
import pytest

from rnnjax.data.codes import END, PAD, SPECIAL, START, UNKNOWN
from rnnjax.data.subwords import Subwords
from rnnjax.errors import UsageError

GERMAN = ["ein mann mit einem hut", "ein hund , der einen mann sieht", "männer sehen männer"]
ENGLISH = ["a man with a hat", "a dog that sees a man", "men see men , <pad> <end> \n"]
ENGLISH += ["x<end> y<end>", "x<unk> y<unk>"]
TEXTS = GERMAN + ENGLISH


def merge(pieces, pair):
    """Two neighbours that are this pair become one, from left to right."""
    found, place = [], 0
    while place < len(pieces):
        both = tuple(pieces[place : place + 2]) == pair
        found.append("".join(pair) if both else pieces[place])
        place += 1 + both
    return found


def learnt(texts, count):
    """Sennrich et al., algorithm 1: counts anew at each step; which of equal ones is left open."""
    words = collections.Counter(f" {word}" for text in texts for word in text.split())
    split = {word: list(word) for word in words}
    while True:
        pairs = collections.Counter()
        for word, n in words.items():
            for pair in zip(split[word], split[word][1:], strict=False):
                pairs[pair] += n
        best = {pair for pair, n in pairs.items() if n == max(pairs.values()) and n >= count}
        pair = yield best
        split = {word: merge(pieces, pair) for word, pieces in split.items()}


@pytest.fixture(scope="module")
def codes():
    return Subwords.learnt(TEXTS, num_merges=20)


def test_each_merge_is_one_of_the_most_frequent(codes):
    expected = learnt(TEXTS, 2)
    best = next(expected)
    for pair in codes.merges:
        assert pair in best
        best = expected.send(pair)
    assert len(codes.merges) == 20
    everything = Subwords.learnt(TEXTS, 10_000)
    assert everything.merges[:20] == codes.merges
    expected = learnt(TEXTS, 2)
    best = next(expected)
    for pair in everything.merges:
        assert pair in best
        best = expected.send(pair)
    assert not best


def test_texts_are_merged_in_that_order(codes):
    for text in [*TEXTS, "hunde sehen hüte", "dead mantis"]:
        pieces = []
        for word in text.split():
            split = list(f" {word}")
            for pair in codes.merges:
                split = merge(split, pair)
            pieces += split
        found = codes.encode(text)
        assert found.dtype == np.int32
        known = {piece: number for number, piece in enumerate(codes.symbols)}
        assert found.tolist() == [known.get(piece, UNKNOWN) for piece in pieces]


@pytest.mark.parametrize("num_merges", [0, 20, 10_000])
def test_every_text_of_known_characters_comes_back(num_merges):
    codes = Subwords.learnt(TEXTS, num_merges)
    for text in [*TEXTS, "tandem , a < > man", ""]:
        assert codes.decode(codes.encode(text)) == " ".join(text.split())
    assert min(codes.encode(" ".join(TEXTS))) > UNKNOWN
    assert codes.encode("q")[-1] == UNKNOWN
    assert codes.symbols[:4] == SPECIAL
    assert list(codes.symbols[4 : 4 + len(codes.alphabet)]) == sorted(set("".join(TEXTS)) - {"\n"})
    assert len(codes) == len(codes.symbols)


def test_a_text_ends_where_it_ends(codes):
    numbers = codes.encode("a man").tolist()
    assert codes.decode([START, *numbers, PAD, END, *numbers]) == "a man"
    assert codes.decode(codes.encode("a mqve")) == "a m<unk><unk>e"
    for number in (-1, len(codes)):
        with pytest.raises(ValueError, match=f"There is no number {number} among"):
            codes.decode([number])


def test_one_language_or_two(codes):
    german = Subwords.learnt(GERMAN, 20)
    assert len(codes.encode("a dog sees men")) < len(german.encode("a dog sees men"))
    assert Subwords.learnt(iter(GERMAN + ENGLISH), 20) == codes


def test_it_is_read_as_it_was_written(codes):
    again = Subwords.from_json(codes.to_json())
    assert again == codes
    assert again.symbols == codes.symbols
    assert again.encode(TEXTS[0]).tolist() == codes.encode(TEXTS[0]).tolist()
    assert "ä" in codes.to_json()


@pytest.mark.parametrize(
    "change",
    [
        lambda found: {},
        lambda found: {**found, "merges": [["a"]]},
        lambda found: {**found, "alphabet": [1]},
        lambda found: {**found, "merges": found["merges"][::-1]},
    ],
)
def test_what_are_no_pieces(codes, change):
    damaged = json.dumps(change(json.loads(codes.to_json())))
    with pytest.raises(ValueError, match=r"not pieces of words|merge before they are there"):
        Subwords.from_json(damaged)


@pytest.mark.parametrize("mistake", [([], 5), (["", " "], 5), (TEXTS, -1)])
def test_what_can_not_be_learnt_from(mistake):
    with pytest.raises(ValueError, match="give texts to learn from, and merge 0 times or more"):
        Subwords.learnt(*mistake)


def test_without_the_library(codes, monkeypatch):
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    expected = r"library tokenizers, which is not installed; pip install -e '\.\[translation\]' bri"
    with pytest.raises(UsageError, match=expected) as error:
        Subwords.learnt(TEXTS, 5)
    assert "\n" not in str(error.value)
    with pytest.raises(UsageError, match=expected):
        Subwords.from_json(codes.to_json()).encode("a")
