"""A prepared folder as TFDS writes it where TensorFlow is installed."""

from __future__ import annotations

import json
import struct
from pathlib import Path

from array_record.python.array_record_data_source import ArrayRecordDataSource


def masked_crc32c(data: bytes) -> int:
    """Bit by bit from the polynomial, so that it shares nothing with what it tests."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def framed(record: bytes) -> bytes:
    length = struct.pack("<Q", len(record))
    return b"".join(
        [
            length,
            struct.pack("<I", masked_crc32c(length)),
            record,
            struct.pack("<I", masked_crc32c(record)),
        ]
    )


def as_tfrecord(folder: Path, shards: int) -> None:
    """Turns an ArrayRecord folder into a TFRECORD folder with as many shards per split."""
    info = json.loads((folder / "dataset_info.json").read_text())
    info["fileFormat"] = "tfrecord"
    for split in info["splits"]:
        prefix = f"{info['name']}-{split['name']}"
        source = folder / f"{prefix}.array_record-00000-of-00001"
        with ArrayRecordDataSource(str(source)) as stored:
            records = list(stored)
        source.unlink()
        starts = [len(records) * shard // shards for shard in range(shards + 1)]
        for shard in range(shards):
            part = records[starts[shard] : starts[shard + 1]]
            path = folder / f"{prefix}.tfrecord-{shard:05}-of-{shards:05}"
            path.write_bytes(b"".join(map(framed, part)))
        lengths = [starts[i + 1] - starts[i] for i in range(shards)]
        split["shardLengths"] = [str(length) for length in lengths]
    (folder / "dataset_info.json").write_text(json.dumps(info, indent=2))
