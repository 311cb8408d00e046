from __future__ import annotations

from pathlib import Path

import pytest

from rnnjax.data.tfrecord import TFRecordError, read_tfrecord

# Written by tf.io.TFRecordWriter of TensorFlow 2.21.
RECORDS = [b"many are the gates", b"", bytes(range(0, 256, 9))]
FILE = bytes.fromhex(
    "1200000000000000241f64256d616e79206172652074686520676174657322fdb24a"
    "000000000000000029039807d8ea82a2"
    "1d00000000000000602fdf230009121b242d363f48515a636c757e879099a2abb4bdc6cfd8e1eaf3fc08654d80"
)
BOUNDARIES = [0, 34, 50, len(FILE)]


def test_reads_what_tensorflow_wrote(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(FILE)
    assert list(read_tfrecord(tmp_path / "a")) == RECORDS


def test_every_flipped_byte_is_noticed(tmp_path: Path) -> None:
    for position in range(len(FILE)):
        damaged = bytearray(FILE)
        damaged[position] ^= 0x04
        (tmp_path / "a").write_bytes(damaged)
        with pytest.raises(TFRecordError, match="record"):
            list(read_tfrecord(tmp_path / "a"))


def test_every_truncation_within_a_record_is_noticed(tmp_path: Path) -> None:
    for length in range(len(FILE)):
        (tmp_path / "a").write_bytes(FILE[:length])
        if length in BOUNDARIES:
            assert list(read_tfrecord(tmp_path / "a")) == RECORDS[: BOUNDARIES.index(length)]
        else:
            with pytest.raises(TFRecordError, match="the file ends within"):
                list(read_tfrecord(tmp_path / "a"))
