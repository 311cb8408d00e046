"""The drawing that is measured: its sizes, points, weights, products, and our loss of them."""

import json

import numpy as np
import pytest

from benchmarks.drawing import convert
from benchmarks.drawing.work import END, DrawingWork, make_batch, num_params
from benchmarks.floor import operations
from benchmarks.peers import OURS, SIDES, Settings, left_out, load
from benchmarks.work import Row, rows_named

WORK = DrawingWork("small", 3, 4, 6, 2)
ROW = Row("small", "train", WORK)


def test_the_row_is_named_and_survives_json():
    (row,) = rows_named(["draw_train"])
    assert (row.kind, row.work.batch, row.work.steps) == ("train", 100, 60)
    assert (row.work.hidden_size, row.work.components) == (256, 20)
    assert Row.from_json(json.loads(json.dumps(row.to_json()))) == row
    assert [side for side in SIDES if not left_out(side, row)] == [OURS, "torch"]
    assert "drawing is compared with PyTorch only" in str(left_out("keras_jax", row))
    assert load(OURS, row).__name__ == "benchmarks.drawing.ours"


@pytest.mark.parametrize("side", [OURS, "torch"])
def test_weights_there_and_back(side):
    weights = convert.initial_weights(ROW)
    assert num_params(WORK) == sum(a.size for a in weights.values())
    back = convert.from_side(side, ROW, convert.to_side(side, ROW, weights))
    assert back.keys() == weights.keys()
    for name, expected in weights.items():
        np.testing.assert_array_equal(back[name], expected, err_msg=name)


def test_operations():
    lstm, last = 5 * 24 + 6 * 24, 6 * 15
    assert operations(ROW) == 3 * 2 * 3 * 4 * (lstm + last)
    assert WORK.chained[:4] == (3, 6, 4, 1)


def test_drawings_end_with_their_last_point():
    offsets, pens = make_batch(ROW)
    assert offsets.shape == (3, 4, 2)
    assert set(pens[:, -1]) == {END}
    assert pens[:, :-1].max() < END


@pytest.mark.slow
def test_a_step_of_our_loop_is_one_by_itself():
    given = convert.initial_weights(ROW)
    build = load(OURS, ROW).build
    single, loop = (build(ROW, given, Settings(threads=1), in_loop=way) for way in (False, True))
    for _ in range(3):
        assert float(loop.run()) == pytest.approx(float(single.run()), rel=1e-5)
