"""The tasks of long memory against what they say of themselves, written out."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from rnnjax.data import long_sequences, memory_tasks
from rnnjax.errors import DataError, DataUnavailableError

DRAWN = 400


def draw(task, length, **more):
    return memory_tasks.make(task, np.random.default_rng(0), DRAWN, length, **more)


@pytest.mark.parametrize("length", [2, 7, 20])
def test_adding_marks_one_number_of_each_half(length):
    inputs, targets = draw("adding", length)
    assert inputs.shape == (DRAWN, length, 2)
    assert inputs.dtype == targets.dtype == np.float32
    places = set()
    for row, target in zip(inputs, targets, strict=True):
        assert ((row[:, 0] >= 0) & (row[:, 0] < 1)).all()
        first, second = (t for t in range(length) if row[t, 1] == 1)
        assert set(row[:, 1]) <= {0.0, 1.0}
        assert first < length // 2 <= second
        assert target == row[first, 0] + row[second, 0]
        places |= {first, second}
    assert places == set(range(length))  # every one comes


def test_shorter_sums_stand_at_the_end():
    inputs, targets = draw("adding", 20, shortest=4)
    lengths = []
    assert inputs[1::2, 0, 0].all()  # every second one is of full length
    for row, target in zip(inputs[::2], targets[::2], strict=True):
        begin = next(t for t in range(20) if row[t, 0])
        first, second = (t for t in range(20) if row[t, 1])
        own = 20 - begin
        assert 4 <= own <= 20
        assert begin <= first < begin + own // 2 <= second
        assert target == row[first, 0] + row[second, 0]
        lengths.append(own)
    assert {4, 20} <= set(lengths)
    assert np.median(lengths) == pytest.approx(math.sqrt(4 * 20), abs=1.5)


@pytest.mark.parametrize("blanks", [1, 5])
def test_copying_says_the_symbols_after_the_sign(blanks):
    inputs, targets = draw("copy", blanks)
    assert inputs.shape == targets.shape == (DRAWN, blanks + 20)
    for xs, ys in zip(inputs.tolist(), targets.tolist(), strict=True):
        symbols = xs[:10]
        assert set(symbols) <= set(range(1, 9))
        assert xs == symbols + [0] * blanks + [9] + [0] * 9
        assert ys == [0] * (blanks + 10) + symbols
    assert set(inputs[:, :10].ravel().tolist()) == set(range(1, 9))


def test_parity_is_exclusive_or():
    bits, targets = draw("parity", 9)
    assert set(bits.ravel().tolist()) == {0, 1}
    for xs, ys in zip(bits.tolist(), targets.tolist(), strict=True):
        assert ys == [*itertools.accumulate(xs, lambda a, b: a ^ b)]


def test_the_same_seed_draws_the_same():
    for task in memory_tasks.TASKS:
        one, other = (memory_tasks.make(task, np.random.default_rng(3), 5, 6) for _ in range(2))
        another = memory_tasks.make(task, np.random.default_rng(4), 5, 6)
        assert all((a == b).all() for a, b in zip(one, other, strict=True))
        assert (one.inputs != another.inputs).any()


def test_limits_are_exact():
    (adding,) = memory_tasks.without_memory("adding", 600).values()
    n = 500
    grid = (np.arange(n) + 0.5) / n  # the middles of n^2 squares of equal chance
    sums = grid[:, None] + grid
    assert adding["test_loss"] == pytest.approx(np.square(sums - 1).mean(), abs=2e-6)
    assert adding["test_accuracy"] == pytest.approx((abs(sums - 1) < 0.04).mean(), abs=3e-3)
    (copy,) = memory_tasks.without_memory("copy", 300).values()
    each = [0.0] * 310 + [-math.log(1 / 8)] * 10
    assert copy == {"test_loss": pytest.approx(np.mean(each), rel=1e-12), "test_accuracy": 0.125}
    (parity,) = memory_tasks.without_memory("parity", 200).values()
    assert parity == {"test_loss": -math.log(0.5), "test_accuracy": 0.5}


@pytest.mark.parametrize(
    ("task", "length", "more"),
    [("adding", 1, {}), ("adding", 5, {"shortest": 6}), ("copy", 0, {}), ("chess", 5, {})],
)
def test_what_can_not_be_drawn_is_refused(task, length, more):
    with pytest.raises(ValueError, match=r"length is|There is no task"):
        draw(task, length, **more)


def test_parts_are_drawn_apart_and_the_test_may_be_longer():
    data = long_sequences.made_up("parity", 30, test_length=50, number=600)
    assert data.train.inputs.shape == (600, 30)
    assert data.validation.inputs.shape == (500, 30)
    assert data.test.inputs.shape == (2000, 50)
    rows = [set(map(bytes, part.inputs[:, :30])) for part in (data.train, data.validation)]
    assert not rows[0] & rows[1]
    assert data.baselines() == memory_tasks.without_memory("parity", 50)


def test_pixels_come_one_by_one_in_one_order_for_all():
    plain = long_sequences.pixels("pixel_mnist", "digits", None, None)
    mixed = long_sequences.pixels("permuted_mnist", "digits", None, None)
    images = long_sequences.mnist.load("digits")
    assert (plain.test.inputs == images.test_images.reshape(-1, 64)).all()
    order = np.random.RandomState(92916).permutation(64)
    for part in ("train", "validation", "test"):
        own, other = getattr(plain, part), getattr(mixed, part)
        assert (own.inputs[:, order] == other.inputs).all()
    count = len(images.train_labels)
    assert len(plain.validation.targets) == count // 12
    assert len(plain.train.targets) == count - count // 12
    assert (plain.validation.inputs[0] == images.train_images[11].ravel()).all()
    found = plain.baselines()
    most = np.bincount(plain.train.targets).argmax()
    by_class = found["the most frequent class"]["test_accuracy"]
    assert by_class == np.mean(plain.test.targets == most)
    assert found["logistic regression on all steps"]["test_accuracy"] > 0.85


def test_worms_are_read_where_they_are(tmp_path):
    with pytest.raises(DataUnavailableError, match=r"needs EigenWorms_TRAIN\.ts and"):
        long_sequences.worms(tmp_path)
    folder = tmp_path / "EigenWorms"
    folder.mkdir()
    head = "@timeStamps false\n@classLabel true a b\n@data\n"
    rows = [f"{i},2,3:4,5,6:{'ab'[i % 2]}\n" for i in range(24)]
    for part in ("TRAIN", "TEST"):
        (folder / f"EigenWorms_{part}.ts").write_text(head + "".join(rows))
    data = long_sequences.worms(tmp_path)
    assert (len(data.train.inputs), len(data.validation.inputs)) == (22, 2)
    assert data.test.inputs[3].tolist() == [[3, 4], [2, 5], [3, 6]]
    assert data.class_names == ("a", "b")
    (folder / "EigenWorms_TEST.ts").write_text(head + "1,2:3,4:a\n")
    with pytest.raises(DataError, match="must be of one length"):
        long_sequences.worms(tmp_path)
