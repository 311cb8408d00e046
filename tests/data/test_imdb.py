from __future__ import annotations

import tarfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rnnjax.data import imdb, reviews_grammar
from rnnjax.data.imdb import load
from rnnjax.data.review_records import IMDB, review_examples
from rnnjax.data.source import Source
from rnnjax.data.text import START, UNKNOWN
from rnnjax.errors import DataError, DataUnavailableError
from tests.data.local_server import LocalServer
from tests.data.synthetic_reviews import (
    ARCHIVE,
    REVIEWS,
    assert_same,
    by_digest,
    make_archive,
    make_source,
    put_by_hand,
    rows,
)
from tests.data.tfrecord_folder import as_tfrecord


@pytest.fixture
def review_server() -> Iterator[LocalServer]:
    server = LocalServer({ARCHIVE: make_archive()})
    yield server
    server.close()


@pytest.fixture
def reviews(review_server: LocalServer) -> Source:
    return make_source(review_server.files[ARCHIVE], review_server.url)


@pytest.fixture
def root(reviews: Source, tmp_path: Path) -> Path:
    """A TFDS folder with the reviews prepared in it."""
    load("imdb_reviews", tmp_path / "tfds", cache_dir=tmp_path / "first_cache", source=reviews)
    return tmp_path / "tfds"


def test_downloads_prepares_and_tokenises(
    review_server: LocalServer, reviews: Source, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    told: list[tuple[str, int, int | None]] = []
    data = load(data_dir=tmp_path / "new", source=reviews, progress=lambda *args: told.append(args))
    folder = tmp_path / "new" / "imdb_reviews" / "plain_text" / "1.0.0"
    assert (data.name, data.warning, data.best_accuracy) == ("imdb_reviews", None, None)
    assert data.origin == f"{review_server.url}, prepared in {folder}"
    for split in ("train", "test"):
        texts, labels = zip(*by_digest(split), strict=True)
        assert tuple(getattr(data, f"{split}_texts")) == texts
        assert getattr(data, f"{split}_labels").dtype == np.int32
        assert tuple(getattr(data, f"{split}_labels")) == labels
    assert {what for what, done, total in told if done == total} >= {
        "preparing imdb_reviews unsupervised",
        "reading imdb_reviews test",
        "ranking the words of imdb_reviews",
        "splitting imdb_reviews test into words",
    }
    assert capfd.readouterr() == ("", "")


def test_words_are_ranked_on_the_training_reviews_alone(root: Path, reviews: Source) -> None:
    data = load(data_dir=root, source=reviews)
    assert data.vocabulary.words[:3] == ("a", "film", "good")
    # "surprise" and "no" are in a test review only, "zebras" in the reviews without label only.
    assert set(data.vocabulary.words) == {
        "a",
        "wonderful",
        "film",
        "br",
        "très",
        "bien",
        "to",
        "see",
        "i'm",
        "still",
        "smiling",
        "good",
        "terrible",
        "one",
        "i",
        "left",
        "wanted",
        "and",
        "got",
        "2",
        "hours",
        "of",
        "it",
    }
    assert dict(zip(data.test_texts, rows(data.test), strict=True))["?!"] == [START]
    assert {data.vocabulary.decode(row) for row in rows(data.test)} == {
        "<start> a wonderful <unknown>",
        "<start>",
        "<start> <unknown> film terrible terrible",
    }
    assert UNKNOWN not in data.train.values


def test_tokens_and_labels_belong_to_the_texts(root: Path, reviews: Source) -> None:
    data = load(data_dir=root, source=reviews)
    for tokens, texts in ((data.train, data.train_texts), (data.test, data.test_texts)):
        assert tokens.values.dtype == np.int32
        assert rows(tokens) == [data.vocabulary.encode(text) for text in texts]
    place = list(data.train_texts).index("A terrible one.")
    assert data.train_labels[place] == 0
    assert data.vocabulary.decode(data.train[place]) == "<start> a terrible one"
    assert data.train_texts[place : place + 1] == [data.train_texts[place - 8]]


def test_order_depends_on_the_texts_alone(root: Path, reviews: Source, tmp_path: Path) -> None:
    expected = load(data_dir=root, source=reviews)
    # TFDS sorts by a hash of the name, so that other names give another order of the records.
    renamed = {name.replace(".txt", "x.txt"): text for name, text in reversed(REVIEWS.items())}
    other = put_by_hand(make_archive(renamed), tmp_path / "other")
    assert_same(load(data_dir=tmp_path / "other", source=other), expected)
    shard = "imdb_reviews/plain_text/1.0.0/imdb_reviews-train.array_record-00000-of-00001"
    assert (tmp_path / "other" / shard).read_bytes() != (root / shard).read_bytes()


@pytest.mark.parametrize("shards", [1, 3])
def test_tfrecord_folder_is_read(root: Path, reviews: Source, tmp_path: Path, shards: int) -> None:
    expected = load(data_dir=root, source=reviews, cache_dir=tmp_path / "first_cache")
    texts = list(expected.train_texts)
    as_tfrecord(root / "imdb_reviews" / "plain_text" / "1.0.0", shards)
    data = load(data_dir=root, source=reviews)
    assert list(data.train_texts) == texts
    assert_same(data, expected)


def test_prepared_folder_itself_is_found(
    root: Path, reviews: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = root / "imdb_reviews" / "plain_text" / "1.0.0"
    data = load(data_dir=folder, source=reviews)
    assert (len(data.train), data.origin) == (8, f"the prepared TFDS folder {folder}")
    monkeypatch.setenv("TFDS_DATA_DIR", str(root))
    assert_same(load(source=reviews), data)


def test_stock_builder_reads_what_was_prepared(root: Path) -> None:
    import tensorflow_datasets as tfds

    ours: Any = tfds.builder_from_directory(root / "imdb_reviews" / "plain_text" / "1.0.0").info
    stock: Any = tfds.builder("imdb_reviews", data_dir=root).info
    assert ours.supervised_keys == stock.supervised_keys == ("text", "label")
    assert repr(ours.features) == repr(stock.features)
    assert ours.features["label"].names == stock.features["label"].names == ["neg", "pos"]
    read = {}
    for split in ("train", "test", "unsupervised"):
        records: Any = tfds.data_source("imdb_reviews", split=split, data_dir=root, download=False)
        read[split] = sorted((record["text"].decode(), record["label"]) for record in records)
    assert read == {
        "train": sorted(by_digest("train")),
        "test": sorted(by_digest("test")),
        "unsupervised": [("Zebras galore.", -1), ("Zebras. Wonderful zebras.", -1)],
    }


def test_keys_are_those_of_the_stock_builder(tmp_path: Path) -> None:
    import tensorflow_datasets as tfds

    archive = tmp_path / ARCHIVE
    archive.write_bytes(make_archive())
    stock: Any = tfds.builder("imdb_reviews", data_dir=tmp_path)

    def members() -> Iterator[tuple[str, Any]]:
        with tarfile.open(archive) as opened:
            for member in opened:
                if member.isfile():
                    yield member.name, opened.extractfile(member)

    ours = review_examples(make_source(archive.read_bytes()), {ARCHIVE: archive})
    for split, folder, labeled in (
        ("train", "aclImdb/train", True),
        ("test", "aclImdb/test", True),
        ("unsupervised", "aclImdb/train", False),
    ):
        assert list(ours[split]) == list(
            stock._generate_examples(members(), folder, labeled=labeled)
        )


def test_published_source_is_that_of_tfds() -> None:
    import tensorflow_datasets as tfds

    stock: Any = tfds.builder_cls("imdb_reviews")
    (file,) = IMDB.files
    assert stock.url_infos.keys() == {IMDB.mirrors[0] + file.name}
    (published,) = stock.url_infos.values()
    assert (published.size, published.checksum) == (file.size, file.sha256)
    (config,) = stock.BUILDER_CONFIGS
    assert (config.name, str(config.version)) == (IMDB.config, IMDB.version)
    assert dict(IMDB.splits) == {"train": 25_000, "test": 25_000, "unsupervised": 50_000}


def test_second_start_reads_the_cache_alone(
    review_server: LocalServer, reviews: Source, root: Path, tmp_path: Path
) -> None:
    cache = tmp_path / "first_cache"
    told: list[tuple[str, int, int | None]] = []
    first = load(data_dir=root, source=reviews)
    data = load(
        data_dir=root, source=reviews, cache_dir=cache, progress=lambda *args: told.append(args)
    )
    assert_same(data, first)
    assert (told, review_server.downloads(ARCHIVE)) == ([], 2)  # the question and the transfer
    assert len(list(cache.glob("*.npz"))) == 3


def test_texts_are_read_when_they_are_asked_for(
    reviews: Source, root: Path, tmp_path: Path
) -> None:
    cache = tmp_path / "first_cache"
    for path in cache.glob("*-texts-*"):
        path.unlink()
    data = load(data_dir=root, source=reviews, cache_dir=cache)
    assert list(cache.glob("*-texts-*.npz")) == []
    assert tuple(data.test_texts) == tuple(text for text, _ in by_digest("test"))
    assert len(list(cache.glob("*-test-texts-*.npz"))) == 1
    assert data.test_texts is data.test_texts


@pytest.mark.parametrize(
    ("version", "rewritten"),
    [("_TOKENIZER", ["tokens"]), ("_DECODER", ["test-texts", "tokens", "train-texts"])],
)
def test_cache_of_other_code_is_not_taken(
    reviews: Source,
    root: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    version: str,
    rewritten: list[str],
) -> None:
    cache = tmp_path / "first_cache"
    before = set(cache.glob("*.npz"))
    monkeypatch.setattr(imdb, version, 99)
    load(data_dir=root, source=reviews, cache_dir=cache)
    made = sorted(path.name for path in set(cache.glob("*.npz")) - before)
    assert [name.split("1.0.0-")[1].rpartition("-")[0] for name in made] == rewritten


def test_grammar() -> None:
    data = load("grammar")
    assert (data.name, data.warning, data.best_accuracy) == ("grammar", None, 1.0)
    assert (len(data.train), len(data.test)) == (8_000, 2_000)
    for labels in (data.train_labels, data.test_labels):
        assert labels.dtype == np.int32
        assert labels.mean() == 0.5
    assert abs(data.train_labels[:4_000].mean() - 0.5) < 0.03
    texts, labels = reviews_grammar.generate(2_000, seed=1)
    assert list(data.test_texts) == texts
    np.testing.assert_array_equal(data.test_labels, labels)
    assert data.train_texts[0] != data.test_texts[0]
    assert rows(data.train)[-1] == data.vocabulary.encode(data.train_texts[-1])
    assert UNKNOWN not in data.test.values
    assert_same(load("grammar"), data)


def test_auto_falls_back_on_the_grammar_and_says_so(closed_url: str) -> None:
    data = load("auto", source=make_source(make_archive(), closed_url))
    assert (data.name, len(data.train)) == ("grammar", 8_000)
    assert data.warning is not None
    assert data.warning.startswith("IMDB IS NOT USED: 10,000 reviews")
    assert f"{closed_url}: Connection refused" in data.warning
    assert data.warning.endswith("To insist on IMDB, say --dataset=imdb_reviews.")


@pytest.mark.parametrize("dataset", ["imdb_reviews", "auto"])
def test_named_folder_without_data_or_network_fails_in_one_message(
    closed_url: str, tmp_path: Path, dataset: str
) -> None:
    offline = make_source(make_archive(), closed_url)
    with pytest.raises(DataUnavailableError) as caught:
        load(dataset, tmp_path / "named", source=offline)
    for part in (
        f"not prepared in {tmp_path / 'named' / 'imdb_reviews'}",
        ARCHIVE,
        "--data_dir",
        f"{closed_url}: Connection refused",
    ):
        assert part in str(caught.value)
    assert not (tmp_path / "named").exists()


def test_insisting_on_imdb_fails_without_it(closed_url: str) -> None:
    with pytest.raises(DataUnavailableError, match="Connection refused"):
        load("imdb_reviews", source=make_source(make_archive(), closed_url))


def test_silent_server_is_given_up(review_server: LocalServer, reviews: Source) -> None:
    review_server.silent = True
    started = time.monotonic()
    assert load("auto", source=reviews, timeout=0.3).name == "grammar"
    assert time.monotonic() - started < 5


def test_unknown_name_is_refused() -> None:
    with pytest.raises(DataError, match="no data set 'imbd'; take one of auto, imdb_reviews, gram"):
        load("imbd")
