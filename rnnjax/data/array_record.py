"""ArrayRecord files, whose reader believes what they say of their sizes."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from rnnjax.data.reading import UnusableError
from rnnjax.storage.files import open_file

MOST_CHUNK_BYTES = 2**26
"""Of the records that are compressed together, by default one."""

_RECORDS_PER_READ = 1024
_BLOCK = 2**16
_BLOCK_HEADER = 24
_USABLE = _BLOCK - _BLOCK_HEADER
# Checksum of this header, size and checksum of the data, type and number of records, decoded size.
_TYPES = b"smprt"  # signature, metadata, padding, and two kinds of records
_CHUNK_HEADER = struct.Struct("<QQQQQ")


def read_array_record(path: Path) -> Iterator[bytes]:
    """Yields the records of an ArrayRecord file in order.

    Args:
        path: The file.

    Raises:
        UnusableError: A record is larger than any is.
        Exception: The file is damaged, or no such file.
    """
    with open_file(path) as file:
        _check_sizes(file)
    # It takes a while to import, which a start from the cache has no need of.
    from array_record.python.array_record_data_source import ArrayRecordDataSource

    with ArrayRecordDataSource(str(path)) as records:
        for start in range(0, len(records), _RECORDS_PER_READ):
            stop = min(start + _RECORDS_PER_READ, len(records))
            yield from records.__getitems__(range(start, stop))


def _check_sizes(file: BinaryIO) -> None:
    """Refuses a file with a chunk that is huge once it is unpacked.

    A thousandth of the memory that it takes is enough to write one. Riegeli, the container of
    ArrayRecord, cuts a file into blocks of 64 KiB, each with a header of its own, and lays chunks
    across them; the header of a chunk says how large it is unpacked, which its reader checks. (See
    doc/riegeli_records_file_format.md in github.com/google/riegeli.)
    """
    end = file.seek(0, 2)
    position = 0
    while header := _header(file, position, end):
        _, data_size, _, type_and_records, decoded_size = _CHUNK_HEADER.unpack(header)
        if type_and_records & 0xFF not in _TYPES:
            return  # nonsense, as the reader will say
        if decoded_size > MOST_CHUNK_BYTES:
            raise UnusableError(f"at byte {position:,} a record has {decoded_size:,} bytes")
        filled = _physical(_logical(position) + _CHUNK_HEADER.size + data_size)
        # So many bytes a chunk has at least, for each of its records to have a place of its own.
        places = position + (type_and_records >> 8)
        if places % _BLOCK and places % _BLOCK < _BLOCK_HEADER:
            places += _BLOCK_HEADER - places % _BLOCK
        position = max(filled, places)


def _header(file: BinaryIO, position: int, end: int) -> bytes:
    """The header of the chunk at a position; nothing at the end of the file."""
    if position % _BLOCK == 0:
        position += _BLOCK_HEADER
    if position >= end:
        return b""
    file.seek(position)
    before = _BLOCK - position % _BLOCK
    header = file.read(min(before, _CHUNK_HEADER.size))
    if before < _CHUNK_HEADER.size:
        file.seek(_BLOCK_HEADER, 1)
        header += file.read(_CHUNK_HEADER.size - before)
    if len(header) < _CHUNK_HEADER.size:
        return b""  # cut off, as the reader will say
    return header


def _logical(position: int) -> int:
    """How many bytes that are no headers of blocks come before a position."""
    blocks, rest = divmod(position, _BLOCK)
    return blocks * _USABLE + max(0, rest - _BLOCK_HEADER)


def _physical(logical: int) -> int:
    """The position at which so many bytes that are no headers of blocks have come before.

    At the border of a block that is its very beginning.
    """
    blocks, rest = divmod(logical, _USABLE)
    return blocks * _BLOCK + (rest + _BLOCK_HEADER if rest else 0)
