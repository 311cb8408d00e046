"""An invented language: its rules, and that they are what its words are spoken by."""

from __future__ import annotations

import re

import pytest

from rnnjax.data import spelling

VOWELS = {"a": "AE", "e": "EH", "i": "IH", "o": "AA", "u": "AH"}


def rewritten(word):
    """The same rules as substitutions, one after the other."""
    for pattern, sound in (("sh", "1"), ("oo", "2"), ("c(?=[ei])", "s"), ("c", "k"), ("e$", "")):
        word = re.sub(pattern, sound, word)
    return " ".join({"1": "SH", "2": "UW", **VOWELS}.get(letter, letter.upper()) for letter in word)


@pytest.mark.parametrize(
    ("word", "sounds"),
    [
        ("cat", "K AE T"),
        ("cent", "S EH N T"),
        ("cid", "S IH D"),
        ("cooc", "K UW K"),
        ("ace", "AE S"),
        ("ic", "IH K"),
        ("shoe", "SH AA"),
        ("sushoo", "S AH SH UW"),
        ("ooo", "UW AA"),
        ("ee", "EH"),
        ("mete", "M EH T"),
        ("baccide", "B AE K S IH D"),
    ],
)
def test_the_rules(word, sounds):
    assert spelling.pronounced(word) == sounds


@pytest.mark.parametrize("word", ["hat", "ash!", "", "e", "Cat"])
def test_words_of_another_language(word):
    with pytest.raises(ValueError, match="no sound"):
        spelling.pronounced(word)


def test_no_word_is_in_two_parts(monkeypatch):
    assert spelling.SIZES == {"train": 10_000, "validation": 1_000, "test": 1_000}
    monkeypatch.setattr(spelling, "SIZES", {"train": 800, "validation": 60, "test": 70})
    parts = spelling.generate(seed=1)
    assert {part: len(pairs.sources) for part, pairs in parts.items()} == spelling.SIZES
    words = [source for pairs in parts.values() for source in pairs.sources]
    assert len(set(words)) == 930
    for pairs in parts.values():
        for source, target in pairs.examples():
            assert target == rewritten(source.replace(" ", ""))
    # Each rule is met often.
    text = "\n".join(words)
    for pattern in ("c [ei]", "c [aou]", "c$", "s h", "o o", "[^c ] e$"):
        assert len(re.findall(pattern, text, re.MULTILINE)) > 30
    assert spelling.generate(seed=1) == parts != spelling.generate(seed=2)
    with pytest.raises(ValueError, match="seed is -1: take 0 or more"):
        spelling.generate(-1)
