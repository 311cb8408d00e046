from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from rnnjax.data.idx import read_idx
from rnnjax.data.source import DataError
from tests.data.synthetic import idx_bytes

ARRAY = np.arange(2 * 3 * 5, dtype=np.uint8).reshape(2, 3, 5)
# Written out by hand from the description of the format.
WHOLE = b"\0\0\x08\x03" + b"\0\0\0\2" + b"\0\0\0\3" + b"\0\0\0\5" + bytes(range(30))


def test_reads_the_format(tmp_path: Path) -> None:
    assert idx_bytes(ARRAY) == WHOLE
    (tmp_path / "a.gz").write_bytes(gzip.compress(WHOLE))
    np.testing.assert_array_equal(read_idx(tmp_path / "a.gz"), ARRAY)


@pytest.mark.parametrize(
    ("contents", "message"),
    [
        pytest.param(WHOLE, "no whole gzip file", id="no gzip"),
        pytest.param(gzip.compress(WHOLE)[:-9], "no whole gzip file", id="cut"),
        pytest.param(
            gzip.compress(WHOLE[:-1]),
            r"29 bytes where its header announces the shape \(2, 3, 5\)",
            id="too short",
        ),
        pytest.param(gzip.compress(WHOLE + b"\0"), "31 bytes where", id="too long"),
        pytest.param(
            gzip.compress(b"\0\0\x0d" + WHOLE[3:]), "not an IDX file of unsigned bytes", id="floats"
        ),
        pytest.param(gzip.compress(WHOLE[:9]), "not an IDX file", id="half a header"),
        pytest.param(gzip.compress(b""), "not an IDX file", id="empty"),
    ],
)
def test_damage_is_said_in_a_sentence(tmp_path: Path, contents: bytes, message: str) -> None:
    (tmp_path / "a.gz").write_bytes(contents)
    with pytest.raises(DataError, match=message):
        read_idx(tmp_path / "a.gz")
