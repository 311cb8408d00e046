"""Reading the records of a prepared TFDS folder, ArrayRecord or TFRECORD, without TensorFlow."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rnnjax.data.source import DataError, Source
from rnnjax.data.tfrecord import read_tfrecord

_RECORDS_PER_READ = 4096


def read_examples(
    source: Source, folder: Path, split: str, *, encoded: Sequence[str] = ()
) -> Iterator[dict[str, Any]]:
    """Yields the examples of one split in the order of its files.

    Args:
        source: The data set that the folder must hold; its numbers of records are checked.
        folder: A prepared folder, as `rnnjax.data.source.find_prepared` returns it.
        split: Name of the split.
        encoded: Features to hand over as the bytes that are stored, an image for instance as a
            PNG file; TFDS decodes the others.

    Yields:
        One dictionary per example, from the names of its features to their values.

    Raises:
        DataError: The folder is damaged, holds something else, or lacks a record.
    """
    try:
        yield from _read(source, folder, split, encoded)
    except DataError:
        raise
    except ImportError as error:
        raise DataError(
            f"Reading {folder} needs a package that cannot be imported ({error}); "
            "install rnnjax with its dependencies."
        ) from error
    # The readers below it raise RuntimeError, ValueError, OSError, protobuf's errors and KeyError,
    # and what is not an error of the file's contents looks the same to a user.
    except Exception as error:
        raise damaged(folder, f"split {split!r} cannot be read ({_one_line(error)})") from error


def published_order(split: str, size: int) -> np.ndarray:
    """Returns the position in the original files of every record of a prepared split.

    TFDS sorts the records by a hash of their key and the name of the split. This undoes it for a
    data set whose keys are 0, 1, 2, ..., as those of MNIST are.

    Args:
        split: Name of the split.
        size: Its number of records.
    """
    from tensorflow_datasets.core import hashing

    hasher = hashing.Hasher(split)
    return np.array(sorted(range(size), key=hasher.hash_key), np.int64)


def damaged(folder: Path, what: str) -> DataError:
    """Returns the error that says that a prepared folder is damaged, and what to do."""
    return DataError(
        f"The prepared data in {folder} is damaged: {what}. Move that folder away, "
        "then it is prepared again, or name another with --data_dir."
    )


def _one_line(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"


def _read(
    source: Source, folder: Path, split: str, encoded: Sequence[str]
) -> Iterator[dict[str, Any]]:
    # TFDS takes a third of a second to import, which a start from the cache has no need of.
    import tensorflow_datasets as tfds

    info = tfds.builder_from_directory(folder).info
    if info.name != source.name:
        raise DataError(
            f"{folder} holds the data set {info.name!r}, not {source.name!r}; name a "
            "folder that holds it with --data_dir, or the folder above it."
        )
    expected = dict(source.splits)[split]
    if split not in info.splits or info.splits[split].num_examples != expected:
        found = info.splits[split].num_examples if split in info.splits else 0
        raise damaged(
            folder,
            f"split {split!r} is said to have {found:,} records, where "
            f"{source.name} has {expected:,}",
        )
    file_format = info.file_format.value if info.file_format else "unknown"
    if file_format not in _READERS:
        raise DataError(
            f"{folder} is stored as {file_format!r}, which cannot be read without "
            f"TensorFlow; prepare it as {' or '.join(_READERS)}."
        )
    features: Any = info.features
    decoders = {name: tfds.decode.SkipDecoding() for name in encoded}
    shards = zip(info.splits[split].filepaths, info.splits[split].shard_lengths, strict=True)
    for path, length in shards:
        records = _READERS[file_format](Path(path))
        for index in range(length):
            record = next(records, None)
            if record is None:
                raise damaged(folder, f"{path.name} has {index:,} records instead of {length:,}")
            yield features.deserialize_example_np(record, decoders=decoders)
        if next(records, None) is not None:
            raise damaged(folder, f"{path.name} has more than its {length:,} records")


def _array_records(path: Path) -> Iterator[bytes]:
    from array_record.python.array_record_data_source import ArrayRecordDataSource

    with ArrayRecordDataSource(str(path)) as records:
        for start in range(0, len(records), _RECORDS_PER_READ):
            stop = min(start + _RECORDS_PER_READ, len(records))
            yield from records.__getitems__(range(start, stop))


_READERS: dict[str, Callable[[Path], Iterator[bytes]]] = {
    "array_record": _array_records,
    "tfrecord": read_tfrecord,
}
