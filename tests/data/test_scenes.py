"""Scenes of digits, and whether what is said of them is true."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest

from rnnjax.data import mnist, scenes
from rnnjax.data.scene_grammar import DIGITS, Judgement, judge, sentences, words
from rnnjax.data.seven_segments import seven_segment_digits
from rnnjax.errors import DataUnavailableError

SIZES = {"train": 300, "validation": 60, "test": 100, "unseen pairs": 80}
SIDE = 4
CENTRES = ((0, 0), (0, 1), (1, 0), (1, 1))


def make_digits(first, per_digit=3):
    """Images of which each pixel tells which digit it is, and which image: 20 d + its number."""
    labels = np.tile(np.arange(10, dtype=np.int32), per_digit)
    inks = 20 * labels + first + np.arange(len(labels)) // 10
    return np.broadcast_to(inks[:, None, None], (len(labels), SIDE, SIDE)).astype(np.uint8), labels


def made(seed=0, **sizes):
    train, test = make_digits(1, per_digit=12), make_digits(15)
    return scenes.scenes_of("inks", train, test, "o", "l", sizes=SIZES | sizes, seed=seed)


def seen(picture):
    """The digits and quarters of a picture, in order, and which image each is."""
    found = []
    for quarter, (row, column) in enumerate(CENTRES):
        pixels = picture[row * SIDE : (row + 1) * SIDE, column * SIDE : (column + 1) * SIDE, 0]
        assert len(np.unique(pixels)) == 1
        if ink := int(pixels[0, 0]):
            found.append((ink // 20, quarter, ink % 20))
    return found


def truth(picture):
    """What is true of a picture, put together again from the task's own words."""
    found = seen(picture)
    if len(found) == 1:
        ((digit, quarter, _),) = found
        row, column = CENTRES[quarter]
        place = f"{('top', 'bottom')[row]} {('left', 'right')[column]}"
        return {f"the digit {DIGITS[digit]} is at the {place}"}
    told = set()
    for (a, p, _), (b, q, _) in itertools.permutations(found):
        (row, column), (other_row, other_column) = CENTRES[p], CENTRES[q]
        upright = {-1: "above", 0: "", 1: "below"}[row - other_row]
        across = {-1: "to the left of", 0: "", 1: "to the right of"}[column - other_column]
        between = " and " if upright and across else ""
        told.add(f"the digit {DIGITS[a]} is {upright}{between}{across} the digit {DIGITS[b]}")
    return told


def parts_of(data):
    return {"train": data.train, "validation": data.validation, "test": data.test} | data.tests


def test_all_that_is_said_is_true_and_all_that_is_true_is_said():
    for name, part in parts_of(made()).items():
        assert part.pictures.shape == (SIZES[name], 2 * SIDE, 2 * SIDE, 1)
        assert part.pictures.dtype == np.uint8
        for picture, told in zip(part.pictures, part.descriptions, strict=True):
            assert set(told) == truth(picture)


def test_the_pairs_of_the_further_test_are_in_no_other_part():
    data = made(train=3000, validation=500, test=500)
    pairs = {
        name: {(a, b) for found in map(seen, part.pictures) if len(found) == 2
               for (a, _, _), (b, _, _) in [found]}
        for name, part in parts_of(data).items()
    }  # fmt: skip
    held_out = set(scenes.HELD_OUT_PAIRS)
    assert pairs.pop("unseen pairs") == held_out
    assert pairs["train"] == set(itertools.product(range(10), repeat=2)) - held_out
    assert not (pairs["validation"] | pairs["test"]) & held_out
    assert all(len(seen(p)) == 2 for p in data.tests["unseen pairs"].pictures)


def test_no_image_is_in_two_kinds_of_parts():
    images = {
        name: {image for picture in part.pictures for _, _, image in seen(picture)}
        for name, part in parts_of(made()).items()
    }
    # Of each digit twelve train, the last of which only validates; three test.
    assert images["train"] == set(range(1, 12))
    assert images["validation"] == {12}
    assert images["test"] == images["unseen pairs"] == {15, 16, 17}


def test_all_is_drawn_evenly_and_again_by_the_same_seed():
    one, again, other = made(train=4000), made(train=4000), made(seed=1, train=4000)
    np.testing.assert_array_equal(one.train.pictures, again.train.pictures)
    assert one.train.descriptions == again.train.descriptions
    assert not np.array_equal(one.train.pictures, other.train.pictures)
    found = [seen(picture) for picture in one.train.pictures]
    assert np.mean([len(scene) == 2 for scene in found]) == pytest.approx(0.75, abs=0.03)
    quarters = np.bincount([quarter for scene in found for _, quarter, _ in scene]) / 7000
    np.testing.assert_allclose(quarters, 0.25, atol=0.03)
    digits = np.bincount([digit for scene in found for digit, _, _ in scene]) / 7000
    np.testing.assert_allclose(digits, 0.1, atol=0.02)


def test_what_is_told_of_them():
    data = made()
    assert data.described() == (
        "pictures 300 to train, 60 to validate, 100 to test, 80 of unseen pairs; 8 x 8, grey\n"
        f"words    {len(data.words)} different ones in training\nlicence  l"
    )
    assert data.words == words()
    assert len(words()) == 23


@pytest.mark.parametrize("change", ["no nine", "few labels", "no scene", "eleven"])
def test_digits_that_make_no_scene_are_refused(change):
    images, labels = make_digits(1)
    number = 0 if change == "no scene" else 5
    labels = labels[:-1] if change == "few labels" else labels
    labels = np.minimum(labels, 8) if change == "no nine" else labels
    labels = labels + (labels == 9) * (np.arange(30) > 20) if change == "eleven" else labels
    with pytest.raises(ValueError, match=r"ask for one or more, of images of all ten digits"):
        scenes.scenes(images, labels, number, 0)


def test_scenes_of_mnist_are_of_its_digits(monkeypatch):
    train, test = make_digits(1, per_digit=12), make_digits(15)
    found = mnist.ImageDataset("mnist", *train, *test, tuple("0123456789"), "from here", None)
    asked = []
    monkeypatch.setattr(mnist, "load", lambda *args, **_: asked.append(args) or found)
    monkeypatch.setattr(scenes, "SIZES", SIZES)
    data = scenes.load("folder")
    assert asked == [("mnist", "folder")]
    assert (data.name, data.origin) == ("mnist_scenes", "scenes of MNIST's digits, from here")
    expected = scenes.scenes_of("", train, test, "", "", sizes=SIZES)
    for part, like in zip(parts_of(data).values(), parts_of(expected).values(), strict=True):
        np.testing.assert_array_equal(part.pictures, like.pictures)


def test_without_mnist_there_are_no_scenes_of_it(tmp_path, closed_url, monkeypatch):
    nowhere = dataclasses.replace(mnist.MNIST, mirrors=(closed_url,))
    monkeypatch.setitem(mnist.load.__kwdefaults__, "sources", {"mnist": nowhere})
    with pytest.raises(DataUnavailableError, match="mnist"):
        scenes.load(tmp_path, timeout=0.2)


LEFT = "the digit three is to the left of the digit eight"
ABOVE = "the digit two is above and to the right of the digit two"
ONE = "the digit seven is at the top left"
BOTH, NEITHER = (True, True), (False, False)
JUDGED = {
    "itself": (LEFT, LEFT, True, BOTH, True),
    "the other way round": (
        "the digit eight is to the right of the digit three", LEFT, True, BOTH, True
    ),
    "turned": ("the digit eight is to the left of the digit three", LEFT, False, BOTH, False),
    "another digit": (
        "the digit three is to the left of the digit six", LEFT, False, (True, False), True
    ),
    "another digit, the other way round": (
        "the digit eight is to the right of the digit one", LEFT, False, (False, True), True
    ),
    "another relation": ("the digit three is above the digit eight", LEFT, False, BOTH, False),
    "half a relation": ("the digit two is above the digit two", ABOVE, False, BOTH, False),
    "turned, with another digit": (
        "the digit eight is to the left of the digit five", LEFT, False, (False, True), False
    ),
    "of two of a kind": (
        "the digit two is below and to the left of the digit two", ABOVE, True, BOTH, True
    ),
    "one of two": ("the digit eight is at the top left", LEFT, False, (False, True), False),
    "one of two of a kind": (
        "the digit two is at the top left", ABOVE, False, (True, False), False
    ),
    "one": (ONE, ONE, True, (True,), True),
    "one elsewhere": ("the digit seven is at the bottom left", ONE, False, (True,), False),
    "another one there": ("the digit one is at the top left", ONE, False, (False,), True),
    "two of one": ("the digit one is above the digit seven", ONE, False, (True,), False),
    "cut off": ("the digit three is to the left of the digit", LEFT, False, NEITHER, False),
    "nothing": ("", ONE, False, (False,), False),
}  # fmt: skip


@pytest.mark.parametrize("name", JUDGED)
def test_each_part_of_a_sentence_is_judged(name):
    said, true, *expected = JUDGED[name]
    assert judge(said, true) == Judgement(*expected)


def test_a_truth_must_be_of_the_grammar():
    with pytest.raises(ValueError, match="'a cat' is no sentence of the grammar"):
        judge(ONE, "a cat")


@pytest.mark.parametrize("scene", [[], [(1, 0), (2, 0)], [(1, 0), (2, 1), (3, 2)]])
def test_what_is_no_scene_has_no_sentence(scene):
    with pytest.raises(ValueError, match=r"one digit or two|a quarter holds one"):
        sentences(scene)


LIT = (0x3F, 0x06, 0x5B, 0x4F, 0x66, 0x6D, 0x7D, 0x07, 0x7F, 0x6F)
"""As the data sheets of displays have them: a is the lowest bit, g the highest."""


def test_seven_segment_digits_can_be_told_apart():
    images, labels = seven_segment_digits(400, seed=3)
    assert np.bincount(labels).tolist() == [40] * 10
    for image, label in zip(images, labels, strict=True):
        rows, columns = np.nonzero(image)
        box = image[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1] > 0
        height, width = box.shape
        assert 14 <= height <= 22
        if label == 1:
            assert width <= 3
            assert box.all()
            continue
        assert 8 <= width <= 14
        quarter, centre = height // 4 + 1, width // 2
        lit = {
            "a": box[0, centre], "g": box[height // 2 - 1 : height // 2 + 1, centre].any(),
            "d": box[-1, centre], "f": box[quarter, 0], "b": box[quarter, -1],
            "e": box[-1 - quarter, 0], "c": box[-1 - quarter, -1],
        }  # fmt: skip
        assert sum(1 << "abcdefg".index(name) for name, it in lit.items() if it) == LIT[label]


def test_the_stand_in_is_of_them(monkeypatch):
    monkeypatch.setattr(scenes, "STAND_IN_DIGITS", {"train": 1200, "test": 100})
    data = scenes.stand_in("warned", sizes=SIZES)
    assert (data.name, data.warning, data.licence) == ("seven_segments", "warned", "none needed")
    assert data.train.pictures.shape == (300, 56, 56, 1)
    assert not np.array_equal(data.test.pictures[:60], data.validation.pictures)
    again = scenes.stand_in(sizes=SIZES)
    np.testing.assert_array_equal(again.test.pictures, data.test.pictures)
