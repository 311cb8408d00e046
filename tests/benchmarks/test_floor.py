"""The floor: its operations, and the chain of products that it is measured by."""

import numpy as np
import pytest

from benchmarks.chained import CHAIN
from benchmarks.floor import Chain, fraction, operations
from benchmarks.work import rows_named


@pytest.mark.parametrize(("cell", "factor"), [("lstm", 24), ("gru", 18)])
def test_operations_of_a_layer(cell, factor):
    training, forward = rows_named([f"{cell}-3x5x7"])
    assert operations(training) == factor * 3 * 5 * 7 * (7 + 7)
    assert 3 * operations(forward) == operations(training)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("keras50.train", 6 * 50 * 28 * 50 * (50 + 28)),
        ("keras50.eval", 2 * 1000 * 28 * 50 * (50 + 28)),
        ("bilstm64.train", 4_831_838_208),
        ("lstm100.train", 24 * 64 * 500 * 100 * (100 + 32)),
        ("lstm-stream.step", 8 * 128 * (128 + 128)),
    ],
)
def test_operations_of_the_works(name, expected):
    assert operations(*rows_named([name])) == expected


def test_the_floor_is_reached_at_the_rate_of_the_chain():
    (row,) = rows_named(["lstm-2x3x4.forward"])
    assert row.work.chained.operations == 64 * 2 * 2 * 4 * 16
    # A chain of 16,384 operations in a second, a row of 8·2·3·4·8 = 1,536.
    assert fraction(row, seconds=1536 / 16384, chain_seconds=1.0) == pytest.approx(1)
    assert fraction(row, seconds=1.0, chain_seconds=1.0) == pytest.approx(1536 / 16384)


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_the_chain_multiplies_as_often_as_it_says_and_keeps_its_size(cell):
    (row,) = rows_named([f"{cell}-3x5x6.train"])
    result = np.asarray(Chain(row).run())
    rng = np.random.default_rng(0)
    q = np.linalg.qr(rng.standard_normal((6, 6)))[0]
    first = rng.standard_normal((3, 6))
    np.testing.assert_allclose(result, first @ np.linalg.matrix_power(q, CHAIN), atol=1e-4)
    np.testing.assert_allclose(
        np.linalg.norm(result, axis=1), np.linalg.norm(first, axis=1), rtol=1e-4
    )
