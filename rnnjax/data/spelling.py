"""Words of an invented language, spelt by rules without an exception, and what they sound like.

They stand in for a pronouncing dictionary where none can be had, and what is right is known of
every word: the best phoneme error rate is 0. Letter by letter it can't be done: "c" is S before e
and i and K elsewhere, "sh" and "oo" are one sound each, and an "e" at the end is silent.
"""

from __future__ import annotations

import numpy as np

from rnnjax.data.pairs import Pairs

SIZES = {"train": 10_000, "validation": 1_000, "test": 1_000}
MOST_SYLLABLES = 4

_SOUNDS = {
    "a": "AE", "b": "B", "d": "D", "e": "EH", "f": "F", "g": "G", "i": "IH", "k": "K", "l": "L",
    "m": "M", "n": "N", "o": "AA", "p": "P", "r": "R", "s": "S", "t": "T", "u": "AH",
}  # fmt: skip
_TWO_LETTERS = {"sh": "SH", "oo": "UW"}
_STARTS = ("b", "c", "d", "f", "g", "k", "l", "m", "n", "p", "r", "s", "sh", "t")
_VOWELS = ("a", "e", "i", "o", "oo", "u")
_ENDS = ("", "", "", "c", "k", "l", "m", "n", "r", "s", "sh", "t")


def pronounced(word: str) -> str:
    """The sounds of a word, between blanks.

    Args:
        word: Letters in lower case; an h stands after an s only.

    Raises:
        ValueError: It has no such letters, or no sound at all.

    >>> pronounced("cashoonce")
    'K AE SH UW N S'
    """
    sounds, place = [], 0
    while place < len(word):
        letter, two = word[place], word[place : place + 2]
        if two in _TWO_LETTERS:
            sounds.append(_TWO_LETTERS[two])
            place += 1
        elif letter == "c":
            sounds.append("S" if two in ("ce", "ci") else "K")
        elif letter not in _SOUNDS:
            raise ValueError(f"The word {word!r} has {letter!r}, which has no sound by itself.")
        elif not (letter == "e" and place == len(word) - 1):
            sounds.append(_SOUNDS[letter])
        place += 1
    if not sounds:
        raise ValueError(f"The word {word!r} has no sound at all.")
    return " ".join(sounds)


def generate(seed: int = 0) -> dict[str, Pairs]:
    """Writes as many words as `SIZES` says for each part, no word twice.

    Args:
        seed: Equal seeds write the same.

    Raises:
        ValueError: For a negative seed.
    """
    if seed < 0:
        raise ValueError(f"seed is {seed}: take 0 or more.")
    rng = np.random.default_rng(seed)
    words: dict[str, None] = {}
    while len(words) < sum(SIZES.values()):
        words[_word(rng)] = None
    parts, waiting = {}, iter(words)
    for part, size in SIZES.items():
        drawn = [next(waiting) for _ in range(size)]
        parts[part] = Pairs(
            tuple(map(" ".join, drawn)), tuple((pronounced(word),) for word in drawn)
        )
    return parts


def _word(rng: np.random.Generator) -> str:
    kinds = (_STARTS, _VOWELS, _ENDS) * int(rng.integers(1, MOST_SYLLABLES + 1))
    drawn = rng.random(len(kinds)).tolist()
    letters = (kind[int(share * len(kind))] for kind, share in zip(kinds, drawn, strict=True))
    return "".join(letters) + "e" * int(rng.random() < 0.3)
