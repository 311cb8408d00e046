"""Tables of a user's own: what is read, and what is told."""

import numpy as np
import pytest

from rnnjax.data.table_file import read_table
from rnnjax.errors import DataError

TABLE = b"date;load;heat;note\n2020-01-01;1.5;-2;a\n2020-01-02;;NaN;b\n2020-01-03;1e2;3;c\n"


def test_columns_of_numbers_are_found_and_gaps_are_kept():
    found = read_table(TABLE, "mine.csv")
    assert found.columns == ("load", "heat")
    np.testing.assert_array_equal(found.values, [[1.5, -2], [np.nan, np.nan], [100, 3]])
    one = read_table(b"\xef\xbb\xbf" + TABLE.replace(b";", b"\t"), "mine.csv", ["heat"])
    assert one.columns == ("heat",)
    np.testing.assert_array_equal(one.values[:, 0], [-2, np.nan, 3])


@pytest.mark.parametrize(
    ("contents", "columns", "said"),
    [
        (b"\xff\xfe\x00", None, "no text in UTF-8"),
        (b"", None, "no rows below a header"),
        (b"a,b\n", None, "no rows below a header"),
        (b"1,2\n3,4\n", None, "has no header"),
        (b"a,a\n1,2\n", None, "two columns 'a'"),
        (b"a,b\n1,2\n3\n", None, "line 3: 1 cells, but the header has 2"),
        (b"a,b\n1,2\n3,x\n", None, "line 3: 'x' in the column 'b' is no number"),
        (b"a,b\n1,2\n3,inf\n", None, "'inf' in the column 'b' is no number"),
        (b"a,b\nx,y\n", None, "no column of numbers"),
        (b"a,b\n1,2\n", ["c"], "no column 'c'; it has a, b"),
        (b'a,b\n"1,2\n', None, "no table with commas"),
    ],
)
def test_what_is_no_table_is_told(contents, columns, said):
    with pytest.raises(DataError, match=said):
        read_table(contents, "mine.csv", columns)
