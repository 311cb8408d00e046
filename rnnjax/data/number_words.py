"""Numbers as English and as German words, which stand in for a translation where none can be had.

What a whole number below a million is called is certain, so that the best possible translation is
known: every one exact. Word for word it can't be done, since German says the ones before the tens:
"twenty one" is "ein und zwanzig". A German number is one long word, which is taken apart here.
"""

from __future__ import annotations

import numpy as np

from rnnjax.data.pairs import Pairs

LIMIT = 1_000_000
SIZES = {"train": 20_000, "validation": 1_000, "test": 1_000}
DIRECTIONS = ("en-de", "de-en")

_ENGLISH = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
    "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen",
    "nineteen",
)  # fmt: skip
_ENGLISH_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_GERMAN = (
    "null", "eins", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun", "zehn",
    "elf", "zwölf", "dreizehn", "vierzehn", "fünfzehn", "sechzehn", "siebzehn", "achtzehn",
    "neunzehn",
)  # fmt: skip
_GERMAN_TENS = (
    "zwanzig", "dreißig", "vierzig", "fünfzig", "sechzig", "siebzig", "achtzig", "neunzig",
)  # fmt: skip


def english(number: int) -> str:
    """A number from 0 to 999,999 in English, as in America without "and".

    Raises:
        ValueError: It is another one.

    >>> english(21_305)
    'twenty one thousand three hundred five'
    """
    thousands, rest = _in_thousands(number)
    words = [*_english_below_1000(thousands), "thousand"] if thousands else []
    return " ".join([*words, *_english_below_1000(rest)] if number else _ENGLISH[:1])


def german(number: int) -> str:
    """A number from 0 to 999,999 in German, its parts between blanks.

    "Eins" stands at the end only, "ein" before "und", "hundert" and "tausend".

    Raises:
        ValueError: It is another one.

    >>> german(21_305), german(101_001)
    ('ein und zwanzig tausend drei hundert fünf', 'ein hundert ein tausend eins')
    """
    thousands, rest = _in_thousands(number)
    words = [*_german_below_1000(thousands, "ein"), "tausend"] if thousands else []
    return " ".join([*words, *_german_below_1000(rest, "eins")] if number else _GERMAN[:1])


def generate(direction: str, seed: int = 0) -> dict[str, Pairs]:
    """Draws as many numbers as `SIZES` says for each part, no number twice.

    Args:
        direction: "en-de" or "de-en".
        seed: Equal seeds draw the same.

    Raises:
        ValueError: For another direction, or a negative seed.
    """
    if direction not in DIRECTIONS or seed < 0:
        raise ValueError(
            f"direction is {direction!r} and seed {seed}: choose one of {', '.join(DIRECTIONS)}, "
            "and a seed of at least 0."
        )
    source, target = (english, german) if direction == "en-de" else (german, english)
    drawn = np.random.default_rng(seed).choice(LIMIT, sum(SIZES.values()), replace=False)
    parts, start = {}, 0
    for part, size in SIZES.items():
        numbers = drawn[start : start + size].tolist()
        start += size
        parts[part] = Pairs(
            tuple(map(source, numbers)), tuple((target(number),) for number in numbers)
        )
    return parts


def _in_thousands(number: int) -> tuple[int, int]:
    if not 0 <= number < LIMIT:
        raise ValueError(f"number is {number}: numbers from 0 to {LIMIT - 1:,} have words here.")
    return divmod(number, 1_000)


def _english_below_1000(number: int) -> list[str]:
    """The words of 0 are none."""
    hundreds, rest = divmod(number, 100)
    words = [_ENGLISH[hundreds], "hundred"] if hundreds else []
    if rest < 20:
        return words + [_ENGLISH[rest]] * (rest > 0)
    tens, ones = divmod(rest, 10)
    return [*words, _ENGLISH_TENS[tens - 2]] + [_ENGLISH[ones]] * (ones > 0)


def _german_below_1000(number: int, last_one: str) -> list[str]:
    """The words of 0 are none; a 1 at the end is `last_one`."""

    def ones_word(ones: int, one: str) -> str:
        return one if ones == 1 else _GERMAN[ones]

    hundreds, rest = divmod(number, 100)
    words = [ones_word(hundreds, "ein"), "hundert"] if hundreds else []
    if rest < 20:
        return words + [ones_word(rest, last_one)] * (rest > 0)
    tens, ones = divmod(rest, 10)
    return words + [ones_word(ones, "ein"), "und"] * (ones > 0) + [_GERMAN_TENS[tens - 2]]
