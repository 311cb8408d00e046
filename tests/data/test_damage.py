from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from rnnjax.data.image_sources import ImageSource
from rnnjax.data.mnist import load, load_images
from rnnjax.errors import DataError
from tests.data.synthetic import SIZES, Arrays, assert_holds
from tests.data.tfrecord_folder import as_tfrecord


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def edit_info(folder: Path, old: str, new: str) -> None:
    path = folder / "dataset_info.json"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


def train_shard(folder: Path) -> Path:
    (path,) = folder.glob("mnist-train.*")
    return path


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[3000] ^= 1
    path.write_bytes(data)


INFO = "dataset_info.json"
TRAIN = "mnist-train.array_record-00000-of-00001"
DAMAGE = {
    "truncated shard": (lambda d: truncate(train_shard(d)), f"{TRAIN} cannot be read"),
    "empty shard": (lambda d: train_shard(d).write_bytes(b""), f"{TRAIN} cannot be read"),
    "flipped bit": (lambda d: flip(train_shard(d)), f"{TRAIN} cannot be read"),
    "missing shard": (lambda d: train_shard(d).unlink(), f"{TRAIN} cannot be read .No such file"),
    "broken info": (
        lambda d: truncate(d / "dataset_info.json"),
        f"{INFO} cannot be read",
    ),
    "no info": (lambda d: (d / "dataset_info.json").unlink(), r"has no dataset_info\.json"),
    "broken features": (lambda d: truncate(d / "features.json"), "features.json cannot be read"),
    "no features": (lambda d: (d / "features.json").unlink(), "features.json cannot be read"),
    "other number of records": (
        lambda d: edit_info(d, '"40"', '"39"'),
        "is said to have 39 records, where mnist has 40",
    ),
    "missing split": (
        lambda d: edit_info(d, '"name": "train"', '"name": "training"'),
        "is said to have 0 records",
    ),
    "other data set": (
        lambda d: edit_info(d, '"name": "mnist"', '"name": "kmnist"'),
        "holds the data set 'kmnist', not 'mnist'",
    ),
    "unreadable format": (lambda d: edit_info(d, "array_record", "riegeli"), "stored as 'riegeli'"),
}


@pytest.mark.parametrize("kind", DAMAGE)
@pytest.mark.parametrize("dataset", ["mnist", "auto"])
def test_damaged_folder_is_refused_and_left_alone(
    source: ImageSource, prepared: Path, kind: str, dataset: str
) -> None:
    damage, message = DAMAGE[kind]
    damage(prepared / "mnist" / "3.0.1")
    before = snapshot(prepared)
    with pytest.raises(DataError, match=message) as caught:
        load(dataset, prepared, sources={"mnist": source})
    assert str(prepared) in str(caught.value)
    assert "--data_dir" in str(caught.value) or "prepare it as" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert snapshot(prepared) == before


@pytest.mark.parametrize("announced", [39, 41])
@pytest.mark.parametrize("file_format", ["array_record", "tfrecord"])
def test_shard_with_another_number_of_records_is_refused(
    source: ImageSource, prepared: Path, announced: int, file_format: str
) -> None:
    folder = prepared / "mnist" / "3.0.1"
    if file_format == "tfrecord":
        as_tfrecord(folder, 1)
    edit_info(folder, '"40"', f'"{announced}"')
    claimed = dataclasses.replace(source, splits=(("train", announced), ("test", SIZES["test"])))
    message = "more than its 39 records" if announced == 39 else "40 records instead of 41"
    with pytest.raises(DataError, match=message):
        load_images(claimed, prepared)


def test_damaged_default_folder_does_not_fall_back(
    source: ImageSource, prepared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    truncate(train_shard(prepared / "mnist" / "3.0.1"))
    monkeypatch.setenv("TFDS_DATA_DIR", str(prepared))
    with pytest.raises(DataError, match="is damaged"):
        load("auto", sources={"mnist": source})


def test_damaged_cache_is_decoded_again(
    source: ImageSource, arrays: Arrays, prepared: Path, tmp_path: Path
) -> None:
    (cache,) = (tmp_path / "first_cache").glob("*.npz")
    flip(cache)
    assert_holds(load_images(source, prepared, cache_dir=tmp_path / "first_cache"), arrays)


def test_changed_folder_is_decoded_again(
    source: ImageSource, prepared: Path, tmp_path: Path
) -> None:
    truncate(train_shard(prepared / "mnist" / "3.0.1"))
    with pytest.raises(DataError, match="is damaged"):
        load_images(source, prepared, cache_dir=tmp_path / "first_cache")
