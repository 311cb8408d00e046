from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest

from rnnjax.data.idx import read_idx
from rnnjax.errors import DataError
from tests.data.damage import NO_FILES, little_memory
from tests.data.synthetic import idx_bytes

ARRAY = np.arange(2 * 3 * 5, dtype=np.uint8).reshape(2, 3, 5)
# Written out by hand from the description of the format.
WHOLE = b"\0\0\x08\x03" + b"\0\0\0\2" + b"\0\0\0\3" + b"\0\0\0\5" + bytes(range(30))


def header(*lengths: int, element: int = 8, axes: int | None = None) -> bytes:
    count = len(lengths) if axes is None else axes
    return bytes([0, 0, element, count]) + struct.pack(f">{len(lengths)}I", *lengths)


def test_reads_the_format(tmp_path: Path) -> None:
    assert idx_bytes(ARRAY) == WHOLE
    (tmp_path / "a.gz").write_bytes(gzip.compress(WHOLE))
    np.testing.assert_array_equal(read_idx(tmp_path / "a.gz", ARRAY.shape), ARRAY)


BOMB = gzip.compress(WHOLE + bytes(64 * 2**20))
DAMAGED = {
    "no gzip": (WHOLE, "it cannot be read"),
    "cut": (gzip.compress(WHOLE)[:-9], "it cannot be read"),
    "wrong checksum": (gzip.compress(WHOLE)[:-8] + bytes(8), "it cannot be read"),
    "followed by nonsense": (gzip.compress(WHOLE) + b"nonsense", "it cannot be read"),
    "nothing": (b"", "not an IDX file"),
    "too short": (gzip.compress(WHOLE[:-1]), "holds 29 bytes where its header announces 30"),
    "too long": (gzip.compress(WHOLE + b"\0"), "holds more bytes where its header announces 30"),
    "bomb": (BOMB, "holds more bytes"),
    "second part": (gzip.compress(WHOLE) + gzip.compress(b"more"), "holds more bytes"),
    "floats": (gzip.compress(header(2, 3, 5, element=13)), "not an IDX file of unsigned bytes"),
    "no magic": (gzip.compress(b"\1" + WHOLE), "not an IDX file of unsigned bytes"),
    "half a header": (gzip.compress(WHOLE[:9]), "ends within its header"),
    "empty": (gzip.compress(b""), "not an IDX file"),
    "transposed": (gzip.compress(header(5, 3, 2) + bytes(30)), r"the shape \(5, 3, 2\), where"),
    "no axis": (gzip.compress(header()), r"the shape \(\), where \(2, 3, 5\)"),
    "more axes than NumPy has": (
        gzip.compress(header(*[1] * 255) + bytes(1)),
        r"the shape \(1, 1, 1, 1, …\)",
    ),
    "more axes than it has": (gzip.compress(header(2, 3, 5, axes=200)), "ends within its header"),
    "nothing to hold": (gzip.compress(header(0, 2**32 - 1, 2**32 - 1)), r"the shape \(0, 42"),
    "negative": (gzip.compress(header(2**32 - 2, 3, 5) + bytes(30)), r"the shape \(4294967294"),
    "2^96 bytes": (gzip.compress(header(*[2**32 - 1] * 3) + bytes(30)), r"the shape \(4294967295"),
}


@pytest.mark.parametrize("kind", DAMAGED)
def test_damage_is_said_in_a_sentence(tmp_path: Path, kind: str) -> None:
    contents, message = DAMAGED[kind]
    (tmp_path / "a.gz").write_bytes(contents)
    with (
        little_memory(8 * 2**20),
        pytest.raises(DataError, match=message) as caught,
    ):
        read_idx(tmp_path / "a.gz", ARRAY.shape)
    assert str(caught.value).startswith(f"{tmp_path / 'a.gz'} is damaged: ")
    assert str(caught.value).endswith("; remove it, then it is downloaded again.")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", NO_FILES)
def test_what_is_no_file_is_said_in_a_sentence(tmp_path: Path, kind: str) -> None:
    NO_FILES[kind](tmp_path / "a.gz")
    with pytest.raises(DataError, match="is damaged: it cannot be read"):
        read_idx(tmp_path / "a.gz", ARRAY.shape)
