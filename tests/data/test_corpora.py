"""Texts for language models: in which parts they come, and what is said of a file that is none."""

from __future__ import annotations

import dataclasses
import hashlib
import string

import numpy as np
import pytest

from rnnjax.data import corpora, corpus_sources, war_and_peace
from rnnjax.data.source import RemoteFile
from rnnjax.errors import DataError, DataUnavailableError
from tests.data.original_files import publish

TEXT = (string.ascii_lowercase + "\n") * 100


def published(source, monkeypatch, files, folder):
    """A folder with other, smaller files, which the source now has as its own."""
    name = {"war_and_peace": "WAR_AND_PEACE", "wikitext2": "WIKITEXT2"}[source.name]
    monkeypatch.setattr(corpora, name, publish(source, files, folder))


def test_own_text_is_cut_in_three(tmp_path):
    path = tmp_path / "novel.txt"
    path.write_text("\ufeff" + TEXT + "Z")
    corpus = corpora.load("auto", text=path)
    assert [len(part) for part in corpus.parts] == [2161, 270, 269]
    whole = np.concatenate(corpus.parts)
    assert corpus.symbols.decode(whole) == TEXT
    assert corpus.origin == (
        f"the file {path}, without 1 held-out characters that training never saw"
    )
    assert corpora.load("text", text=path).described() == corpus.described()


@pytest.mark.parametrize(
    ("contents", "message"),
    [
        (b"", "holds 0 characters, which are too few"),
        (b"short", "holds 5 characters, which are too few"),
        pytest.param(b"\x00\x01" * 5000, "holds zero bytes, so it is binary data or", id="binary"),
        pytest.param("text".encode("utf-16") * 5000, "holds zero bytes, so it is", id="UTF-16"),
        pytest.param(
            "caf\u00e9 ".encode("latin-1") * 500, r"is not in UTF-8 \(byte 3 is 0xe9\)", id="latin"
        ),
    ],
)
def test_what_is_no_text_is_told_in_one_sentence(tmp_path, contents, message):
    path = tmp_path / "novel.txt"
    path.write_bytes(contents)
    with pytest.raises(DataError, match=message) as error:
        corpora.load("text", text=path)
    assert "\n" not in str(error.value)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(DataError, match="can't be read"):
        corpora.load(text=tmp_path / "nothing.txt")
    with pytest.raises(DataError, match="can't be read"):
        corpora.load(text=tmp_path)


@pytest.mark.parametrize("arguments", [("brackets", "novel.txt"), ("text", None)])
def test_a_file_and_a_name_contradict_each_other(arguments):
    dataset, text = arguments
    with pytest.raises(DataError, match="go together as --dataset=text only"):
        corpora.load(dataset, text=text)


def test_war_and_peace_is_read_byte_for_byte(tmp_path, monkeypatch):
    head, tail = b"\xef\xbb\xbfWar\r\n", b"\xc3\xa9 Peace\r\n"
    contents = head.ljust(2_606_596, b"a") + tail.ljust(325_825, b"b") + b"c" * 325_825
    published(corpora.WAR_AND_PEACE, monkeypatch, {"warpeace_input.txt": contents}, tmp_path)
    corpus = corpora.load("war_and_peace_in_order", tmp_path)
    assert [len(part) for part in corpus.parts] == [2_606_596, 325_825, 325_825]
    assert corpus.symbols.decode(corpus.train[:8]) == "\ufeffWar\r\n"
    assert corpus.symbols.decode(corpus.validation[:8]) == "é Peace"
    published_split = corpora.load("war_and_peace", tmp_path)
    assert published_split.symbols == corpus.symbols
    assert [len(part) for part in published_split.parts] == [2_600_000, 320_000, 330_000]


def test_the_published_split_cuts_every_row_of_the_text():
    # 10 windows of 100 in each of 100 rows, and a rest; the number is that of the window.
    text = np.repeat(np.arange(1_000), 100)
    train, validation, test = war_and_peace.as_published(np.append(text, [7] * 9_999))
    windows = text[::100].reshape(100, 10)
    assert train.reshape(-1, 100)[:, 0].tolist() == windows[:, :8].ravel().tolist()
    assert validation.reshape(-1, 100)[:, 99].tolist() == windows[:, 8].tolist()
    assert test.reshape(-1, 100)[:, 50].tolist() == windows[:, 9].tolist()


def test_a_penn_treebank_of_ones_own(tmp_path):
    with pytest.raises(DataUnavailableError, match=r"ptb.train.txt, .* may not be passed on"):
        corpora.load("penn_treebank", tmp_path)
    folder = tmp_path / "penn_treebank"
    folder.mkdir()
    for part, text in (("train", " a b <unk> N \n"), ("valid", " b \n"), ("test", " c a \n")):
        with pytest.raises(DataUnavailableError):
            corpora.load("penn_treebank", tmp_path)
        (folder / f"ptb.{part}.txt").write_text(text)
    for place in (tmp_path, folder):
        corpus = corpora.load("penn_treebank", place)
        assert corpus.symbols.decode(corpus.test) == "<unk> a\n"
        assert [len(part) for part in corpus.parts] == [5, 2, 3]
    (folder / "ptb.test.txt").write_bytes(b"\xff\xfe")
    with pytest.raises(DataError, match="holds a Penn Treebank that can't be read"):
        corpora.load("penn_treebank", tmp_path)


def test_wikitext_is_words_and_ends_of_lines(tmp_path, monkeypatch):
    parts = {
        "wiki.train.tokens": b" \n = Title = \n \n a b @-@ <unk> a \n",
        "wiki.valid.tokens": b" a \n",
        "wiki.test.tokens": b" b b \n",
    }
    published(corpora.WIKITEXT2, monkeypatch, parts, tmp_path)
    corpus = corpora.load("wikitext2", tmp_path)
    assert corpus.symbols.decode(corpus.train) == "\n= Title =\n\na b @-@ <unk> a\n"
    assert [len(part) for part in corpus.parts] == [12, 2, 3]
    assert "CC BY-SA" in corpus.described()


def test_shakespeare_is_prepared_in_the_parts_of_tfds(tmp_path, server, monkeypatch):
    text = (TEXT * 500)[: 1_003_854 + 2 * 55_770]
    file = RemoteFile("input.txt", len(text), hashlib.sha256(text.encode()).hexdigest())
    source = dataclasses.replace(
        corpus_sources.TINY_SHAKESPEARE, mirrors=(server.url,), files=(file,)
    )
    monkeypatch.setattr(corpora, "TINY_SHAKESPEARE", source)
    server.files = {"input.txt": text.encode()}
    corpus = corpora.load("auto", tmp_path)
    assert [len(part) for part in corpus.parts] == [1_003_854, 55_770, 55_770]
    assert corpus.symbols.decode(np.concatenate(corpus.parts)) == text
    server.files = {}
    again = corpora.load("tiny_shakespeare", tmp_path)
    assert again.origin.startswith("the prepared TFDS folder")
    np.testing.assert_array_equal(again.test, corpus.test)


def test_brackets_stand_in_loudly(monkeypatch):
    def nowhere(*_):
        raise DataUnavailableError("No server gave it.")

    monkeypatch.setitem(corpora._READERS, "tiny_shakespeare", nowhere)
    monkeypatch.setattr(corpora, "BRACKETS_SIZES", {"train": 300, "validation": 20, "test": 30})
    corpus = corpora.load("auto")
    assert corpus.warning is not None
    assert corpus.warning.startswith("NO TEXT IS USED: 350 brackets written by a program stand in")
    assert corpus.best_loss == pytest.approx(1.1558, abs=1e-4)
    assert corpora.load("brackets").warning is None
    with pytest.raises(DataUnavailableError):
        corpora.load("tiny_shakespeare")
    with pytest.raises(DataUnavailableError):
        corpora.load("auto", "folder")
    with pytest.raises(DataError, match="There is no data set 'poems'"):
        corpora.load("poems")
