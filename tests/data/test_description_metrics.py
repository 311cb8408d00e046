"""Scores of descriptions, and the nearest known picture."""

from __future__ import annotations

import numpy as np
import pytest

from rnnjax.data.described_pictures import Part, joined
from rnnjax.data.description_metrics import (
    exact_share,
    nearest,
    nearest_picture,
    scores,
    word_f1,
)


def f1(said, true):
    """By precision and recall, with the words crossed out one by one."""
    left, hits = true.split(), 0
    for word in said.split():
        if word in left:
            left.remove(word)
            hits += 1
    if not hits:
        return 0.0
    precision, recall = hits / len(said.split()), hits / len(true.split())
    return 2 * precision * recall / (precision + recall)


def test_word_f1_is_that_of_the_best_reference():
    rng = np.random.default_rng(0)
    texts = [" ".join(rng.choice(list("abc"), rng.integers(1, 6))) for _ in range(150)]
    written, first, second = texts[:50], texts[50:100], texts[100:]
    expected = np.mean([max(f1(w, a), f1(w, b)) for w, a, b in zip(written, first, second)])  # noqa: B905
    assert word_f1(written, list(zip(first, second, strict=True))) == pytest.approx(
        expected, abs=1e-12
    )


def test_exact_is_word_for_word():
    references = [["a b", "b a"], ["a b"], ["a b"], ["a"], ["a"]]
    written = ["b a", "b a", "a  b ", "", "a a"]
    assert exact_share(written, references) == 2 / 5
    assert scores(written, references) == {
        "exact": 2 / 5,
        "f1": pytest.approx((1 + 1 + 1 + 0 + 2 / 3) / 5, abs=1e-12),
    }


@pytest.mark.parametrize("written", [[], ["a"], ["a", "b", "c"]])
@pytest.mark.parametrize("score", [exact_share, word_f1])
def test_a_description_to_each_picture(score, written):
    with pytest.raises(ValueError, match="give one of each, and at least one"):
        score(written, [["a"], ["b"]][: 2 * bool(written)])


@pytest.fixture
def known():
    return np.random.default_rng(0).integers(0, 256, (23, 3, 4, 2)).astype(np.uint8)


@pytest.mark.parametrize("block", [1, 5, 23, 1024])
def test_the_nearest_is_found_in_blocks(known, block):
    asked = np.random.default_rng(1).integers(0, 256, (9, 3, 4, 2)).astype(np.uint8)
    differences = asked[:, None].astype(int) - known
    expected = np.square(differences).sum(axis=(2, 3, 4)).argmin(axis=1)
    assert nearest(asked, known, block).tolist() == expected.tolist()
    np.testing.assert_array_equal(nearest(known, known, block), np.arange(23))


def test_of_equally_near_pictures_the_first_is_taken(known):
    doubled = np.concatenate([known, known])
    for block in (7, 23, 46):
        np.testing.assert_array_equal(nearest(known, doubled, block), np.arange(23))


def test_distances_of_large_pictures_are_exact():
    # Single precision cannot tell these apart: the squares sum to 2e8.
    picture = np.full((1, 56, 56, 1), 255, np.uint8)
    known = np.repeat(picture, 3, axis=0)
    known[:2, 0, 0] = [[254], [253]]
    known[2, 5, 5] = 254
    known[2, 6, 6] = 254
    assert nearest(picture, known[1:]).tolist() == [1]
    assert nearest(picture, known[[1, 0]]).tolist() == [1]


@pytest.mark.parametrize("change", [lambda k: k[:0], lambda k: k[..., :1], lambda k: k[:, 1:]])
def test_pictures_that_can_not_be_compared_are_refused(known, change):
    with pytest.raises(ValueError, match="give at least one, of the same size"):
        nearest(known, change(known))


def test_the_name_of_the_nearest_picture_is_scored(known):
    train = Part(known, tuple((f"a {i}", f"b {i}") for i in range(23)))
    asked = Part(known[[4, 7]], (("c", "a 4"), ("b 7 8",)))
    assert nearest_picture(asked, train) == {"exact": 0.5, "f1": pytest.approx(0.7, abs=1e-12)}


def test_parts_are_chosen_and_joined(known):
    part = Part(known, tuple((str(i),) for i in range(23)))
    some, others = part.chosen(np.arange(23) > 20), part.chosen(np.array([3]))
    both = joined([some, others])
    assert both.descriptions == (("21",), ("22",), ("3",))
    np.testing.assert_array_equal(both.pictures, known[[21, 22, 3]])
