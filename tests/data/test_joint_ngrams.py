"""Words by letters that go together with sounds: the best of all ways to put them together."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from rnnjax.data import joint_ngrams
from rnnjax.data.joint_ngrams import END, START, JointNgrams, joint_metrics
from rnnjax.data.letter_table import aligned
from rnnjax.data.pairs import PairDataset, Pairs

EXAMPLES = [
    ("t a x", "T AE K S"), ("t a", "T AE"), ("p h i x", "F IH K S"), ("t i p", "T IH P"),
    ("p h a t", "F AE T"), ("p a t h e", "P AE T H"), ("a", "AE"), ("x", "K S"), ("p a", "P EY"),
    ("t a p e", "T EY P"), ("t a p", "T AE P"), ("h i", "HH AY"), ("h i t", "HH IH T"),
]  # fmt: skip
WORDS = ("h a t e", "x", "p h i", "t a p e", "a x e", "")


def best_of_all(ngrams, source):
    """By the probabilities of whole sequences."""
    of_letter = [
        [n for n, (letter, _) in enumerate(ngrams.units, start=2) if letter == own]
        for own in source.split()
    ]
    rows = [[START, *numbers, END] for numbers in itertools.product(*of_letter)]
    scores = [ngrams.model.log_probs(np.array(row))[-1, 1:].sum() for row in rows]
    best = rows[int(np.argmax(scores))][1:-1]
    return " ".join(" ".join(ngrams.units[n - 2][1] for n in best).split())


@pytest.mark.parametrize("order", [0, 2, 5])
def test_the_best_of_all_is_found(order, monkeypatch):
    ngrams = JointNgrams.learnt(aligned(EXAMPLES), order)
    right = [best_of_all(ngrams, word) for word in WORDS]
    assert ngrams.pronounce(WORDS, beam_size=200) == right
    assert right[-1] == ""
    monkeypatch.setattr(joint_ngrams, "WORDS_AT_ONCE", 4)
    assert ngrams.pronounce(WORDS, beam_size=200) == right


def test_what_a_letter_seldom_is_may_be_left_out(monkeypatch):
    ngrams = JointNgrams.learnt(aligned(EXAMPLES), 3)
    assert ngrams.pronounce(["t a p e"], 50) == ["T EY P"]
    monkeypatch.setattr(joint_ngrams, "MOST_UNITS", 1)
    assert ngrams.pronounce(["t a p e"], 50) == ["T AE P"]


def test_unknown_letters_have_no_sound_and_no_words_are_refused():
    ngrams = JointNgrams.learnt(aligned(EXAMPLES))
    assert ngrams.pronounce(["? h i !", "?"]) == ngrams.pronounce(["h i", ""])
    with pytest.raises(ValueError, match="nothing to count"):
        JointNgrams.learnt([])


def test_rates_are_per_cent():
    pairs = Pairs(("h i", "t a p"), (("HH AY",), ("T AE P S",)))
    data = PairDataset("own", "here", "none", "letters", "sounds", pairs, pairs, pairs)
    found = joint_metrics(data, aligned(EXAMPLES))
    assert found == {"joint n-grams": {"test_per": pytest.approx(100 / 6), "test_wer": 50.0}}
