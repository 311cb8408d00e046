"""Whole words as numbers and back."""

from __future__ import annotations

import numpy as np
import pytest

from rnnjax.data.codes import END, PAD, SPECIAL, START, UNKNOWN, WordVocabulary
from rnnjax.data.symbols import Symbols

TEXTS = ["the cat sat .", "a cat , a dog .", "the cat <eos> <pad> <end> ?", "a ? <eos>"]


def test_the_first_numbers_are_special_and_words_follow_by_frequency():
    vocabulary = WordVocabulary.of(TEXTS)
    # Of equally frequent ones the one met first; once is too rare.
    assert vocabulary.symbols == (*SPECIAL, "cat", "a", "the", ".", "<eos>", "?")
    assert (PAD, START, END, UNKNOWN, len(vocabulary)) == (0, 1, 2, 3, 10)
    numbers = vocabulary.encode("the  dog sat , the cat\n")
    assert numbers.dtype == np.int32
    assert numbers.tolist() == [6, 3, 3, 3, 6, 4]
    assert vocabulary.encode("").shape == (0,)
    assert WordVocabulary.of(TEXTS, min_count=3).symbols == (*SPECIAL, "cat", "a")


def test_every_training_text_comes_back():
    vocabulary = WordVocabulary.of(TEXTS, min_count=1)
    for text in TEXTS:
        expected = text.replace("<pad>", "<unk>").replace("<end>", "<unk>")
        assert vocabulary.decode(vocabulary.encode(text)) == expected


def test_a_text_ends_where_it_ends():
    vocabulary = WordVocabulary.of(TEXTS)
    assert vocabulary.decode([START, 4, UNKNOWN, PAD, 5, END, 6, END]) == "cat <unk> a"
    assert vocabulary.decode(np.array([END])) == vocabulary.decode([]) == ""


@pytest.mark.parametrize("number", [-1, 10])
def test_a_number_of_others(number):
    with pytest.raises(ValueError, match=f"There is no number {number} among 10"):
        WordVocabulary.of(TEXTS).decode([4, number])


def test_it_is_read_as_it_was_written():
    vocabulary = WordVocabulary.of(TEXTS)
    assert WordVocabulary.from_json(vocabulary.to_json()) == vocabulary
    assert WordVocabulary.of(list(TEXTS)) == vocabulary
    for text in ("{}", "no JSON", Symbols.of("word", "a b c d").to_json()):
        with pytest.raises(ValueError, match=r"not a list of symbols|first are <pad>, <start>"):
            WordVocabulary.from_json(text)


def test_what_makes_no_vocabulary():
    with pytest.raises(ValueError, match="No word occurs 2 times"):
        WordVocabulary.of(["a b c"])
    with pytest.raises(ValueError, match="pass a list of texts"):
        WordVocabulary.of("a a")
