"""Multi30k in its two folders, on small files of its names."""

from __future__ import annotations

import dataclasses
import gzip
import re

import pytest

from rnnjax.data import multi30k
from rnnjax.errors import DataError, DataUnavailableError
from tests.data.original_files import publish

SIZES = {"train": 4, "val": 2, multi30k.TEST: 3, multi30k.TEST_2017: 2}


def contents():
    """Each sentence says what it is; between its tokens are blanks that do not belong there."""
    found = {}
    for language in multi30k.LANGUAGES:
        for part, size in SIZES.items():
            # The rare end of a line that is none belongs to the sentence.
            lines = [f" {language}  {part}\u2028{n} .\n" for n in range(size)]
            found[f"tok/{part}.lc.norm.tok.{language}"] = "".join(lines).encode()
            if part != "train":
                raw = "".join(f"{language.upper()} {part}\u2028{n}.\n" for n in range(size))
                found[f"raw/{part}.{language}.gz"] = gzip.compress(raw.encode(), mtime=0)
    return found


@pytest.fixture
def folder(tmp_path, monkeypatch):
    source = publish(multi30k.MULTI30K, contents(), tmp_path)
    monkeypatch.setattr(multi30k, "MULTI30K", source)
    return tmp_path / "multi30k"


def test_these_files_are_known():
    assert {file.name for file in multi30k.MULTI30K.files} == set(contents())
    assert len({file.sha256 for file in multi30k.MULTI30K.files}) == 21
    for file in multi30k.MULTI30K.files:
        assert re.fullmatch("[0-9a-f]{64}", file.sha256)
        assert file.size > 10_000


@pytest.mark.parametrize("inside", [False, True])
def test_a_direction_has_three_parts_and_its_tests_as_people_write(folder, inside):
    dataset = multi30k.read("fr-de", folder if inside else folder.parent)
    assert (dataset.name, dataset.source_language, dataset.target_language) == (
        "multi30k fr-de", "French", "German",
    )  # fmt: skip
    assert dataset.train.sources == tuple(f"fr train {n} ." for n in range(4))
    assert dataset.train.examples()[3] == ("fr train 3 .", "de train 3 .")
    assert dataset.train.raw_references is None
    assert dataset.validation.examples()[1] == ("fr val 1 .", "de val 1 .")
    assert dataset.test.references[2] == (f"de {multi30k.TEST} 2 .",)
    assert dataset.test.raw_references == tuple(f"DE {multi30k.TEST}\u2028{n}." for n in range(3))
    assert dataset.origin == f"the original files in {folder}"
    assert "CC BY-NC-SA" in dataset.described()


def test_the_tests_of_2017(folder):
    pairs = multi30k.read_test_2017("en-fr", folder)
    assert pairs.examples()[1] == (f"en {multi30k.TEST_2017} 1 .", f"fr {multi30k.TEST_2017} 1 .")
    assert pairs.raw_references == tuple(f"FR {multi30k.TEST_2017}\u2028{n}." for n in range(2))


def test_files_of_other_directions_may_be_missing(folder):
    for path in folder.glob("*/*.fr*"):
        path.unlink()
    (folder / "raw/val.de.gz").unlink()
    assert len(multi30k.read("de-en", folder).test.sources) == 3
    with pytest.raises(DataError, match=r"lacks raw/val\.de\.gz of multi30k; put all of its"):
        multi30k.read("en-de", folder)


def test_texts_may_be_compressed(folder):
    for path in folder.glob("tok/*"):
        path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()
    assert multi30k.read("de-en", folder).train.sources[0] == "de train 0 ."


@pytest.mark.parametrize("name", ["tok/train.lc.norm.tok.de", "raw/val.en.gz"])
def test_other_contents_are_refused(folder, name):
    path = folder / name
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    with pytest.raises(DataError, match="is not the published file") as error:
        multi30k.read("de-en", folder)
    assert path.name in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("direction", ["de-de", "en", "en-cs", ""])
@pytest.mark.parametrize("read", [multi30k.read, multi30k.read_test_2017])
def test_a_direction_that_is_none(direction, read):
    with pytest.raises(DataError, match=r"has no direction '.*'; take one of de-en, de-fr, en-de,"):
        read(direction)


def test_it_is_downloaded_into_its_folders(tmp_path, server, monkeypatch):
    server.files = contents()
    source = publish(multi30k.MULTI30K, contents(), tmp_path / "first")
    monkeypatch.setattr(multi30k, "MULTI30K", dataclasses.replace(source, mirrors=(server.url,)))
    dataset = multi30k.read("de-en", tmp_path)
    assert dataset.test.examples()[0][1] == f"en {multi30k.TEST} 0 ."
    server.files = {}
    assert multi30k.read("de-en", tmp_path).test == dataset.test
    with pytest.raises(DataError, match="lacks"):
        multi30k.read("de-fr", tmp_path)
    with pytest.raises(DataUnavailableError, match="could not be downloaded"):
        multi30k.read("de-en", tmp_path / "elsewhere")
