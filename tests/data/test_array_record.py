from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from array_record.python.array_record_module import ArrayRecordWriter

from rnnjax.data import array_record
from rnnjax.data.array_record import read_array_record
from rnnjax.data.reading import UnusableError
from tests.data.damage import NO_FILES, little_memory


def write(path: Path, records: list[bytes], options: str = "group_size:1") -> Path:
    writer = ArrayRecordWriter(str(path), options)
    for record in records:
        writer.write(record)
    writer.close()
    return path


@pytest.mark.parametrize("options", ["group_size:1", "group_size:7", "group_size:1,uncompressed"])
@pytest.mark.parametrize("largest", [0, 50, 3000, 200_000])
def test_records_of_all_sizes_are_read(tmp_path: Path, options: str, largest: int) -> None:
    rng = np.random.default_rng(largest)
    # Headers of chunks come to lie at and across the borders of blocks.
    sizes = rng.integers(0, largest + 1, 30 if largest > 10_000 else 3000)
    records = [rng.bytes(size) for size in sizes]
    assert list(read_array_record(write(tmp_path / "a", records, options))) == records


@pytest.mark.parametrize("options", ["group_size:1", "group_size:1,brotli", "group_size:50"])
@pytest.mark.parametrize("before", [0, 3000])
def test_huge_record_is_refused_before_it_is_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: str, before: int
) -> None:
    monkeypatch.setattr(array_record, "MOST_CHUNK_BYTES", 2**20)
    records = [np.random.default_rng(i).bytes(100) for i in range(before)]
    path = write(tmp_path / "a", [*records, bytes(2**21), b"after"], options)
    assert path.stat().st_size < 2**20
    with little_memory(2**20), pytest.raises(UnusableError, match=r"a record has [\d,]+ bytes"):
        list(read_array_record(path))


@pytest.mark.parametrize("kind", NO_FILES)
def test_what_is_no_file_is_refused(tmp_path: Path, kind: str) -> None:
    NO_FILES[kind](tmp_path / "a")
    with pytest.raises(OSError, match=r"."):
        list(read_array_record(tmp_path / "a"))
