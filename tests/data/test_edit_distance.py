"""Edits and error rates, against a definition by recursion."""

from __future__ import annotations

import functools
import random

import pytest

from rnnjax.data.edit_distance import alignment, confusions, edits, error_rates, nearest


@functools.cache
def recursive(a, b):
    if not a or not b:
        return len(a) + len(b)
    return min(
        recursive(a[1:], b) + 1,
        recursive(a, b[1:]) + 1,
        recursive(a[1:], b[1:]) + (a[0] != b[0]),
    )


def random_pairs(count):
    rng = random.Random(0)
    for _ in range(count):
        yield tuple("".join(rng.choices("abc", k=rng.randrange(7))) for _ in range(2))


def test_the_fewest_edits():
    for a, b in random_pairs(300):
        assert edits(a, b) == recursive(a, b)


def test_an_alignment_has_both_texts_and_no_edit_more():
    for a, b in random_pairs(300):
        found = alignment(a, b)
        assert "".join(x for x, _ in found if x) == a
        assert "".join(y for _, y in found if y) == b
        assert sum(x != y for x, y in found) == edits(a, b)
        assert (None, None) not in found


def test_the_nearest_reference_and_of_equal_ones_the_shorter():
    assert nearest(["a b c", "a b"], "a b x") == (["a", "b"], 1)
    assert nearest(["a b", "a b c"], "a b x") == (["a", "b"], 1)
    assert nearest(["a b c d", "x y"], "a b c") == (["a", "b", "c", "d"], 1)
    assert nearest(["a", "b"], "c") == (["a"], 1)
    with pytest.raises(ValueError, match="'c' has no reference"):
        nearest([], "c")


def test_error_rates_pool_over_all_answers():
    answers = ["a b x", "q", "", "k l m n o"]
    references = [("a b c", "a b"), ("p", "q"), ("a b",), ("k",)]
    # Edits 1, 0, 2, 4 over lengths 2, 1, 2, 1.
    assert error_rates(answers, references) == (7 / 6, 3 / 4)
    assert error_rates(["a b"], [("b a", "a b")]) == (0, 0)


def test_rates_of_nothing():
    for answers, references in (([], []), (["a"], [("",)])):
        with pytest.raises(ValueError, match="no token in any reference"):
            error_rates(answers, references)
    for count in (error_rates, confusions):
        with pytest.raises(ValueError, match="argument 2 is"):
            count(["a"], [])
        with pytest.raises(ValueError, match="has no reference"):
            count(["a"], [()])


def test_what_is_taken_for_what():
    answers = ["a x c", "x", "x y", "q", "a b", "b", "b"]
    references = [("a b c",), ("b",), ("b a",), ("b", "q"), ("a b c",), ("y",), ("x",)]
    expected = [(("b", "x"), 3), (("a", "y"), 1), (("x", "b"), 1), (("y", "b"), 1)]
    assert confusions(answers, references) == expected
    assert confusions(answers, references, most=2) == expected[:2]
    # What is left out or put in is no confusion.
    assert confusions(["a c", "a b"], [("a b c",), ("a",)]) == []
