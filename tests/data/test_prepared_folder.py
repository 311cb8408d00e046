"""A prepared folder is data: nothing that it says is run, and all that it says is checked."""

from __future__ import annotations

import importlib
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from rnnjax.data.image_sources import ImageSource
from rnnjax.data.mnist import load_images
from rnnjax.data.prepared_folder import contents_digest, open_prepared
from rnnjax.errors import DataError
from tests.data.damage import NO_FILES, little_memory
from tests.data.synthetic import Arrays, assert_holds

MODULE = "lying_in_the_folder"
TRAIN = "mnist-train.array_record-00000-of-00001"


@pytest.fixture
def folder(prepared: Path) -> Path:
    return prepared / "mnist" / "3.0.1"


def edit(path: Path, place: list[Any], value: Any) -> None:
    """Puts a value at a place of a JSON file."""
    contents = json.loads(path.read_text())
    inner = contents
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    path.write_text(json.dumps(contents))


NAMED = {
    "image": ["featuresDict", "features", "image", "pythonClassName"],
    "label": ["featuresDict", "features", "label", "pythonClassName"],
    "the dictionary": ["pythonClassName"],
    "another": ["featuresDict", "features", "another"],
    "legacy": ["type"],
}


@pytest.mark.parametrize("where", [*NAMED, "module of the builder"])
def test_module_that_a_folder_names_is_not_imported(
    source: ImageSource,
    arrays: Arrays,
    folder: Path,
    where: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    imported = tmp_path / "imported"
    code = f"import pathlib; pathlib.Path({str(imported)!r}).touch()\nclass Feature: pass\n"
    (folder / f"{MODULE}.py").write_text(code)
    monkeypatch.syspath_prepend(folder)
    monkeypatch.chdir(folder)
    if where == "module of the builder":
        edit(folder / "dataset_info.json", ["moduleName"], MODULE)
    else:
        name: Any = f"{MODULE}.Feature"
        edit(
            folder / "features.json",
            NAMED[where],
            {"pythonClassName": name} if where == "another" else name,
        )
    try:
        assert_holds(load_images(source, folder), arrays)
        was_read = True
    except DataError as error:
        was_read = False
        message = str(error)
        assert where == "legacy" or f"'{MODULE}.Feature', where 'tensorflow_datasets" in message
    assert not imported.exists()
    assert MODULE not in sys.modules
    assert was_read == (where in ("the dictionary", "another", "module of the builder"))
    importlib.import_module(MODULE)  # it could have been
    assert imported.exists()
    del sys.modules[MODULE]


def test_folder_of_an_old_version_of_tfds_is_read(
    source: ImageSource, arrays: Arrays, folder: Path
) -> None:
    classes = "tensorflow_datasets.core.features."
    old = {
        "type": f"{classes}features_dict.FeaturesDict",
        "content": {
            "image": {
                "type": f"{classes}image_feature.Image",
                "content": {"shape": [28, 28, 1], "dtype": "uint8", "encoding_format": "png"},
            },
            "label": {
                "type": f"{classes}class_label_feature.ClassLabel",
                "content": {"num_classes": 10},
            },
        },
    }
    (folder / "features.json").write_text(json.dumps(old))
    info = json.loads((folder / "dataset_info.json").read_text())
    for split in info["splits"]:
        split.pop("filepathTemplate", None)
    (folder / "dataset_info.json").write_text(json.dumps(info))
    assert_holds(load_images(source, folder), arrays)


@pytest.mark.parametrize(
    "template",
    [
        "{DATASET}-{SPLIT}.{FILEFORMAT}-{SHARD_INDEX}-of-{NUM_SHARDS}",
        "mnist-{SPLIT}.array_record-00000-of-00001",
    ],
)
def test_other_pattern_of_names_is_read(
    source: ImageSource, arrays: Arrays, folder: Path, template: str
) -> None:
    for split in range(2):
        edit(folder / "dataset_info.json", ["splits", split, "filepathTemplate"], template)
    assert_holds(load_images(source, folder), arrays)


DEEP = "[" * 100_000 + "]" * 100_000
DEEP_OBJECTS = '{"splits":' * 100_000 + "1" + "}" * 100_000
DOCUMENTS = {
    "list": "[]",
    "null": "null",
    "string": '"mnist"',
    "number": "1e999",
    "nan": "NaN",
    "long number": "1" * 10_000,
    "nested": DEEP,
    "nested objects": DEEP_OBJECTS,
    "nothing": "",
    "no JSON": "<html>",
    "two": "{} {}",
    "other encoding": b"\xff\xfe{\x00}\x00",
    "large": " " * (2**24 + 1) + "{}",
    "empty object": "{}",
}


@pytest.mark.parametrize("kind", DOCUMENTS)
@pytest.mark.parametrize("name", ["dataset_info.json", "features.json"])
def test_description_that_is_none_is_refused(
    source: ImageSource, folder: Path, name: str, kind: str
) -> None:
    document = DOCUMENTS[kind]
    (folder / name).write_bytes(document if isinstance(document, bytes) else document.encode())
    assert_refused(source, folder, name, most_memory=2**26)


@pytest.mark.parametrize("kind", NO_FILES)
@pytest.mark.parametrize("name", ["dataset_info.json", "features.json", TRAIN])
def test_what_is_no_file_is_refused(
    source: ImageSource, folder: Path, name: str, kind: str
) -> None:
    (folder / name).unlink()
    NO_FILES[kind](folder / name)
    # A folder with another thing of this name is another folder, where nothing is prepared.
    assert_refused(source, folder, name, data_dir=folder.parent.parent)


SPLIT = ["splits", 0]
VALUES: dict[str, tuple[list[Any], Any]] = {
    "no name": (["name"], None),
    "name of a list": (["name"], ["mnist"]),
    "name of many lines": (["name"], "a\nb" * 1000),
    "format of a list": (["fileFormat"], ["array_record"]),
    "format of many lines": (["fileFormat"], "a\nb" * 1000),
    "splits of an object": (["splits"], {"train": 40}),
    "split of a string": (SPLIT, "train"),
    "split without a name": ([*SPLIT, "name"], 3),
    "lengths of a number": ([*SPLIT, "shardLengths"], 40),
    "length of a fraction": ([*SPLIT, "shardLengths"], [40.0]),
    "length of true": ([*SPLIT, "shardLengths"], [True] * 40),
    "length below zero": ([*SPLIT, "shardLengths"], ["80", "-40"]),
    "length of 10^30": ([*SPLIT, "shardLengths"], [10**30]),
    "length of many digits": ([*SPLIT, "shardLengths"], ["9" * 10_000]),
    "other digits": ([*SPLIT, "shardLengths"], ["٤٠"]),
    "a hundred thousand files": ([*SPLIT, "shardLengths"], ["40"] + ["0"] * 100_000),
    "names of a number": ([*SPLIT, "filepathTemplate"], 7),
    "names elsewhere": ([*SPLIT, "filepathTemplate"], "../../{SPLIT}"),
    "names at the root": ([*SPLIT, "filepathTemplate"], "/etc/passwd"),
    "the folder's name": ([*SPLIT, "filepathTemplate"], ".."),
    "unknown variable": ([*SPLIT, "filepathTemplate"], "{USER}"),
    "attribute": ([*SPLIT, "filepathTemplate"], "{SPLIT.__class__}"),
    "padding": ([*SPLIT, "filepathTemplate"], "{SPLIT:>9999999999}"),
    "long name": ([*SPLIT, "filepathTemplate"], "{SPLIT}" * 1000),
    "name with a zero": ([*SPLIT, "filepathTemplate"], "a\0b"),
    "name of two lines": ([*SPLIT, "filepathTemplate"], "a\nb"),
    "name of half a letter": ([*SPLIT, "filepathTemplate"], "\ud800"),
}


@pytest.mark.parametrize("kind", VALUES)
def test_value_of_the_wrong_kind_is_refused(source: ImageSource, folder: Path, kind: str) -> None:
    edit(folder / "dataset_info.json", *VALUES[kind])
    assert_refused(source, folder, "", most_memory=2**28)


def assert_refused(
    source: ImageSource,
    folder: Path,
    name: str,
    *,
    data_dir: Path | None = None,
    most_memory: int = 2**24,
) -> None:
    with little_memory(most_memory), pytest.raises(DataError) as caught:
        load_images(source, data_dir or folder)
    message = str(caught.value)
    assert str(folder) in message
    assert name in message
    assert message.isprintable()
    assert len(message) < 500 + len(str(folder))


def digest(source: ImageSource, folder: Path) -> str:
    return contents_digest(open_prepared(source, folder, ["train", "test"]))


def test_digest_is_that_of_the_contents(source: ImageSource, folder: Path, tmp_path: Path) -> None:
    before = digest(source, folder)
    assert digest(source, folder.rename(tmp_path / "moved")) == before
    (tmp_path / "moved").rename(folder)
    (folder / "more").write_text("")
    os.utime(folder / TRAIN)
    assert digest(source, folder) == before
    changed = bytearray((folder / TRAIN).read_bytes())
    changed[-1] ^= 1
    (folder / TRAIN).write_bytes(changed)
    assert digest(source, folder) != before


def test_other_data_of_the_same_size_and_time_are_not_taken_for_the_old(
    source: ImageSource, folder: Path, arrays: Arrays, tmp_path: Path
) -> None:
    path = folder / TRAIN
    before, whole = path.stat(), path.read_bytes()
    assert_holds(load_images(source, folder, cache_dir=tmp_path / "first_cache"), arrays)
    changed = bytearray(whole)
    changed[3000] ^= 1
    path.write_bytes(changed)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_size == before.st_size
    with pytest.raises(DataError, match=f"{TRAIN} cannot be read"):
        load_images(source, folder, cache_dir=tmp_path / "first_cache")
    path.write_bytes(whole)
    assert_holds(load_images(source, folder, cache_dir=tmp_path / "first_cache"), arrays)


def test_data_that_change_while_they_are_read_are_not_kept(
    source: ImageSource, folder: Path, tmp_path: Path
) -> None:
    def touch(what: str, done: int, total: int | None) -> None:
        (folder / "features.json").write_text((folder / "features.json").read_text() + " ")

    with pytest.raises(DataError, match="was changed while it was read; give the same command"):
        load_images(source, folder, cache_dir=tmp_path / "second_cache", progress=touch)
    assert list((tmp_path / "second_cache").glob("*.npz")) == []
