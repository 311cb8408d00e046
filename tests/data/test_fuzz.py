"""Files that were damaged at random give what they held or one `DataError`, and nothing else."""

from __future__ import annotations

import dataclasses
import functools
import gzip
import json
import re
import shutil
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import numpy as np
import pytest
from array_record.python.array_record_module import ArrayRecordWriter
from hypothesis import strategies as st

from rnnjax.data.archive import read_members
from rnnjax.data.cache import load_or_build
from rnnjax.data.idx import read_idx
from rnnjax.data.image_records import decode_images
from rnnjax.data.image_sources import ImageSource
from rnnjax.data.png import grey_png, read_grey_png
from rnnjax.data.reading import reading
from rnnjax.data.records import read_examples
from rnnjax.data.source import damaged_download
from rnnjax.data.tfrecord import read_tfrecord
from rnnjax.errors import DataError
from tests.data.damage import mutated
from tests.data.synthetic import idx_bytes, make_arrays, make_files, make_source
from tests.data.synthetic_reviews import make_archive
from tests.data.test_examples import record
from tests.data.tfrecord_folder import framed

MOST_MEMORY = 2**25
RUNS = pytest.mark.parametrize(
    "examples", [20, pytest.param(150, marks=pytest.mark.slow)], ids=["short", "long"]
)
IMAGES = np.random.default_rng(1).integers(0, 256, (3, 28, 28)).astype(np.uint8)
RECORDS = [bytes([i]) * 50 * i for i in range(20)]


def guarded(read: Callable[[Path], Any]) -> Callable[[Path], Any]:
    """A reader that leaves it to others to say where it was."""

    def read_guarded(path: Path) -> Any:
        with reading(functools.partial(damaged_download, path), path.name):
            return read(path)

    return read_guarded


def read_archive(path: Path) -> list[tuple[str, bytes]]:
    members = read_members(path, re.compile("aclImdb/(train|test)/(pos|neg|unsup)/"))
    return [(match.string, contents) for match, contents in members]


def read_record(path: Path) -> Any:
    """The images of a folder whose one record is what stands in the file."""
    source, folder = one_record(path.parent)
    (folder / "mnist-train.tfrecord-00000-of-00001").write_bytes(framed(path.read_bytes()))
    return decode_images(source, folder, None)


def one_record(folder: Path) -> tuple[ImageSource, Path]:
    source = dataclasses.replace(make_source({}), splits=(("train", 1),))
    classes = "tensorflow_datasets.core.features"
    described = {
        "image": {"pythonClassName": f"{classes}.image_feature.Image"},
        "label": {"pythonClassName": f"{classes}.class_label_feature.ClassLabel"},
    }
    info = {"name": "mnist", "splits": [{"name": "train", "shardLengths": [1]}]}
    (folder / "features.json").write_text(json.dumps({"featuresDict": {"features": described}}))
    (folder / "dataset_info.json").write_text(json.dumps(info))
    return source, folder


def array_record(path: Path) -> None:
    writer = ArrayRecordWriter(str(path), "group_size:1")
    for contents in RECORDS:
        writer.write(contents)
    writer.close()


def read_array_records(path: Path) -> list[bytes]:
    from rnnjax.data.array_record import read_array_record

    return list(read_array_record(path))


ONE = record(image=[grey_png(IMAGES[0]).read()], label=[7])
READERS: dict[str, tuple[bytes | Callable[[Path], None], Callable[[Path], Any], bool]] = {
    "idx": (gzip.compress(idx_bytes(IMAGES)), lambda path: read_idx(path, IMAGES.shape), True),
    "tar": (make_archive(), read_archive, True),
    "tfrecord": (
        b"".join(map(framed, RECORDS)),
        guarded(lambda path: list(read_tfrecord(path))),
        False,  # it may end after any record
    ),
    "array_record": (array_record, guarded(read_array_records), True),
    "png": (
        grey_png(IMAGES[0]).read(),
        guarded(lambda path: read_grey_png(path.read_bytes(), 28, 28)),
        True,
    ),
    # What has no checksum may be read as something else of its kind.
    "unpacked idx": (
        idx_bytes(IMAGES),
        lambda path: read_idx(packed(path), IMAGES.shape),
        False,
    ),
    "unpacked tar": (gzip.decompress(make_archive()), lambda p: read_archive(packed(p)), False),
    "example": (ONE, read_record, False),
}


def packed(path: Path) -> Path:
    """The file, as its gzip file."""
    other = path.with_suffix(".gz")
    other.write_bytes(gzip.compress(path.read_bytes(), 1))
    return other


def same(one: Any, other: Any) -> bool:
    return np.array_equal(one, other) if isinstance(one, np.ndarray) else one == other


def check(read: Callable[[], Any], path: Path) -> Any:
    """What is read, or None where it is refused in one sentence; with little memory."""
    tracemalloc.reset_peak()
    before = tracemalloc.get_traced_memory()[0]
    try:
        found = read()
    except DataError as error:
        message, found = str(error), None
    else:
        message = ""
    taken = tracemalloc.get_traced_memory()[1] - before
    assert taken < MOST_MEMORY, f"{taken:,} bytes were taken"
    assert message.replace("\\", "").isprintable()
    assert len(message) < 1000
    assert found is not None or str(path.parent) in message
    return found


@pytest.fixture(autouse=True)
def _watch_memory() -> Iterator[None]:
    tracemalloc.start(1)
    yield
    tracemalloc.stop()


@RUNS
@pytest.mark.parametrize("kind", READERS)
def test_damaged_bytes(tmp_path: Path, kind: str, examples: int) -> None:
    whole, read, has_checksum = READERS[kind]
    path = tmp_path / "file"
    if not isinstance(whole, bytes):
        whole(path)
        whole = path.read_bytes()
    path.write_bytes(whole)
    expected = read(path)
    refused = 0

    @hypothesis.settings(max_examples=examples)
    @hypothesis.given(seed=st.integers(0, 2**40))
    def damage(seed: int) -> None:
        nonlocal refused
        path.write_bytes(mutated(whole, seed))
        found = check(lambda: read(path), path)
        refused += found is None
        assert found is None or not has_checksum or same(found, expected)

    damage()
    assert refused > 0


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=9)
    | st.sampled_from(["", "40", "-1", "9" * 5000, "..", "{SPLIT}", "train", "tfrecord", "\ud800"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every container in a JSON value with each of its keys."""
    for key in value if isinstance(value, dict) else range(len(value)):
        yield value, key
        if isinstance(value[key], dict | list):
            yield from places(value[key])


@RUNS
@pytest.mark.parametrize("name", ["dataset_info.json", "features.json"])
def test_other_values_in_a_description(prepared: Path, name: str, examples: int) -> None:
    path = prepared / "mnist" / "3.0.1" / name
    whole = path.read_text()
    source = make_source(make_files(make_arrays()))
    expected = list(first_examples(source, path.parent))

    @hypothesis.settings(max_examples=3 * examples)
    @hypothesis.given(place=st.integers(0, 10**6), value=VALUES, how=st.integers(0, 9))
    def damage(place: int, value: Any, how: int) -> None:
        contents = json.loads(whole)
        found = list(places(contents))
        container, key = found[place % len(found)]
        if how == 0:
            del container[key]
        elif how == 1:
            container[key] = [container[key]] * 3
        else:
            container[key] = value
        text = json.dumps(contents)
        if how == 2:
            text = text.replace(json.dumps(value), "[" * 50_000 + "]" * 50_000, 1)
        path.write_text(text)
        read = check(lambda: list(first_examples(source, path.parent)), path)
        assert read is None or read == expected

    damage()
    path.write_text(whole)


def first_examples(source: ImageSource, folder: Path) -> Iterator[dict[str, Any]]:
    from rnnjax.data.examples import IMAGE, LABEL

    features = {"image": IMAGE, "label": LABEL}
    for split, _ in source.splits:
        yield from read_examples(source, folder, split, features, lambda values: values)


@RUNS
@pytest.mark.parametrize("name", ["dataset_info.json", "features.json"])
def test_damaged_bytes_of_a_description(prepared: Path, name: str, examples: int) -> None:
    path = prepared / "mnist" / "3.0.1" / name
    whole = path.read_bytes()
    source = make_source(make_files(make_arrays()))
    expected = list(first_examples(source, path.parent))

    @hypothesis.settings(max_examples=examples)
    @hypothesis.given(seed=st.integers(0, 2**40))
    def damage(seed: int) -> None:
        path.write_bytes(mutated(whole, seed))
        read = check(lambda: list(first_examples(source, path.parent)), path)
        assert read is None or read == expected

    damage()


@RUNS
def test_damaged_cache(tmp_path: Path, examples: int) -> None:
    arrays = {"images": IMAGES, "words": np.array(["a", "más"])}
    load_or_build("a", {}, lambda: arrays, cache_dir=tmp_path)
    (path,) = tmp_path.glob("*.npz")
    whole = path.read_bytes()

    @hypothesis.settings(max_examples=examples)
    @hypothesis.given(seed=st.integers(0, 2**40))
    def damage(seed: int) -> None:
        path.write_bytes(mutated(whole, seed))
        found = check(lambda: load_or_build("a", {}, lambda: arrays, cache_dir=tmp_path), path)
        assert list(found) == list(arrays)
        assert all(same(found[name], array) for name, array in arrays.items())

    damage()
    shutil.rmtree(tmp_path)
