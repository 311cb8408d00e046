"""Number words: what they are in both languages, against a reader written the other way round."""

from __future__ import annotations

import random

import pytest

from rnnjax.data import number_words
from rnnjax.data.number_words import english, german

KNOWN = {
    0: ("zero", "null"),
    1: ("one", "eins"),
    12: ("twelve", "zwölf"),
    16: ("sixteen", "sechzehn"),
    17: ("seventeen", "siebzehn"),
    20: ("twenty", "zwanzig"),
    30: ("thirty", "dreißig"),
    66: ("sixty six", "sechs und sechzig"),
    71: ("seventy one", "ein und siebzig"),
    100: ("one hundred", "ein hundert"),
    101: ("one hundred one", "ein hundert eins"),
    999: ("nine hundred ninety nine", "neun hundert neun und neunzig"),
    1_000: ("one thousand", "ein tausend"),
    1_001: ("one thousand one", "ein tausend eins"),
    11_011: ("eleven thousand eleven", "elf tausend elf"),
    21_000: ("twenty one thousand", "ein und zwanzig tausend"),
    101_101: (
        "one hundred one thousand one hundred one",
        "ein hundert ein tausend ein hundert eins",
    ),
    200_020: ("two hundred thousand twenty", "zwei hundert tausend zwanzig"),
    999_999: (
        "nine hundred ninety nine thousand nine hundred ninety nine",
        "neun hundert neun und neunzig tausend neun hundert neun und neunzig",
    ),
}  # fmt: skip

ONES = "null eins zwei drei vier fünf sechs sieben acht neun".split()  # noqa: SIM905
VALUES = {
    **{word: n for n, word in enumerate(ONES)},
    "ein": 1, "zehn": 10, "elf": 11, "zwölf": 12, "sechzehn": 16, "siebzehn": 17,
    **{f"{ONES[n]}zehn": 10 + n for n in (3, 4, 5, 8, 9)},
    "zwanzig": 20, "dreißig": 30, "sechzig": 60, "siebzig": 70,
    **{f"{ONES[n]}zig": 10 * n for n in (4, 5, 8, 9)},
    "zero": 0, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7,
    "eight": 8, "nine": 9, "ten": 10, "eleven": 11, "twelve": 12, "thirteen": 13, "fifteen": 15,
    "eighteen": 18, "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "eighty": 80,
    **{f"{word}teen": n for word, n in (("four", 14), ("six", 16), ("seven", 17), ("nine", 19))},
    **{f"{word}ty": n for word, n in (("six", 60), ("seven", 70), ("nine", 90))},
}  # fmt: skip


def value(text):
    """The number that words say, from left to right."""
    whole = part = 0
    for word in text.split():
        if word in ("thousand", "tausend"):
            whole, part = 1_000 * part, 0
        elif word in ("hundred", "hundert"):
            part *= 100
        elif word != "und":
            part += VALUES[word]
    return whole + part


@pytest.mark.parametrize("number", KNOWN)
def test_known_numbers(number):
    assert (english(number), german(number)) == KNOWN[number]


def test_words_say_their_number():
    drawn = random.Random(0).sample(range(number_words.LIMIT), 2_000)
    for number in [*range(1_000), *range(0, number_words.LIMIT, 997), *drawn]:
        assert value(english(number)) == value(german(number)) == number
        # "eins" at the end alone.
        assert "eins" not in german(number).split()[:-1]


@pytest.mark.parametrize("number", [-1, 1_000_000])
def test_other_numbers_have_no_words_here(number):
    for words in (english, german):
        with pytest.raises(ValueError, match=r"numbers from 0 to 999,999"):
            words(number)


def test_no_number_is_in_two_parts(monkeypatch):
    assert number_words.SIZES == {"train": 20_000, "validation": 1_000, "test": 1_000}
    monkeypatch.setattr(number_words, "SIZES", {"train": 300, "validation": 20, "test": 30})
    monkeypatch.setattr(number_words, "LIMIT", 400)
    parts = number_words.generate("en-de", seed=3)
    assert {part: len(pairs.sources) for part, pairs in parts.items()} == number_words.SIZES
    sources = [source for pairs in parts.values() for source in pairs.sources]
    assert len(set(sources)) == 350
    for source, target in parts["test"].examples():
        assert german(value(source)) == target
    other_way = number_words.generate("de-en", seed=3)["test"]
    assert other_way.examples() == [(t, s) for s, t in parts["test"].examples()]
    assert number_words.generate("en-de", seed=3) == parts != number_words.generate("en-de", 4)


@pytest.mark.parametrize("mistake", [("en-fr", 0), ("en-de", -1)])
def test_what_can_not_be_drawn(mistake):
    with pytest.raises(ValueError, match="choose one of en-de, de-en, and a seed of at least 0"):
        number_words.generate(*mistake)
