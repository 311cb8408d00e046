"""Film reviews as streams of words for a language model, labelled ones and unlabelled ones.

The words are those that `rnnjax.data.imdb` ranks, so that what a language model has learnt about
the word of a number is about the same word for a classifier of reviews.
"""

from __future__ import annotations

import itertools
import os
from typing import NamedTuple

import numpy as np

from rnnjax.data import imdb
from rnnjax.data.packed_texts import PackedTexts
from rnnjax.data.prepare import find_or_prepare
from rnnjax.data.prepared_cache import PreparedCache
from rnnjax.data.ragged import Ragged
from rnnjax.data.review_records import IMDB, read_reviews, review_examples, review_features
from rnnjax.data.source import Progress, Source
from rnnjax.data.symbols import START, UNKNOWN, Symbols
from rnnjax.data.text import Vocabulary, limit_words

NUM_WORDS = 30_000
"""The most frequent words of the labelled training reviews, the four special ones too."""
HELD_OUT = 1_000
"""So many unlabelled reviews, the first ones, validate, and as many after them test."""
SPECIAL = ("<padding>", START, UNKNOWN, "<unused>")

# Raise it when other indices come out of the same texts.
_TOKENIZER = 1


class ReviewStreams(NamedTuple):
    """Reviews one after the other, each begun by `START`.

    Attributes:
        parts: int32 ``[N]`` each: to train, the unlabelled reviews that are not held out and the
            labelled training ones, in an order that depends on their texts alone; to validate; to
            test. The labelled test reviews are in none of them.
        symbols: what their numbers stand for.
        origin: One phrase that says where they came from.
    """

    parts: tuple[np.ndarray, np.ndarray, np.ndarray]
    symbols: Symbols
    origin: str


def symbols_of(vocabulary: Vocabulary) -> Symbols:
    """The words of a vocabulary, with the same numbers, as a language model has them.

    >>> symbols = symbols_of(Vocabulary(("a", "film")))
    >>> symbols.decode([1, 4, 5, 2]), symbols.starts
    ('<start> a film <unk>', (1,))
    """
    return Symbols("word", (*SPECIAL, *vocabulary.words))


def read(
    data_dir: str | os.PathLike[str] | None = None,
    *,
    cache_dir: str | os.PathLike[str] | None = None,
    timeout: float = 4.0,
    progress: Progress | None = None,
    source: Source = IMDB,
    held_out: int = HELD_OUT,
) -> ReviewStreams:
    """Returns the reviews of IMDB, but for the labelled test reviews.

    Args:
        data_dir: as of `rnnjax.data.imdb.load`.
        cache_dir: likewise.
        timeout: likewise.
        progress: likewise.
        source: likewise.
        held_out: how many unlabelled reviews validate, and how many test.

    Raises:
        DataUnavailableError: they are neither here nor to be had.
        DataError: the data is unusable.
    """
    labelled = imdb.load(
        "imdb_reviews", data_dir, cache_dir=cache_dir, timeout=timeout, progress=progress,
        source=source,
    )  # fmt: skip
    folder, _ = find_or_prepare(
        source, data_dir, review_features, lambda paths: review_examples(source, paths),
        timeout=timeout, progress=progress,
    )  # fmt: skip

    def build() -> dict[str, np.ndarray]:
        stored = read_reviews(source, folder, "unsupervised", progress)
        texts = PackedTexts(Ragged(stored["utf8"], stored["offsets"]))
        encoded = labelled.vocabulary.encode_all(
            imdb.counted(texts, f"splitting {source.name} unsupervised into words", progress)
        )
        return {"values": encoded.values, "offsets": encoded.offsets}

    arrays = PreparedCache(source, folder, ("train", "unsupervised"), cache_dir).load_or_build(
        "unlabelled-tokens",
        {"tokenizer": _TOKENIZER, "vocabulary": labelled.vocabulary.digest},
        build,
    )
    unlabelled = Ragged(arrays["values"], arrays["offsets"])
    bounds = unlabelled.offsets[[0, held_out, 2 * held_out, len(unlabelled)]]
    validation, test, rest = (
        unlabelled.values[begin:end] for begin, end in itertools.pairwise(bounds)
    )
    vocabulary = labelled.vocabulary.limited(NUM_WORDS)
    train = np.concatenate((rest, labelled.train.values))
    parts = _limited(train), _limited(validation), _limited(test)
    return ReviewStreams(parts, symbols_of(vocabulary), labelled.origin)


def _limited(words: np.ndarray) -> np.ndarray:
    return limit_words(words, NUM_WORDS).astype(np.int32)
