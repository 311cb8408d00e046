"""Film reviews from IMDB as indices of words, and generated ones for where there is no network.

Andrew L. Maas, Raymond E. Daly, Peter T. Pham, Dan Huang, Andrew Y. Ng and Christopher Potts:
Learning Word Vectors for Sentiment Analysis, ACL 2011, pages 142-150.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple, cast

import numpy as np

from rnnjax.data import reviews_grammar
from rnnjax.data.packed_texts import PackedTexts
from rnnjax.data.prepare import find_or_prepare
from rnnjax.data.prepared_cache import PreparedCache
from rnnjax.data.ragged import Padded, Ragged, Side, pad
from rnnjax.data.review_records import IMDB, read_reviews, review_examples, review_features
from rnnjax.data.source import Progress, Source
from rnnjax.data.stand_in import check_dataset, or_stand_in
from rnnjax.data.text import Vocabulary, limit_words
from rnnjax.errors import DataUnavailableError, UsageError

# Raise the first when other texts or another order come out of the same records, the second when
# other indices come out of the same texts.
_DECODER = 1
_TOKENIZER = 1

Split = Literal["train", "test"]
_SPLITS: tuple[Split, ...] = ("train", "test")
DATASETS = ("auto", "imdb_reviews", "grammar")
GRAMMAR_SIZES: Mapping[Split, int] = {"train": 8_000, "test": 2_000}


class ReviewDataset(NamedTuple):
    """Labelled film reviews as indices of words, split for training and testing.

    Every word of the training text has an index of its own, so that
    `rnnjax.data.text.limit_words` serves any smaller vocabulary; each review begins with
    `rnnjax.data.text.START`.

    Attributes:
        name: The data really used: ``"imdb_reviews"`` or ``"grammar"``.
        train: N reviews as indices. Those of IMDB are sorted by the SHA-256 of their text, which
            mixes the labels: the first half is as good a sample as any, on every machine the same.
            Generated ones come in the order of writing, which is random too.
        train_labels: int32 ``[N]``: 1 is positive, 0 negative.
        test: Like ``train``; a word that does not occur in training is
            `rnnjax.data.text.UNKNOWN`.
        test_labels: Like ``train_labels``.
        vocabulary: The words of the training text, all of them.
        origin: One phrase that says where the data came from.
        warning: Where other data than IMDB stands in for it, the sentence that says so.
        best_accuracy: What the best possible reader reaches, where that is known.
        read_texts: Gives the original texts of a split; `train_texts` and `test_texts` call it.
    """

    name: str
    train: Ragged
    train_labels: np.ndarray
    test: Ragged
    test_labels: np.ndarray
    vocabulary: Vocabulary
    origin: str
    warning: str | None
    best_accuracy: float | None
    read_texts: Callable[[Split], PackedTexts]

    @property
    def train_texts(self) -> PackedTexts:
        """The original texts, in the order of ``train``; read when they are first asked for.

        Raises:
            DataError: They have to be read from the prepared folder again, and cannot be.
        """
        return self.read_texts("train")

    @property
    def test_texts(self) -> PackedTexts:
        """The original texts, in the order of ``test``; as for `train_texts`."""
        return self.read_texts("test")

    def num_validation(self, asked: int) -> int:
        """How many of the training reviews, the first ones, are for validation.

        Args:
            asked: so many, but at most half of a stand-in, which is smaller than what was asked
                for.

        Raises:
            UsageError: it leaves none to train on.
        """
        there = len(self.train)
        count = asked if self.warning is None else min(asked, there // 2)
        if count >= there:
            raise UsageError(
                f"--num_validation={count} leaves none of the {there} training reviews."
            )
        return count

    def described(self, num_words: int) -> str:
        """How many reviews there are, one as indices and as words, the longest and the shortest."""
        lengths, first = self.train.lengths, limit_words(self.train[0][:20], num_words)
        label = "favourable" if self.train_labels[0] else "unfavourable"
        return (
            f"reviews  {len(self.train):,} to train, {len(self.test):,} to test; the longest has "
            f"{lengths.max():,} words, the shortest {lengths.min():,}\n"
            f"indices  {' '.join(map(str, first))} …\n"
            f"words    {self.vocabulary.decode(first)} … ({label})"
        )


def padded(reviews: Ragged, length: int, num_words: int, padding: str) -> Padded:
    """The most frequent words only, at one length; a longer review keeps its last words.

    Args:
        reviews: as indices.
        length: T.
        num_words: the size of the vocabulary, the four special indices included.
        padding: where zeros are added, "pre" or "post".
    """
    limited = Ragged(limit_words(reviews.values, num_words), reviews.offsets)
    return pad(limited, length, padding=cast(Side, padding), truncating="pre")


def load(
    dataset: str = "auto",
    data_dir: str | os.PathLike[str] | None = None,
    *,
    cache_dir: str | os.PathLike[str] | None = None,
    timeout: float = 4.0,
    progress: Progress | None = None,
    source: Source = IMDB,
) -> ReviewDataset:
    """Returns the labelled reviews of IMDB, or generated ones.

    A prepared TFDS folder is read if there is one; otherwise the original archive is downloaded,
    verified and prepared there. The indices and the texts are cached.

    Args:
        dataset: ``"imdb_reviews"``, ``"grammar"`` (`rnnjax.data.reviews_grammar`), or ``"auto"``:
            IMDB, and where it is neither here nor to be had, the grammar with a ``warning``. A
            ``data_dir`` is a wish for what it holds, so that with one ``"auto"`` is
            ``"imdb_reviews"``; and prepared data that is damaged is always an error.
        data_dir: The TFDS folder, or the prepared folder itself; as in TFDS, it is otherwise
            ``$TFDS_DATA_DIR`` or ``~/tensorflow_datasets``. One that is empty or does not exist is
            where a download is prepared.
        cache_dir: Where indices and texts are kept; by default the user's cache folder.
        timeout: Seconds within which a server has to begin to answer.
        progress: Told how far downloads and preparation are.
        source: Where the reviews are published, for a mirror of one's own.

    Raises:
        DataUnavailableError: The data is neither here nor to be had.
        DataError: ``dataset`` is unknown, or the data is unusable.
    """
    check_dataset(dataset, DATASETS)
    if dataset == "grammar":
        return _grammar(None)

    def made_up(error: DataUnavailableError) -> ReviewDataset:
        return _grammar(
            f"IMDB IS NOT USED: {sum(GRAMMAR_SIZES.values()):,} reviews written by a "
            "small grammar stand in for it, and the results cannot be compared with "
            f"IMDB's. {error} To insist on IMDB, say --dataset=imdb_reviews."
        )

    return or_stand_in(
        dataset, data_dir, lambda: _imdb(source, data_dir, cache_dir, timeout, progress), made_up
    )


def _imdb(
    source: Source,
    data_dir: str | os.PathLike[str] | None,
    cache_dir: str | os.PathLike[str] | None,
    timeout: float,
    progress: Progress | None,
) -> ReviewDataset:
    folder, origin = find_or_prepare(
        source,
        data_dir,
        review_features,
        lambda paths: review_examples(source, paths),
        timeout=timeout,
        progress=progress,
    )
    cache = PreparedCache(source, folder, _SPLITS, cache_dir)

    def reviews(split: Split) -> dict[str, np.ndarray]:
        return cache.load_or_build(
            f"{split}-texts",
            {"decoder": _DECODER, "split": split},
            lambda: read_reviews(source, folder, split, progress),
        )

    def build() -> dict[str, np.ndarray]:
        stored: dict[Split, dict[str, np.ndarray]] = {split: reviews(split) for split in _SPLITS}
        return _tokenise(
            source.name,
            {split: _texts(arrays) for split, arrays in stored.items()},
            {split: arrays["labels"] for split, arrays in stored.items()},
            progress,
        )

    arrays = cache.load_or_build("tokens", {"decoder": _DECODER, "tokenizer": _TOKENIZER}, build)
    return _dataset(
        arrays,
        name=source.name,
        origin=origin,
        warning=None,
        best_accuracy=None,
        read_texts=functools.cache(lambda split: _texts(reviews(split))),
    )


def _texts(stored: Mapping[str, np.ndarray]) -> PackedTexts:
    return PackedTexts(Ragged(stored["utf8"], stored["offsets"]))


def _grammar(warning: str | None) -> ReviewDataset:
    texts: dict[Split, PackedTexts] = {}
    labels: dict[Split, np.ndarray] = {}
    for seed, (split, size) in enumerate(GRAMMAR_SIZES.items()):
        written, labels[split] = reviews_grammar.generate(size, seed)
        texts[split] = PackedTexts.pack(written)
    return _dataset(
        _tokenise("grammar", texts, labels, None),
        name="grammar",
        origin="a small grammar of film reviews",
        warning=warning,
        best_accuracy=reviews_grammar.best_accuracy(),
        read_texts=texts.__getitem__,
    )


def _tokenise(
    name: str,
    texts: Mapping[Split, PackedTexts],
    labels: Mapping[Split, np.ndarray],
    progress: Progress | None,
) -> dict[str, np.ndarray]:
    vocabulary = Vocabulary.build(counted(texts["train"], f"ranking the words of {name}", progress))
    arrays = {"vocabulary": np.frombuffer(vocabulary.to_json().encode(), np.uint8)}
    for split in _SPLITS:
        tokens = vocabulary.encode_all(
            counted(texts[split], f"splitting {name} {split} into words", progress)
        )
        arrays |= {
            f"{split}_values": tokens.values,
            f"{split}_offsets": tokens.offsets,
            f"{split}_labels": labels[split],
        }
    return arrays


def counted(texts: Sequence[str], what: str, progress: Progress | None) -> Iterator[str]:
    """The texts, one by one, with how many there were told."""
    for done, text in enumerate(texts, start=1):
        yield text
        if progress is not None and (done % 1000 == 0 or done == len(texts)):
            progress(what, done, len(texts))


def _dataset(arrays: Mapping[str, np.ndarray], **rest: Any) -> ReviewDataset:
    return ReviewDataset(
        **{
            split: Ragged(arrays[f"{split}_values"], arrays[f"{split}_offsets"])
            for split in _SPLITS
        },
        **{f"{split}_labels": arrays[f"{split}_labels"] for split in _SPLITS},
        vocabulary=Vocabulary.from_json(arrays["vocabulary"].tobytes().decode()),
        **rest,
    )
