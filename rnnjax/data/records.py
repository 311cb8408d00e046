"""Reading the records of a prepared TFDS folder, ArrayRecord or TFRECORD, without TensorFlow."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from rnnjax.data.array_record import read_array_record
from rnnjax.data.examples import Feature, decode_example
from rnnjax.data.prepared_folder import check_described, open_prepared
from rnnjax.data.reading import reading
from rnnjax.data.source import Source, damaged
from rnnjax.data.tfrecord import read_tfrecord

T = TypeVar("T")


def read_examples(
    source: Source,
    folder: Path,
    split: str,
    features: Mapping[str, Feature],
    convert: Callable[[dict[str, Any]], T],
) -> Iterator[T]:
    """Yields the examples of one split in the order of its files.

    Args:
        source: The data set that the folder must hold; its numbers of records are checked.
        folder: A prepared folder, as `rnnjax.data.source.find_prepared` returns it.
        split: Name of the split.
        features: What every record holds, by name.
        convert: Makes what is yielded from the values by name; `UnusableError` says what is wrong
            with them.

    Raises:
        DataError: The folder is damaged, holds something else, or lacks a record.
    """
    prepared = open_prepared(source, folder, [split])
    check_described(features, folder)
    for path, length in prepared.shards[split]:
        with reading(functools.partial(damaged, folder), path.name) as at:
            records = _READERS[prepared.file_format](path)
            for index in range(length):
                record = next(records, None)
                if record is None:
                    raise damaged(
                        folder, f"{path.name} has {index:,} records instead of {length:,}"
                    )
                at.name = f"record {index:,} of {path.name}"
                example = convert(decode_example(features, record))
                at.name = path.name
                yield example
            if next(records, None) is not None:
                raise damaged(folder, f"{path.name} has more than its {length:,} records")


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


_READERS: dict[str, Callable[[Path], Iterator[bytes]]] = {
    "array_record": read_array_record,
    "tfrecord": read_tfrecord,
}
