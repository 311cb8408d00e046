"""Film reviews as the archive of their authors, as the records of TFDS and as arrays."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from rnnjax.data.archive import read_members
from rnnjax.data.examples import LABEL, TEXT
from rnnjax.data.packed_texts import PackedTexts
from rnnjax.data.reading import UnusableError
from rnnjax.data.records import read_examples
from rnnjax.data.source import Progress, RemoteFile, Source, damaged_download

IMDB = Source(
    name="imdb_reviews",
    config="plain_text",
    version="1.0.0",
    splits=(("train", 25_000), ("test", 25_000), ("unsupervised", 50_000)),
    mirrors=(
        "http://ai.stanford.edu/~amaas/data/sentiment/",
        "https://ai.stanford.edu/~amaas/data/sentiment/",
    ),
    # Size and checksum as TFDS records them.
    files=(
        RemoteFile(
            "aclImdb_v1.tar.gz",
            84_125_825,
            "c40f74a18d3b61f90feba1e17730e0d38e8b97c05fde7008942e91923d1658fe",
        ),
    ),
    description="Large Movie Review Dataset: reviews for binary classification of sentiment.",
    homepage="http://ai.stanford.edu/~amaas/data/sentiment/",
    citation="Maas, Daly, Pham, Huang, Ng, Potts: Learning Word Vectors for Sentiment Analysis, "
    "ACL 2011, pages 142-150.",
    supervised_keys=("text", "label"),
)

_FEATURES = {"text": TEXT, "label": LABEL}
CLASS_NAMES = ("neg", "pos")
_NO_LABEL = -1
_MEMBERS = {
    "train": re.compile("aclImdb/train/(neg|pos)/"),
    "test": re.compile("aclImdb/test/(neg|pos)/"),
    "unsupervised": re.compile("aclImdb/train/(unsup)/"),
}


def review_features() -> Any:
    """Returns the TFDS features of the reviews, the same as those of the stock builder."""
    import tensorflow_datasets as tfds

    return tfds.features.FeaturesDict(
        {
            "text": tfds.features.Text(),
            "label": tfds.features.ClassLabel(names=CLASS_NAMES),
        }
    )


def review_examples(
    source: Source, paths: Mapping[str, Path]
) -> dict[str, Iterator[tuple[str, dict[str, Any]]]]:
    """Returns for every split the examples for TFDS, with the keys of the stock builder.

    The archive is read once per split and never unpacked: nothing of it touches the disk.

    Args:
        source: What the archive must hold.
        paths: The path of the one archive, by its name.

    Raises:
        DataError: While the examples are taken: the archive is damaged or lacks a review.
    """
    (path,) = paths.values()
    return {split: _split_examples(path, split, size) for split, size in source.splits}


def _split_examples(path: Path, split: str, size: int) -> Iterator[tuple[str, dict[str, Any]]]:
    found = 0
    for match, contents in read_members(path, _MEMBERS[split]):
        found += 1
        try:
            _check_text(contents)
        except UnusableError as error:
            raise damaged_download(path, f"{match.string[:100]!r}: {error}") from error
        label = _NO_LABEL if match[1] == "unsup" else match[1]
        yield match.string, {"text": contents.strip(), "label": label}
    if found != size:
        raise damaged_download(
            path, f"it holds {found:,} reviews of the split {split!r} instead of {size:,}"
        )


def read_reviews(
    source: Source, folder: Path, split: str, progress: Progress | None
) -> dict[str, np.ndarray]:
    """Returns the reviews of a prepared split in an order that depends on nothing but themselves.

    They are sorted by the SHA-256 of their text. That mixes the labels like a draw by lot, comes
    out the same whichever program prepared the folder, in whichever order and number of files, and
    puts the few reviews that occur twice next to each other, so that cutting off a part for
    validation hardly ever parts them.

    Args:
        source: The data set that the folder must hold.
        folder: The prepared folder.
        split: ``"train"``, ``"test"``, or ``"unsupervised"``, whose labels are -1.
        progress: Told the number of reviews.

    Returns:
        ``utf8`` and ``offsets``, the two arrays of `PackedTexts`, and ``labels``, int32.

    Raises:
        DataError: The folder is damaged or holds something else.
    """
    size = dict(source.splits)[split]
    reviews: list[tuple[bytes, int, bytes]] = []
    decode = _decode_unlabelled if split == "unsupervised" else _decode
    for text, label in read_examples(source, folder, split, _FEATURES, decode):
        reviews.append((hashlib.sha256(text).digest(), label, text))
        if progress is not None and (len(reviews) % 1000 == 0 or len(reviews) == size):
            progress(f"reading {source.name} {split}", len(reviews), size)
    reviews.sort()
    texts = PackedTexts.pack(text for _, _, text in reviews)
    return {
        "utf8": texts.utf8.values,
        "offsets": texts.utf8.offsets,
        "labels": np.array([label for _, label, _ in reviews], np.int32),
    }


def _decode(values: Mapping[str, Any]) -> tuple[bytes, int]:
    if values["label"] not in range(len(CLASS_NAMES)):
        raise UnusableError(f"its label is {values['label']}, where 0 or 1 was expected")
    _check_text(values["text"])
    return values["text"], values["label"]


def _decode_unlabelled(values: Mapping[str, Any]) -> tuple[bytes, int]:
    if values["label"] != _NO_LABEL:
        raise UnusableError(f"its label is {values['label']}, where {_NO_LABEL} was expected")
    _check_text(values["text"])
    return values["text"], values["label"]


def _check_text(text: bytes) -> None:
    try:
        text.decode()
    except UnicodeDecodeError as error:
        raise UnusableError(
            f"its text is not UTF-8 ({error.reason} at byte {error.start:,})"
        ) from error
