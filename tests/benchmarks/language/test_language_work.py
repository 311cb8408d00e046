"""The language models that are measured: their sizes, texts, weights and products."""

import json

import numpy as np
import pytest

from benchmarks.chained import CHAIN
from benchmarks.floor import Chain, operations
from benchmarks.language import convert
from benchmarks.language.work import LanguageWork, make_batch, num_params
from benchmarks.peers import OURS, SIDES, left_out, load
from benchmarks.work import Row, rows_named

LETTERS = LanguageWork("letters", 3, 4, 11, 6)
WORDS = LanguageWork("words", 3, 5, 40, 8, 7, (10, 25), 2.0)
"""Sizes that differ, so that no axis can be taken for another."""


def test_rows_are_named_and_survive_json():
    rows = rows_named(["charlm", "wordlm.train", "charlm.sample1"])
    sizes = [(row.name, row.kind, row.work.batch, row.work.num_symbols) for row in rows]
    assert sizes == [
        ("charlm.train", "train", 100, 87),
        ("charlm.sample1", "sample", 1, 87),
        ("charlm.sample64", "sample", 64, 87),
        ("wordlm.train", "train", 20, 33_278),
    ]
    for row in rows:
        assert Row.from_json(json.loads(json.dumps(row.to_json()))) == row


@pytest.mark.parametrize("work", [LETTERS, WORDS], ids=lambda work: work.name)
def test_as_many_parameters_as_weights(work):
    weights = convert.initial_weights(Row(work.name, "train", work))
    assert num_params(work) == sum(a.size for a in weights.values())


@pytest.mark.parametrize("side", [OURS, "torch", "keras_jax"])
@pytest.mark.parametrize("work", [LETTERS, WORDS], ids=lambda work: work.name)
def test_weights_there_and_back(side, work):
    row = Row(work.name, "train", work)
    if left_out(side, row):
        return
    weights = convert.initial_weights(row)
    back = convert.from_side(side, row, convert.to_side(side, row, weights))
    assert back.keys() == weights.keys()
    for name, expected in weights.items():
        np.testing.assert_array_equal(back[name], expected, err_msg=name)


def test_who_is_left_out_is_told_why():
    letters, words = rows_named(["charlm.train", "wordlm.train"])
    assert [side for side in SIDES if not left_out(side, words)] == [OURS, "torch"]
    assert "Flax" not in str(left_out("keras_jax", letters))
    assert "adaptive softmax" in str(left_out("keras_jax", words))
    assert left_out("flax_nnx", letters)
    assert not any(left_out(side, row) for side in SIDES for row in rows_named(["keras50"]))
    assert load(OURS, letters).__name__ == "benchmarks.language.ours"
    assert load(OURS).__name__ == "benchmarks.peers.ours"


def test_a_text_follows_zipfs_law():
    (row,) = rows_named(["charlm.train"])
    x, y = make_batch(row)
    assert x.shape == y.shape == (100, 100)
    np.testing.assert_array_equal(x[:, 1:], y[:, :-1])
    counts = np.bincount(x.ravel(), minlength=87)
    np.testing.assert_allclose(counts[:3] / counts[0], [1, 1 / 2, 1 / 3], rtol=0.1)


def test_operations_of_letters():
    """The lowest layer's inputs cost nothing, and a character takes the products once."""
    a_step = 3 * 2 * 4 * 6 * 6 + 2 * 6 * 11
    assert operations(Row("", "train", LETTERS)) == 3 * 3 * 4 * a_step
    assert operations(Row("", "sample", LETTERS)) == 3 * 4 * a_step


def test_operations_of_words_are_those_of_the_words_that_came():
    row = Row("", "train", WORDS)
    targets = make_batch(row)[1]
    first, second = ((low <= targets) & (targets < high) for low, high in ((10, 25), (25, 40)))
    layers = 15 * 2 * 4 * 8 * (7 + 8 + 8 + 8)
    head = 15 * 2 * 8 * (10 + 2)
    tails = 2 * (first.sum() * (8 * 4 + 4 * 15) + second.sum() * (8 * 2 + 2 * 15))
    assert second.any()
    assert operations(row) == 3 * (layers + head + tails)


def test_the_chain_passes_through_every_matrix():
    assert LETTERS.chained.operations == CHAIN * 3 * 2 * 3 * 4 * 6 * 6
    result = np.asarray(Chain(Row("", "sample", LETTERS)).run())
    rng = np.random.default_rng(0)
    q = [np.linalg.qr(rng.standard_normal((6, 6)))[0] for _ in range(3)]
    first = rng.standard_normal((3, 6))
    each = np.linalg.matrix_power(q[0] @ q[1] @ q[2], CHAIN)
    np.testing.assert_allclose(result, first @ each, atol=1e-4)
