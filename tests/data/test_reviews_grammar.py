"""Generated reviews: the order decides, the words do not, and a reader can always be right."""

from __future__ import annotations

import collections
import re

import numpy as np
import pytest

from rnnjax.data import reviews_grammar
from rnnjax.data.baseline import bag_of_words_accuracy
from rnnjax.data.text import split_words

PRAISE, BLAME = (
    frozenset(words.split())
    for words in (
        """good great wonderful brilliant superb delightful charming moving gripping funny clever
        beautiful excellent memorable fresh touching enjoyable fantastic convincing lovely
        impressive masterful inspired witty""",
        """bad awful terrible dreadful dull boring clumsy weak silly tedious predictable forgettable
        ugly lifeless stale annoying horrible poor shallow messy tiresome laughable bland
        painful""",
    )
)
SAID_BY_OTHERS = re.compile(r"(called the \w+|and the \w+|found it|says|called it)$")
TURNED_ROUND = re.compile(
    r"(not|never|anything but|seemed|looked|despite the|although the \w+ was)$"
)


def verdicts(review):
    """What each word of praise or blame says about the writer's own view, by rules of English."""
    words = [word for word in split_words(review) if word not in {"really", "truly"}]
    for place, word in enumerate(words):
        before = " ".join(words[max(0, place - 4) : place])
        if word in PRAISE | BLAME and not SAID_BY_OTHERS.search(before):
            turns = bool(TURNED_ROUND.search(before)) + (words[place + 1 : place + 2] == ["but"])
            yield (word in PRAISE) ^ (turns % 2 == 1)


@pytest.fixture(scope="module")
def reviews():
    return reviews_grammar.generate(num_reviews=2_000, seed=0)


def test_a_reader_in_order_is_always_right(reviews):
    for review, label in zip(*reviews, strict=True):
        views = set(verdicts(review))
        assert views == {bool(label)}, review
    assert reviews_grammar.best_accuracy() == 1.0


def test_the_opposite_review_has_the_same_words_in_another_order():
    for seed in range(300):
        positive, negative = (
            split_words(reviews_grammar.write_review(np.random.default_rng(seed), label))
            for label in (1, 0)
        )
        assert positive != negative
        assert collections.Counter(positive) == collections.Counter(negative)


def test_counting_words_stays_at_chance(reviews):
    test_texts, test_labels = reviews_grammar.generate(2_000, seed=1)
    accuracy = bag_of_words_accuracy(reviews[0], reviews[1], test_texts, test_labels)
    assert 0.45 < accuracy < 0.55


def test_counting_words_notices_a_word_that_tells(reviews):
    texts, labels = reviews
    marked = [
        f"{text} hooray" if label else text for text, label in zip(texts, labels, strict=True)
    ]
    assert bag_of_words_accuracy(marked, labels, marked[:200], labels[:200]) == 1.0
    assert bag_of_words_accuracy(marked, labels, texts[:200], labels[:200]) < 0.6
    # "hooray" is not among the most frequent words, so it is not counted.
    assert bag_of_words_accuracy(marked, labels, marked, labels, num_words=3) < 0.6


def test_reviews_have_the_size_they_are_said_to_have(reviews):
    texts, labels = reviews
    lengths = [len(split_words(text)) for text in texts]
    assert min(lengths) >= 12
    assert max(lengths) <= 60
    assert min(lengths) < 20 < 45 < max(lengths)
    assert 150 <= len({word for text in texts for word in split_words(text)}) <= 300
    assert labels.dtype == np.int32
    assert labels.sum() == len(texts) // 2
    assert 0.4 < labels[: len(labels) // 2].mean() < 0.6


def test_the_longest_possible_review_has_60_words_at_most():
    def lengths(*templates):
        # "{yes}" and "{no}" may each bring an intensifier.
        return sorted(
            (len(t.split()) + ("{yes}" in t) + ("{no}" in t) for t in templates), reverse=True
        )

    opinions = lengths(*reviews_grammar._OPINIONS)
    others = lengths(*reviews_grammar._HEARSAY, *reviews_grammar._ASIDES)
    # Five sentences, one to three of them opinions, none used twice.
    assert max(sum(opinions[:n]) + sum(others[: 5 - n]) for n in (1, 2, 3)) <= 60


def test_reviews_are_a_function_of_the_seed(reviews):
    texts, labels = reviews
    again, labels_again = reviews_grammar.generate(num_reviews=2_000, seed=0)
    others, _ = reviews_grammar.generate(num_reviews=2_000, seed=1)
    assert texts == again
    np.testing.assert_array_equal(labels, labels_again)
    assert len(set(texts) & set(others)) < 5


@pytest.mark.parametrize(
    ("num_reviews", "seed", "message"), [(0, 0, "num_reviews is 0"), (5, -1, "seed is -1")]
)
def test_bad_input_is_named(num_reviews, seed, message):
    with pytest.raises(ValueError, match=message):
        reviews_grammar.generate(num_reviews, seed)


def test_labels_of_one_kind_teach_nothing():
    with pytest.raises(ValueError, match="class"):
        bag_of_words_accuracy(["good", "bad"], [1, 1], ["good"], [1])
