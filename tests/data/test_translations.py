"""The one door to translations, and what is said of files that are none."""

from __future__ import annotations

import gzip
import itertools

import pytest

from rnnjax.data import multi30k, number_words, translations
from rnnjax.errors import DataError, DataUnavailableError


@pytest.fixture
def files(tmp_path):
    def write(source, target):
        paths = tmp_path / "text.de", tmp_path / "text.en"
        for path, text in zip(paths, (source, target), strict=True):
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return paths

    return write


@pytest.fixture
def few(monkeypatch):
    monkeypatch.setattr(number_words, "SIZES", {"train": 30, "validation": 4, "test": 5})


def numbered(count, word="w"):
    return "".join(f"{word} {n}\n" for n in range(count))


def test_ones_own_pairs_are_cut_in_order(files):
    paths = files("\ufeff" + numbered(100, " Satz  "), numbered(100, "line").replace("\n", "\r\n"))
    dataset = translations.load(files=paths)
    parts = [part.examples() for part in (dataset.train, dataset.validation, dataset.test)]
    assert [len(part) for part in parts] == [90, 5, 5]
    assert list(itertools.chain(*parts)) == [(f"Satz {n}", f"line {n}") for n in range(100)]
    assert dataset.origin == f"the files {paths[0]} and {paths[1]}"
    assert dataset.test.raw_references is dataset.warning is None
    assert translations.load("files", files=paths) == dataset == translations.read_pair(*paths)
    named = translations.read_pair(*paths, source_language="German", target_language="English")
    assert "German to English" in named.described()


@pytest.mark.parametrize(("count", "sizes"), [(3, (1, 1, 1)), (29, (27, 1, 1)), (50, (46, 2, 2))])
def test_each_part_has_a_line(files, count, sizes):
    # No line feed at the end of the one; and what only looks like the end of a line.
    dataset = translations.read_pair(*files(numbered(count)[:-1], numbered(count, "a\u2028b\x0c")))
    parts = dataset.train, dataset.validation, dataset.test
    assert tuple(len(part.sources) for part in parts) == sizes
    assert dataset.train.references[0] == ("a b 0",)


NO_PAIRS = {
    "longer": (numbered(1_200), numbered(10), r"text\.de has 1,200 lines and \S*text\.en 10; each"),
    "empty": ("", numbered(10), r"text\.de holds no text; give one sentence a line"),
    "blank": (numbered(10), " \n\n", r"text\.en holds no text"),
    "empty line": (numbered(3) + "\n" + numbered(3), numbered(7), r"Line 4 of \S*text\.de is empt"),
    "blank line": (numbered(7), numbered(6) + " \t\n", r"Line 7 of \S*text\.en is empty"),
    "few": (numbered(2), numbered(2), r"text\.de and \S*text\.en have 2 lines, and 3 are needed"),
    "latin": (numbered(9), "süß\n".encode("latin-1") * 9, r"text\.en is not in UTF-8 \(byte 1 is"),
    "UTF-16": (numbered(9).encode("utf-16"), numbered(9), r"text\.de (is not in|holds zero bytes)"),
    "binary": (numbered(9), b"a\x00b\n" * 9, r"text\.en holds zero bytes, so it is binary data"),
    "compressed": (gzip.compress(numbered(9).encode()), numbered(9), r"text\.de holds zero bytes"),
}


@pytest.mark.parametrize("name", NO_PAIRS)
def test_what_are_no_pairs_is_told_in_one_sentence(files, name):
    source, target, message = NO_PAIRS[name]
    with pytest.raises(DataError, match=message) as error:
        translations.read_pair(*files(source, target))
    assert "\n" not in str(error.value)


def test_a_file_that_is_not_there(files, tmp_path):
    path, _ = files("a\n", "b\n")
    for wrong in (tmp_path / "nothing", tmp_path):
        with pytest.raises(DataError, match="can't be read"):
            translations.read_pair(path, wrong)


@pytest.mark.parametrize(
    ("dataset", "paths"), [("numbers", ("a", "b")), ("multi30k", ("a", "b")), ("files", None)]
)
def test_files_and_a_name_contradict_each_other(dataset, paths):
    with pytest.raises(DataError, match="contradict each other"):
        translations.load(dataset, files=paths)


@pytest.mark.usefixtures("few")
def test_numbers_know_the_best_score():
    dataset = translations.load("numbers")
    assert (dataset.source_language, dataset.target_language) == ("English", "German")
    assert dataset.best_exact == 1
    assert dataset.warning is None
    assert [len(p.sources) for p in (dataset.train, dataset.validation, dataset.test)] == [30, 4, 5]
    back = translations.load("numbers", direction="de-en")
    assert back.train.sources == tuple(target for (target,) in dataset.train.references)
    assert back.source_language == "German"
    with pytest.raises(DataError, match=r"no number words for 'en-fr'; take one of en-de, de-en"):
        translations.load("numbers", direction="en-fr")


@pytest.mark.usefixtures("few")
def test_numbers_stand_in_loudly(monkeypatch):
    asked = []

    def nowhere(direction, *_, **__):
        asked.append(direction)
        raise DataUnavailableError("No server gave it.")

    monkeypatch.setattr(multi30k, "read", nowhere)
    dataset = translations.load("auto")
    assert dataset.name == "number words en-de"
    assert dataset.warning is not None
    assert dataset.warning.startswith("NO SENTENCES ARE TRANSLATED: 39 number words written by a")
    assert "No server gave it. To insist on sentences, say --dataset=multi30k." in dataset.warning
    assert translations.load(direction="de-en").source_language == "German"
    assert translations.load(direction="en-fr").target_language == "German"
    assert asked == ["de-en", "de-en", "en-fr"]
    with pytest.raises(DataUnavailableError):
        translations.load("multi30k")
    with pytest.raises(DataUnavailableError):
        translations.load("auto", "folder")
    with pytest.raises(DataError, match="There is no data set 'europarl'; take one of auto,"):
        translations.load("europarl")
