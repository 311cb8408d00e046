"""A small data set in the format of the IMDB reviews."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import re
import tarfile
from pathlib import Path

import numpy as np

from rnnjax.data.imdb import ReviewDataset
from rnnjax.data.ragged import Ragged
from rnnjax.data.review_records import IMDB
from rnnjax.data.source import RemoteFile, Source

ARCHIVE = "aclImdb_v1.tar.gz"
# By the names of their files. Two are equal but for the label, one has white space around it, and
# one has no word.
REVIEWS = {
    "train/pos/0_9.txt": "A wonderful film.<br /><br />Très bien, a film to see!",
    "train/pos/1_10.txt": "Wonderful. I'm still smiling.",
    "train/pos/2_7.txt": "A film.",
    "train/pos/3_8.txt": "  Good, good, good\n",
    "train/neg/0_1.txt": "A terrible one.",
    "train/neg/1_2.txt": "A film.",
    "train/neg/2_3.txt": "I left.",
    "train/neg/3_4.txt": "I wanted a film, and got 2 hours of it.",
    "test/pos/0_10.txt": "A wonderful surprise",
    "test/neg/0_1.txt": "?!",
    "test/neg/1_1.txt": "No film: terrible, terrible",
    "train/unsup/0_0.txt": "Zebras galore.",
    "train/unsup/1_0.txt": "Zebras. Wonderful zebras.",
}
SIZES = (("train", 8), ("test", 3), ("unsupervised", 2))


def by_digest(split: str) -> list[tuple[str, int]]:
    """The reviews of a split with their labels, in the documented order."""
    pairs = [
        (text.strip(), int("/pos/" in name))
        for name, text in REVIEWS.items()
        if re.match(f"{split}/(pos|neg)/", name)
    ]
    return sorted(pairs, key=lambda pair: (hashlib.sha256(pair[0].encode()).hexdigest(), pair[1]))


def make_archive(reviews: dict[str, str] | dict[str, bytes] = REVIEWS) -> bytes:
    """The archive as its authors publish it, with the other files that lie in it."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        others = {
            "README": "Read me.",
            "imdb.vocab": "the\nand",
            "train/labeledBow.feat": "9 0:9",
            "train/urls_pos.txt": "http://www.imdb.com/title/tt0453418/usercomments",
        }
        for name, text in {**others, **reviews}.items():
            contents = text if isinstance(text, bytes) else text.encode()
            member = tarfile.TarInfo(f"aclImdb/{name}")
            member.size = len(contents)
            archive.addfile(member, io.BytesIO(contents))
        folder = tarfile.TarInfo("aclImdb/train/pos/")
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
    return packed.getvalue()


def make_source(archive: bytes, *mirrors: str) -> Source:
    file = RemoteFile(ARCHIVE, len(archive), hashlib.sha256(archive).hexdigest())
    return dataclasses.replace(IMDB, files=(file,), mirrors=mirrors, splits=SIZES)


def put_by_hand(archive: bytes, root: Path) -> Source:
    """A source whose archive lies in the folder of downloads, and is published nowhere."""
    source = make_source(archive)
    downloads = source.download_folder(root)
    downloads.mkdir(parents=True)
    (downloads / ARCHIVE).write_bytes(archive)
    return source


def rows(ragged: Ragged) -> list[list[int]]:
    return [ragged[i].tolist() for i in range(len(ragged))]


def assert_same(actual: ReviewDataset, expected: ReviewDataset) -> None:
    for name in ("train", "test"):
        assert rows(getattr(actual, name)) == rows(getattr(expected, name))
        labels, others = getattr(actual, f"{name}_labels"), getattr(expected, f"{name}_labels")
        assert labels.dtype == others.dtype
        np.testing.assert_array_equal(labels, others)
        assert list(getattr(actual, f"{name}_texts")) == list(getattr(expected, f"{name}_texts"))
    assert actual.vocabulary == expected.vocabulary
