"""The translation that is measured: its sizes, sentences, weights and products."""

import json

import numpy as np
import pytest

from benchmarks.floor import operations
from benchmarks.peers import OURS, SIDES, left_out, load
from benchmarks.translation import convert
from benchmarks.translation.work import END, START, TranslationWork, make_batch, num_params
from benchmarks.work import Row, rows_named

WORK = TranslationWork("small", 3, 5, 6, 31, 4, 2)
BEAMS = TranslationWork("beams", 3, 5, 6, 31, 4, 2, beam_size=7)
"""Sizes that differ, so that no axis can be taken for another."""


def test_rows_are_named_and_survive_json():
    rows = rows_named(["translate_train", "translate_greedy", "translate_beam5"])
    sizes = [
        (row.kind, row.work.batch, row.work.source_steps, row.work.steps, row.work.beam_size)
        for row in rows
    ]
    assert sizes == [("train", 64, 16, 16, 0), ("answer", 64, 16, 20, 1), ("answer", 64, 16, 20, 5)]
    for row in rows:
        assert row.name == row.work.name
        assert (row.work.num_words, row.work.hidden_size) == (5_900, 256)
        assert Row.from_json(json.loads(json.dumps(row.to_json()))) == row


def test_as_many_parameters_as_weights():
    weights = convert.initial_weights(Row("small", "train", WORK))
    assert num_params(WORK) == sum(a.size for a in weights.values())


@pytest.mark.parametrize("side", [OURS, "torch"])
def test_weights_there_and_back(side):
    row = Row("small", "train", WORK)
    weights = convert.initial_weights(row)
    back = convert.from_side(side, row, convert.to_side(side, row, weights))
    assert back.keys() == weights.keys()
    for name, expected in weights.items():
        np.testing.assert_array_equal(back[name], expected, err_msg=name)


def test_pytorchs_matrices_read_embedding_and_context_state_and_place():
    """In the order in which its tutorials put them side by side."""
    weights = convert.initial_weights(Row("small", "train", WORK))
    theirs = convert.to_side("torch", Row("small", "train", WORK), weights)
    np.testing.assert_array_equal(
        theirs["decoder.weight_ih_l0"][:, :4].T, weights["write.cell.w_x"]
    )
    np.testing.assert_array_equal(theirs["decoder.weight_ih_l0"][:, 4:].T, weights["write.more"])
    hidden = theirs["attention.hidden.weight"].T
    np.testing.assert_array_equal(hidden[:2], weights["write.attention.w_q"])
    np.testing.assert_array_equal(hidden[2:], weights["write.attention.w_m"])


def test_an_end_never_comes_where_symbols_are_written():
    of_search = convert.initial_weights(Row("beams", "answer", BEAMS))["to_logits.bias"]
    of_training = convert.initial_weights(Row("small", "train", WORK))["to_logits.bias"]
    assert of_search[END] == -1000
    assert of_training[END] > -5
    np.testing.assert_array_equal(np.delete(of_search, END), np.delete(of_training, END))


def test_who_is_left_out_is_told_why():
    (row,) = rows_named(["translate_beam5"])
    assert [side for side in SIDES if not left_out(side, row)] == [OURS, "torch"]
    assert "PyTorch only" in str(left_out("keras_jax", row))
    assert load(OURS, row).__name__ == "benchmarks.translation.ours"


def test_sentences_have_no_padding_and_targets_begin_behind_a_start():
    sources, before, targets = make_batch(Row("small", "train", WORK))
    assert (sources.shape, targets.shape) == ((3, 6), (3, 5))
    assert min(sources.min(), targets.min()) >= 4
    assert max(sources.max(), targets.max()) < 31
    assert set(before[:, 0]) == {START}
    np.testing.assert_array_equal(before[:, 1:], targets[:, :-1])


@pytest.mark.parametrize(("row", "copies"), [("train", 1), ("answer", 7)])
def test_operations(row, copies):
    """Those of the source once, those of a step for each symbol of each hypothesis."""
    work = BEAMS if row == "answer" else WORK
    encoder = 6 * 2 * (4 * 6 + 2 * 6)
    keys, bridge = 6 * 4 * 2, 4 * 2
    attention = 2 * 2 + 6 * 2 + 6 * 4
    gru, last = (4 + 4 + 2) * 6, (2 + 4 + 4) * 31
    forward = encoder + keys + bridge + 5 * copies * (attention + gru + last)
    assert operations(Row("", row, work)) == (3 if row == "train" else 1) * 2 * 3 * forward


def test_the_rate_is_that_of_a_product_like_the_last_layers():
    assert WORK.chained[:4] == (3 * 5, 10, 3, 1)
    assert BEAMS.chained == (3 * 7, 10, 3, 1, 5)
