"""Reviews for a language model: which are in which part, and what their numbers stand for."""

from __future__ import annotations

import hashlib

import pytest

from rnnjax.data import corpora, imdb, review_records, review_streams
from rnnjax.data.reading import UnusableError
from rnnjax.data.review_records import IMDB
from rnnjax.data.text import split_words
from tests.data.synthetic_reviews import REVIEWS, by_digest, make_archive, put_by_hand

UNLABELLED = {f"train/unsup/{i}_0.txt": f"A film, the {i}th of them." for i in range(2, 5)}


@pytest.fixture
def source(tmp_path, monkeypatch):
    found = put_by_hand(make_archive(REVIEWS | UNLABELLED), tmp_path / "tfds")
    sizes = (("train", 8), ("test", 3), ("unsupervised", 5))
    object.__setattr__(found, "splits", sizes)
    monkeypatch.setattr(review_streams, "NUM_WORDS", 12)
    return found


def test_unlabelled_reviews_train_beside_labelled_ones_and_are_held_out(source, tmp_path):
    options = {"data_dir": tmp_path / "tfds", "cache_dir": tmp_path / "cache", "source": source}
    found = review_streams.read(**options, held_out=1)
    labelled = imdb.load("imdb_reviews", **options)
    words = set(labelled.vocabulary.limited(12).words)
    unlabelled = sorted(
        (t for name, t in (REVIEWS | UNLABELLED).items() if "unsup" in name),
        key=lambda text: hashlib.sha256(text.encode()).hexdigest(),
    )

    def shown(texts):
        told = [[w if w in words else "<unk>" for w in split_words(text)] for text in texts]
        return " ".join(" ".join(["<start>", *text]) for text in told)

    train, validation, test = (found.symbols.decode(part) for part in found.parts)
    assert validation == shown(unlabelled[:1])
    assert test == shown(unlabelled[1:2])
    assert train == shown([*unlabelled[2:], *(text for text, _ in by_digest("train"))])
    assert "<unk>" in validation + test + train
    assert found.symbols.starts == (1,)
    assert review_streams.symbols_of(labelled.vocabulary.limited(12)) == found.symbols
    assert len(found.symbols) == 12


def test_what_has_a_label_is_not_among_the_unlabelled(monkeypatch, tmp_path):
    def found(label):
        record = {"text": b"A film.", "label": label}
        monkeypatch.setattr(review_records, "read_examples", lambda *given: [given[-1](record)])
        return review_records.read_reviews(IMDB, tmp_path, "unsupervised", None)

    assert found(-1)["labels"].tolist() == [-1]
    with pytest.raises(UnusableError, match="its label is 1, where -1 was expected"):
        found(1)


def test_they_are_a_corpus(monkeypatch):
    assert "imdb_reviews" in corpora.DATASETS
    symbols = review_streams.symbols_of(imdb.load("grammar").vocabulary)
    part = symbols.encode("<start> a film")
    parts = part, part, part
    monkeypatch.setattr(
        review_streams, "read", lambda *_, **__: review_streams.ReviewStreams(parts, symbols, "x")
    )
    corpus = corpora.load("imdb_reviews", "DIR")
    assert (corpus.name, corpus.symbols.unit) == ("imdb_reviews", "word")
    assert corpus.train is parts[0]
