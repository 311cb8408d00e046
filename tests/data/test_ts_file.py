"""Files of sequences with classes."""

import numpy as np
import pytest

from rnnjax.data.ts_file import read_ts
from rnnjax.errors import DataError

HEADER = "# what it is\n@problemName x\n@timeStamps false\n@classLabel true a b\n@data\n"


def test_sequences_keep_their_own_lengths_and_the_places_of_their_classes():
    found = read_ts(f"{HEADER}1,2,3:4,5,6:b\n\n7:8: a \n".encode(), "x.ts")
    assert found.class_names == ("a", "b")
    assert [one.tolist() for one in found.sequences] == [[[1, 4], [2, 5], [3, 6]], [[7, 8]]]
    assert {one.dtype for one in found.sequences} == {np.dtype("float32")}
    assert found.labels == [1, 0]


@pytest.mark.parametrize(
    ("contents", "message"),
    [
        (b"\xff\xfe", "x.ts is no text"),
        (b"1,2:a\n", "no line '@data'"),
        (HEADER.encode(), "no sequence behind a line '@data'"),
        (HEADER.replace("Stamps false", "Stamps true").encode() + b"1:a", "has time stamps"),
        (HEADER.replace("true a b", "false").encode() + b"1:a", "names no classes"),
        (HEADER.encode() + b"1,2:3:a\n", "Line 6 of x.ts is no sequence"),
        (HEADER.encode() + b"1:2:a\n3:4:c\n", "Line 7 of x.ts is no sequence"),
        (HEADER.encode() + b"1,?:2,3:a\n", "Line 6 of x.ts is no sequence"),
        (HEADER.encode() + b"1,NaN:2,3:a\n", "Line 6 of x.ts has NaN"),
        (HEADER.encode() + b"1:2:a\n3:a\n", "Line 7 of x.ts has 1 features, the first line 2"),
    ],
)
def test_what_is_none_is_told_with_its_line(contents, message):
    with pytest.raises(DataError, match=message):
        read_ts(contents, "x.ts")
