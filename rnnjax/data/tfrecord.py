"""TFRecord files without TensorFlow."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator

import google_crc32c

from rnnjax.data.reading import UnusableError
from rnnjax.storage.files import open_file

_HEADER = struct.Struct("<QI")  # length of the record, checksum of these eight bytes
MOST_RECORD_BYTES = 2**26
_FOOTER = struct.Struct("<I")  # checksum of the record


class TFRecordError(UnusableError):
    """A TFRecord file ends early, fails a checksum or has a record larger than any is."""


def masked_crc32c(data: bytes) -> int:
    """Returns TensorFlow's masked CRC-32C of ``data``.

    The mask is a rotation by 15 bits and the addition of a constant, so that a checksum over data
    which contains checksums stays strong (tensorflow/core/lib/hash/crc32c.h).
    """
    crc = google_crc32c.value(data)
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def read_tfrecord(path: str | os.PathLike[str]) -> Iterator[bytes]:
    """Yields the records of a TFRecord file in order, each with its checksums verified.

    Args:
        path: An uncompressed TFRecord file.

    Raises:
        TFRecordError: The file is truncated or damaged.
        OSError: It cannot be read, or is no file.
    """
    with open_file(path) as file:
        remaining = os.fstat(file.fileno()).st_size
        index = 0
        while header := file.read(_HEADER.size):
            if len(header) < _HEADER.size:
                raise TFRecordError(f"the file ends within the header of record {index}")
            length, crc = _HEADER.unpack(header)
            if crc != masked_crc32c(header[:8]):
                raise TFRecordError(f"record {index} fails the checksum of its length")
            remaining -= _HEADER.size
            if length + _FOOTER.size > remaining:
                raise TFRecordError(f"the file ends within record {index}")
            if length > MOST_RECORD_BYTES:
                raise TFRecordError(f"record {index} has {length:,} bytes")
            record = file.read(length)
            if file.read(_FOOTER.size) != _FOOTER.pack(masked_crc32c(record)):
                raise TFRecordError(f"record {index} fails its checksum")
            remaining -= length + _FOOTER.size
            yield record
            index += 1
