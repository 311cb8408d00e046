"""Ragged corpora and padding; golden values are those of Keras 3.15.1."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnjax.data.ragged import Ragged, pad

SEQUENCES = [[1, 4, 5, 6, 7], [1, 9], [], [1, 8, 3]]
BEHIND: Any = "behind"
KERAS_PADDED = {
    ("pre", "pre"): [[5, 6, 7], [0, 1, 9], [0, 0, 0], [1, 8, 3]],
    ("pre", "post"): [[1, 4, 5], [0, 1, 9], [0, 0, 0], [1, 8, 3]],
    ("post", "pre"): [[5, 6, 7], [1, 9, 0], [0, 0, 0], [1, 8, 3]],
    ("post", "post"): [[1, 4, 5], [1, 9, 0], [0, 0, 0], [1, 8, 3]],
}


@pytest.mark.parametrize(("sides", "expected"), list(KERAS_PADDED.items()))
def test_padding_is_that_of_keras(sides, expected):
    padding, truncating = sides
    padded = pad(SEQUENCES, 3, padding, truncating)
    assert padded.tokens.tolist() == expected
    assert padded.tokens.dtype == np.int32
    np.testing.assert_array_equal(padded.mask, np.array(expected) != 0)


@given(
    st.lists(st.lists(st.integers(0, 9), max_size=9), max_size=6),
    st.integers(1, 10),
    st.sampled_from(["pre", "post"]),
    st.sampled_from(["pre", "post"]),
)
def test_padding_any_sequences(sequences, length, padding, truncating):
    padded = pad(Ragged.from_sequences(sequences), length, padding, truncating)
    assert padded.tokens.shape == padded.mask.shape == (len(sequences), length)
    for tokens, mask, sequence in zip(*padded, sequences, strict=True):
        kept = sequence[-length:] if truncating == "pre" else sequence[:length]
        blank = [0] * (length - len(kept))
        present, absent = [True] * len(kept), [False] * len(blank)
        assert tokens.tolist() == (blank + kept if padding == "pre" else kept + blank)
        assert mask.tolist() == (absent + present if padding == "pre" else present + absent)


def test_default_sides_are_those_of_keras():
    assert pad([[5, 6, 7], [8]], 2).tokens.tolist() == [[6, 7], [0, 8]]


def test_ragged_arrays_survive_a_file_without_pickle(tmp_path):
    ragged = Ragged.from_sequences(iter(SEQUENCES))
    np.savez(tmp_path / "corpus.npz", values=ragged.values, offsets=ragged.offsets)
    with np.load(tmp_path / "corpus.npz", allow_pickle=False) as stored:
        again = Ragged(stored["values"], stored["offsets"])
    assert [sequence.tolist() for sequence in again] == SEQUENCES
    assert again[-1].tolist() == SEQUENCES[-1]
    assert (again.values.dtype, again.offsets.dtype) == (np.int32, np.int64)


@pytest.mark.parametrize(
    ("values", "offsets"),
    [
        ([1, 2, 3], [0, 2]),
        ([1, 2, 3], [0, 4]),
        ([1, 2, 3], [1, 3]),
        ([1, 2, 3], [0, 2, 1, 3]),
        ([1, 2, 3], []),
        ([[1], [2], [3]], [0, 3]),
    ],
)
def test_arrays_that_do_not_belong_together_are_refused(values, offsets):
    with pytest.raises(ValueError, match="offsets"):
        Ragged(np.array(values, np.int32), np.array(offsets, np.int64))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: pad(SEQUENCES, 0), "length is 0"),
        (lambda: pad(SEQUENCES, -3), "length is -3"),
        (lambda: pad(SEQUENCES, 3, padding=BEHIND), "padding is 'behind'"),
        (lambda: pad(SEQUENCES, 3, truncating=BEHIND), "truncating is 'behind'"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_a_part_holds_its_sequences():
    rows = [[1, 5], [], [1, 7, 8], [9]]
    ragged = Ragged.from_sequences(rows)
    for start, stop in [(0, 4), (1, 3), (2, 4), (0, 0), (3, 3)]:
        part = ragged.part(start, stop)
        assert [part[i].tolist() for i in range(len(part))] == rows[start:stop]
