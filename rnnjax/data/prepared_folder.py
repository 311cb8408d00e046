"""What a prepared TFDS folder says of itself, read as data: nothing that it names is imported."""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from rnnjax.data.examples import Feature, check_features
from rnnjax.data.reading import UnusableError, member, read_json, reading
from rnnjax.data.source import FEATURES_FILE, INFO_FILE, Source, damaged
from rnnjax.errors import DataError
from rnnjax.storage.files import open_file

FORMATS = ("array_record", "tfrecord")
"""Formats of records, as TFDS calls them."""

_TEMPLATE = "{DATASET}-{SPLIT}.{FILEFORMAT}-{SHARD_X_OF_Y}"
_VARIABLE = re.compile(r"\{(\w+)\}")
_MOST_SHARDS = 100_000


class Shard(NamedTuple):
    """One file of records, and how many it must have."""

    path: Path
    length: int


class PreparedFolder(NamedTuple):
    """A prepared folder.

    Attributes:
        path: The folder.
        file_format: One of `FORMATS`.
        shards: The files of every split of its `Source`, in order.
    """

    path: Path
    file_format: str
    shards: Mapping[str, tuple[Shard, ...]]


def open_prepared(source: Source, folder: Path, splits: Iterable[str]) -> PreparedFolder:
    """Returns what a prepared folder says of itself.

    Args:
        source: The data set that the folder must hold; its numbers of records are checked.
        folder: A prepared folder, as `rnnjax.data.source.find_prepared` returns it.
        splits: Those that are asked for.

    Raises:
        DataError: The folder is damaged or holds something else.
    """
    with reading(functools.partial(damaged, folder), INFO_FILE):
        info = read_json(folder / INFO_FILE)
        name = member(info, "name", str)
        if name != source.name:
            raise DataError(
                f"{folder} holds the data set {name[:60]!r}, not {source.name!r}; name a "
                "folder that holds it with --data_dir, or the folder above it."
            )
        # As TFDS does for folders of its first versions, which knew one format only.
        file_format = member(info, "fileFormat", str, "tfrecord")
        if file_format not in FORMATS:
            raise DataError(
                f"{folder} is stored as {file_format[:60]!r}, which cannot be read without "
                f"TensorFlow; prepare it as {' or '.join(FORMATS)}."
            )
        described = {
            member(split, "name", str): split for split in member(info, "splits", list, [])
        }
        shards = {
            split: _shards(source, folder, split, file_format, described.get(split))
            for split in splits
        }
    return PreparedFolder(folder, file_format, shards)


def check_described(features: Mapping[str, Feature], folder: Path) -> None:
    """Refuses a folder whose records are not said to have these features.

    Raises:
        DataError: The folder is damaged or holds something else.
    """
    with reading(functools.partial(damaged, folder), FEATURES_FILE):
        check_features(features, read_json(folder / FEATURES_FILE))


def contents_digest(prepared: PreparedFolder) -> str:
    """Returns the SHA-256 of all that is read of a folder, in hexadecimal.

    Sizes and times can be those of other data, where it was copied over with its times, or where a
    file system has none of its own; and copies of one folder are the same data.

    Args:
        prepared: The folder, with the splits that are read.

    Raises:
        DataError: A file is missing or cannot be read.
    """
    digest = hashlib.sha256()
    files = [shard.path for shards in prepared.shards.values() for shard in shards]
    with reading(functools.partial(damaged, prepared.path), "") as at:
        for path in (prepared.path / INFO_FILE, prepared.path / FEATURES_FILE, *files):
            at.name = path.name
            with open_file(path) as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def _shards(
    source: Source, folder: Path, split: str, file_format: str, described: Any
) -> tuple[Shard, ...]:
    expected = dict(source.splits)[split]
    lengths = []
    if described is not None:
        lengths = [_count(length) for length in member(described, "shardLengths", list, [])]
    if sum(lengths) != expected:
        raise damaged(
            folder,
            f"split {split!r} is said to have {sum(lengths):,} records, where {source.name} has "
            f"{expected:,}",
        )
    if len(lengths) > _MOST_SHARDS:
        raise damaged(folder, f"split {split!r} is said to have {len(lengths):,} files")
    template = member(described, "filepathTemplate", str, "") or _TEMPLATE
    return tuple(
        Shard(folder / _file_name(template, source.name, split, file_format, i, len(lengths)), n)
        for i, n in enumerate(lengths)
    )


def _count(value: Any) -> int:
    """A number of records: JSON has no 64-bit integers, and so TFDS writes them as strings."""
    if isinstance(value, str) and re.fullmatch("[0-9]{1,18}", value):
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**18:
        return value
    raise UnusableError("'shardLengths' has something else than numbers of records")


def _file_name(
    template: str, dataset: str, split: str, file_format: str, index: int, total: int
) -> str:
    # str.format would take attributes of the values, and pad them to any length.
    number, of = f"{index:05}", f"{total:05}"
    values = {
        "DATASET": dataset,
        "SPLIT": split,
        "FILEFORMAT": file_format,
        "SHARD_INDEX": number,
        "NUM_SHARDS": of,
        "SHARD_X_OF_Y": f"{number}-of-{of}",
    }
    name = _VARIABLE.sub(lambda match: values.get(match[1], match[0]), template)
    if len(name) > 255 or not name.isprintable() or re.search(r"[{}/\\]|^\.*$", name):
        raise UnusableError(
            f"'filepathTemplate' is {template[:60]!r}, which is no pattern for names of files such "
            f"as {_TEMPLATE!r}"
        )
    return name
