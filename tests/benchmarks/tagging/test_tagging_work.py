"""Layers that tag every step: their sizes, sequences, weights, products, and our losses."""

import json

import numpy as np
import pytest

from benchmarks.floor import operations
from benchmarks.peers import OURS, SIDES, Settings, left_out, load
from benchmarks.tagging import convert
from benchmarks.tagging.work import TaggingWork, make_batch, num_params
from benchmarks.work import Row, rows_named

KEYS = Row("keys", "train", TaggingWork("keys", "keys", 3, 4, 5, 6, 2, False, 5))
CTC = Row("ctc", "train", TaggingWork("ctc", "ctc", 2, 9, 3, 4, 2, True, 7))


def test_rows_are_named_and_survive_json():
    rows = rows_named(["chorales_train", "ctc_train"])
    assert [row.work.loss for row in rows] == ["keys", "ctc"]
    for row in rows:
        assert Row.from_json(json.loads(json.dumps(row.to_json()))) == row
        assert [side for side in SIDES if not left_out(side, row)] == [OURS, "torch"]
        assert load(OURS, row).__name__ == "benchmarks.tagging.ours"
    assert "tagging is compared with PyTorch only" in str(left_out("keras_jax", rows[0]))


@pytest.mark.parametrize("row", [KEYS, CTC], ids=lambda row: row.name)
@pytest.mark.parametrize("side", [OURS, "torch"])
def test_weights_there_and_back(side, row):
    weights = convert.initial_weights(row)
    assert num_params(row.work) == sum(a.size for a in weights.values())
    back = convert.from_side(side, row, convert.to_side(side, row, weights))
    assert back.keys() == weights.keys()
    for name, expected in weights.items():
        np.testing.assert_array_equal(back[name], expected, err_msg=name)


def test_operations():
    first, second, last = 24 * (5 + 6), 24 * (6 + 6), 6 * 5
    assert operations(KEYS) == 3 * 2 * 3 * 4 * (first + second + last)
    first, second, last = 2 * 16 * (3 + 4), 2 * 16 * (8 + 4), 8 * 7
    assert operations(CTC) == 3 * 2 * 2 * 9 * (first + second + last)
    assert KEYS.work.chained[:4] == (3, 6, 4, 1)


def test_frames_are_foretold_and_labels_are_no_blanks():
    now, later = make_batch(KEYS)
    assert now.shape == later.shape == (3, 4, 5)
    np.testing.assert_array_equal(now[:, 1:], later[:, :-1])
    features, labels = make_batch(CTC)
    assert features.shape == (2, 9, 3)
    assert labels.shape == (2, 5)
    assert 0 <= labels.min() <= labels.max() < 6


@pytest.mark.slow
@pytest.mark.parametrize("row", [KEYS, CTC], ids=lambda row: row.name)
def test_a_step_of_our_loop_is_one_by_itself(row):
    given = convert.initial_weights(row)
    build = load(OURS, row).build
    single, loop = (build(row, given, Settings(threads=1), in_loop=way) for way in (False, True))
    for _ in range(3):
        assert float(loop.run()) == pytest.approx(float(single.run()), rel=1e-5)
