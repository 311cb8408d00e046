"""The same weights under every side's names, and back."""

import numpy as np
import pytest

from benchmarks import convert
from benchmarks.peers import SIDES
from benchmarks.work import Row, Work

WORKS = [
    Work("rnn", "simple_rnn", 2, 3, 4, 5, two_biases=True),
    Work("text", "lstm", 2, 3, 4, 5, 1, num_words=7, dense_size=6, bidirectional=True),
    Work("gru", "gru", 2, 3, 4, 5, every_step=True),
]
"""Every size is another, so that no axis can be taken for another."""


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("work", WORKS, ids=lambda work: work.name)
def test_there_and_back(side, work):
    row = Row(work.name, "train", work)
    weights = convert.initial_weights(row)
    rng = np.random.default_rng(1)
    weights = {n: rng.standard_normal(a.shape, np.float32) for n, a in weights.items()}
    if side == "flax_nnx":  # has no such bias
        weights |= {n: np.zeros_like(a) for n, a in weights.items() if n.endswith("b_hn")}
    back = convert.from_side(side, row, convert.to_side(side, row, weights))
    expected = {n for n in weights if side != "flax_nnx" or not n.endswith("b_hn")}
    assert set(back) == expected
    for name in expected:
        np.testing.assert_array_equal(back[name], weights[name], err_msg=name)


def test_biases_begin_with_other_values_than_zero_where_all_sides_have_them():
    weights = convert.initial_weights(Row("gru", "train", WORKS[2]))
    assert len(np.unique(weights["forward.b"])) == 15
    assert not weights["forward.b_hn"].any()
    assert len(np.unique(weights["out.bias"])) == 10
