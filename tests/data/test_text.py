"""Words and vocabulary; golden values are those of Keras 3.15.1."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnjax.data import text
from rnnjax.data.text import Vocabulary

TEXTS = [
    "A film, a <br /><br />GOOD film!\tIt's not\nbad.",
    "Bad acting; don't see it (it's awful)... naïve\xa0caf\xe9\x85 \"so-so\" 10/10",
    "  ... !?  ",
    "",
    "İstanbul's film_noir: bad",
]
KERAS_WORDS = [
    ["a", "film", "a", "br", "br", "good", "film", "it's", "not", "bad"],
    [
        *("bad", "acting", "don't", "see", "it", "it's", "awful"),
        *("na\xefve\xa0caf\xe9\x85", "so", "so", "10", "10"),
    ],
    [],
    [],
    ["i\u0307stanbul's", "film", "noir", "bad"],
]
KERAS_RANKING = (
    *("film", "bad", "a", "br", "it's", "so", "10", "good", "not", "acting", "don't", "see"),
    *("it", "awful", "na\xefve\xa0caf\xe9\x85", "i\u0307stanbul's", "noir"),
)


@pytest.mark.parametrize(("sample", "words"), list(zip(TEXTS, KERAS_WORDS, strict=True)))
def test_words_are_those_of_keras(sample, words):
    assert text.split_words(sample) == words


@given(st.text(alphabet=st.sampled_from(list("aBé'!\"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n\r 1"))))
def test_words_are_what_lies_between_separators(sample):
    between = re.findall(r"(?:[aBé'\r1])+", sample)
    assert text.split_words(sample) == [word.lower() for word in between]


def test_ranking_is_that_of_keras_ties_included():
    assert Vocabulary.build(TEXTS).words == KERAS_RANKING


def test_num_words_keeps_the_indices_below_it():
    vocabulary = Vocabulary.build(TEXTS, num_words=7)
    assert len(vocabulary) == 7
    assert vocabulary.words == ("film", "bad", "a")
    assert vocabulary.encode("A bad, bad br of a film") == [1, 6, 5, 5, 2, 2, 6, 4]
    assert Vocabulary.build(TEXTS, num_words=5).words == ("film",)
    assert len(Vocabulary.build(TEXTS, num_words=10_000)) == 4 + len(KERAS_RANKING)


def test_ties_at_the_cut_go_to_the_word_met_first():
    texts = [" ".join(f"w{i}" for i in range(500))]
    assert Vocabulary.build(texts, num_words=104).words == tuple(f"w{i}" for i in range(100))


def test_a_full_corpus_can_be_limited_afterwards():
    full = Vocabulary.build(TEXTS)
    small = Vocabulary.build(TEXTS, num_words=9)
    held_out = [*TEXTS, "unheard of: bad film, it's so so"]
    limited = text.limit_words(full.encode_all(held_out).values, num_words=9)
    np.testing.assert_array_equal(limited, small.encode_all(held_out).values)
    assert limited.dtype == np.int32
    assert full.limited(9) == small
    assert full.limited(10_000) == full


def test_encoding_a_corpus_equals_encoding_each_text():
    vocabulary = Vocabulary.build(TEXTS, num_words=12)
    corpus = vocabulary.encode_all(iter(TEXTS))
    assert [sequence.tolist() for sequence in corpus] == [vocabulary.encode(t) for t in TEXTS]
    assert corpus.lengths.tolist() == [11, 13, 1, 1, 5]


def test_decoding_shows_words_and_special_indices():
    vocabulary = Vocabulary.build(TEXTS)
    indices = np.array([0, 0, *vocabulary.encode(TEXTS[0]), 2, 3])
    assert vocabulary.decode(indices) == (
        "<start> a film a br br good film it's not bad <unknown> <unused>"
    )
    for outside in (-1, len(vocabulary)):
        with pytest.raises(ValueError, match=f"Index {outside} is outside this vocabulary of 21"):
            vocabulary.decode([4, outside])


def test_json_keeps_every_word_and_their_order():
    vocabulary = Vocabulary((*KERAS_RANKING, "\ud800lone", 'q"uo\\te', "line\nbreak"))
    again = Vocabulary.from_json(vocabulary.to_json())
    assert again == vocabulary
    assert again.digest == vocabulary.digest
    assert json.loads(vocabulary.to_json())["words"][0] == "film"


def test_digest_tells_vocabularies_apart():
    digest = Vocabulary(("good", "bad")).digest
    # Checkpoints hold digests: another value for the same words would refuse them all.
    assert digest == "8aa68a751183677c4095d7b7429c195eff3e83ab422e4b7e732ff7288556a14d"
    others = [("bad", "good"), ("good",), ("good", "bad", "x"), ("goodbad",), ("good bad",)]
    assert digest not in {Vocabulary(words).digest for words in others}


@pytest.mark.parametrize(
    ("sentence", "message"),
    [
        ("", "holds no word"),
        ("  ... !? \n", "holds no word"),
        ("good\x00film", r"control character '\\x00'"),
        ("\x1b[31mred", r"control character '\\x1b'"),
        ("caf\udce9", "not UTF-8"),
        (b"caf\xe9", "not UTF-8"),
        (b"\x00\x01\x02\x03", "binary data"),
    ],
)
def test_what_is_no_sentence_is_refused_in_one_sentence(sentence, message):
    with pytest.raises(ValueError, match=message) as refusal:
        text.check_sentence(sentence)
    assert "\n" not in str(refusal.value)
    assert str(refusal.value).endswith(".")


@pytest.mark.parametrize("sentence", ["x", "Two\r\nlines,\ttabs", "été 🎬", "1999\x85"])
def test_a_sentence_passes_unchanged(sentence):
    assert text.check_sentence(sentence) == sentence
    assert text.check_sentence(sentence.encode()) == sentence


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Vocabulary.build(TEXTS, num_words=4), "num_words is 4"),
        (lambda: Vocabulary.build(TEXTS, num_words=-1), "num_words is -1"),
        (lambda: text.limit_words(np.array([5]), 4), "num_words is 4"),
        (lambda: Vocabulary(("a", "b")).limited(0), "num_words is 0"),
        (lambda: Vocabulary.build(["", " ?! "]), "at least one word"),
        (lambda: Vocabulary.build([]), "at least one word"),
        (lambda: Vocabulary.build("a film"), "list of texts"),
        (lambda: Vocabulary(("a", "b", "a")), "'a' occurs 2 times"),
        (lambda: Vocabulary.from_json("not json"), "not a vocabulary"),
        (lambda: Vocabulary.from_json("[1, 2]"), "not a vocabulary"),
        (lambda: Vocabulary.from_json('{"word": []}'), "not a vocabulary"),
        (
            lambda: Vocabulary.from_json('{"words": ["a", 3]}'),
            r"words\[1\]: expected a str",
        ),
        (lambda: Vocabulary.from_json('{"words": "abc"}'), "words: expected a list, found"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
