"""Pairs of sentences that a program makes: four slots, some of whose words mean the same."""

from __future__ import annotations

import numpy as np

from rnnjax.data.sentence_pairs import HIGHEST, LOWEST, Scored, SentencePairs
from rnnjax.data.word_vectors import WordVectors, gather

SLOTS = (
    ("man|gentleman", "woman|lady", "child|kid", "dog|hound", "cat|feline", "girl|lass"),
    ("throws|tosses", "takes|grabs", "cleans|washes", "carries|bears", "hides|conceals"),
    ("ball|sphere", "rock|stone", "coat|jacket", "box|crate", "cup|mug", "rug|carpet"),
    ("street|road", "forest|wood", "shop|store", "garden|yard", "house|home", "sea|ocean"),
)
"""Who, does, what, where; two words for each meaning."""

PATTERN = "the {} {} the {} in the {}"
SIZES = {"train": 4000, "validation": 500, "test": 1000}
SHARE_EQUAL = 0.5
VECTOR_SIZE = 50


def pairs(number: int, rng: np.random.Generator) -> Scored:
    """Draws pairs: each slot means the same in both with probability 1/2.

    The score is 1 + 4 times the share of the slots that mean the same.
    """
    equal = rng.random((number, len(SLOTS))) < SHARE_EQUAL
    one = np.column_stack([rng.integers(len(slot), size=number) for slot in SLOTS])
    away = np.column_stack([rng.integers(1, len(slot), size=number) for slot in SLOTS])
    counts = np.array([*map(len, SLOTS)])
    sides = []
    for meanings in (one, (one + np.where(equal, 0, away)) % counts):
        chosen = zip(meanings.tolist(), rng.integers(2, size=meanings.shape).tolist(), strict=True)
        sides.append(tuple(_sentence(own, which) for own, which in chosen))
    scores = LOWEST + (HIGHEST - LOWEST) * equal.mean(axis=1)
    return Scored(sides[0], sides[1], scores.astype(np.float32))


def _sentence(meanings: list[int], which: list[int]) -> str:
    words = [
        slot[meaning].split("|")[word]
        for slot, meaning, word in zip(SLOTS, meanings, which, strict=True)
    ]
    return PATTERN.format(*words)


def vectors(rng: np.random.Generator) -> WordVectors:
    """Random ones: that two words mean the same is not to be seen in them."""
    words = ["the", "in", *(word for slot in SLOTS for both in slot for word in both.split("|"))]
    return gather(words, {word: rng.normal(size=VECTOR_SIZE) for word in words})


def stand_in(warning: str | None = None, *, seed: int = 0) -> SentencePairs:
    """Pairs for which nothing needs to be had; the best correlation is 1.

    Args:
        warning: where they stand in for other data, the sentence that says so.
        seed: of all draws.
    """
    rng = np.random.default_rng(seed)
    train, validation, test = (pairs(number, rng) for number in SIZES.values())
    return SentencePairs(
        "slot_sentences", "made by a program", "made by a program", train, validation, test,
        vectors(rng), warning=warning, best_pearson=1.0,
    )  # fmt: skip
