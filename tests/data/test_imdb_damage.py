from __future__ import annotations

import dataclasses
import gzip
import shutil
import zlib
from pathlib import Path

import pytest

from rnnjax.data.imdb import load
from rnnjax.data.source import Source
from rnnjax.errors import DataError, DataUnavailableError
from tests.data.synthetic_reviews import (
    ARCHIVE,
    REVIEWS,
    SIZES,
    assert_same,
    make_archive,
    put_by_hand,
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "tfds"


@pytest.fixture
def reviews(root: Path, tmp_path: Path) -> Source:
    """The reviews, prepared in `root`."""
    source = put_by_hand(make_archive(), root)
    load("imdb_reviews", root, cache_dir=tmp_path / "first_cache", source=source)
    return source


@pytest.mark.parametrize("kind", ["tokens", "train-texts", "test-texts"])
def test_damaged_cache_is_made_again(
    reviews: Source, root: Path, tmp_path: Path, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    cache = tmp_path / "first_cache"
    expected = load(data_dir=root, source=reviews)
    (path,) = cache.glob(f"*-{kind}-*.npz")
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    assert_same(load(data_dir=root, source=reviews, cache_dir=cache), expected)
    assert f"The cache {path} is damaged" in caplog.text
    assert path.read_bytes() == whole


def test_texts_of_the_other_split_are_not_believed(
    root: Path, reviews: Source, tmp_path: Path
) -> None:
    cache = tmp_path / "first_cache"
    (train,), (test,) = cache.glob("*-train-texts-*.npz"), cache.glob("*-test-texts-*.npz")
    shutil.copy(test, train)
    data = load(data_dir=root, source=reviews, cache_dir=cache)
    assert (len(data.train_texts), len(data.test_texts)) == (8, 3)


def test_changed_folder_is_read_again(root: Path, reviews: Source, tmp_path: Path) -> None:
    (shard,) = reviews.folder(root).glob("*-test.*")
    shard.write_bytes(shard.read_bytes()[:3000])
    with pytest.raises(DataError, match=r"imdb_reviews-test.* cannot be read"):
        load(data_dir=root, source=reviews, cache_dir=tmp_path / "first_cache")


def without(name: str) -> dict[str, str]:
    return {other: text for other, text in REVIEWS.items() if other != name}


def begun() -> bytes:
    """The unpacked archive up to the middle of a long review."""
    unpacked = gzip.decompress(make_archive({"train/pos/0_9.txt": "good " * 200_000}))
    return unpacked[: len(unpacked) // 2]


def overwritten() -> bytes:
    """An archive whose compressed bytes become nonsense in the middle of a review."""
    compressor = zlib.compressobj(wbits=16 + zlib.MAX_WBITS)
    flushed = compressor.compress(begun()) + compressor.flush(zlib.Z_FULL_FLUSH)
    return flushed + b"\xff" * 2000


NOT_WHOLE = r"is damaged: it(s member .*)? (cannot be read|is cut off)"
BROKEN_ARCHIVES = {
    "truncated": (
        make_archive()[:-200],
        NOT_WHOLE,
    ),
    "overwritten": (
        overwritten(),
        NOT_WHOLE,
    ),
    "followed by nonsense": (
        gzip.compress(begun()) + b"nonsense",
        NOT_WHOLE,
    ),
    "empty": (b"", NOT_WHOLE),
    "no gzip": (
        b"<html>Moved</html>",
        NOT_WHOLE,
    ),
    "no tar": (
        gzip.compress(b"text" * 500),
        NOT_WHOLE,
    ),
    "too few": (make_archive(without("test/neg/0_1.txt")), "holds 2 reviews of the split 'test'"),
    "too many": (
        make_archive({**REVIEWS, "train/unsup/2_0.txt": "More."}),
        "holds 3 reviews of the split 'unsupervised' instead of 2",
    ),
}


@pytest.mark.parametrize("kind", BROKEN_ARCHIVES)
@pytest.mark.parametrize("dataset", ["imdb_reviews", "auto"])
def test_broken_archive_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, dataset: str
) -> None:
    archive, message = BROKEN_ARCHIVES[kind]
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "tfds"))
    source = put_by_hand(archive, tmp_path / "tfds")
    with pytest.raises(DataError, match=message) as caught:
        load(dataset, source=source)
    assert not isinstance(caught.value, DataUnavailableError)
    assert str(source.download_folder(tmp_path / "tfds") / ARCHIVE) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not source.folder(tmp_path / "tfds").exists()


def test_review_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    contents = {name: text.encode() for name, text in REVIEWS.items()}
    contents["test/neg/1_1.txt"] = b"caf\xe9"
    source = put_by_hand(make_archive(contents), tmp_path)
    with pytest.raises(DataError, match=r"test/neg/1_1.txt': its text is not UTF-8"):
        load(data_dir=tmp_path, source=source)


def test_review_without_label_is_refused(root: Path, reviews: Source) -> None:
    folder = reviews.folder(root)
    shard = "imdb_reviews-{}.array_record-00000-of-00001"
    shutil.copy(folder / shard.format("unsupervised"), folder / shard.format("test"))
    info = folder / "dataset_info.json"
    info.write_text(info.read_text().replace('"3"', '"2"'))
    source = dataclasses.replace(reviews, splits=(*SIZES[:1], ("test", 2)))
    with pytest.raises(DataError, match=r"record 0 of .*test.*: its label is -1"):
        load(data_dir=root, source=source)


@pytest.mark.parametrize("dataset", ["imdb_reviews", "auto"])
def test_damaged_folder_is_refused(
    root: Path, reviews: Source, monkeypatch: pytest.MonkeyPatch, dataset: str
) -> None:
    monkeypatch.setenv("TFDS_DATA_DIR", str(root))
    (shard,) = reviews.folder(root).glob("*-train.*")
    shard.write_bytes(shard.read_bytes()[:3000])
    with pytest.raises(DataError, match=r"is damaged: imdb_reviews-train.* cannot be read"):
        load(dataset, source=reviews)
