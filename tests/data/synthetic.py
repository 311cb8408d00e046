"""A small data set in the format of MNIST."""

from __future__ import annotations

import dataclasses
import gzip
import hashlib
import struct

import numpy as np

from rnnjax.data.image_sources import MNIST, ImageSource
from rnnjax.data.mnist import ImageDataset
from rnnjax.data.source import RemoteFile

Arrays = dict[str, np.ndarray]
SIZES = {"train": 40, "test": 12}
_PREFIXES = {"train": "train", "test": "t10k"}


def idx_bytes(array: np.ndarray) -> bytes:
    """The array of unsigned bytes as an unpacked IDX file."""
    header = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return header + array.tobytes()


def make_arrays(seed: int = 0) -> Arrays:
    """Random images, of which no two are equal, and labels."""
    rng = np.random.default_rng(seed)
    arrays = {}
    for split, size in SIZES.items():
        arrays[f"{split}_images"] = rng.integers(0, 256, (size, 28, 28)).astype(np.uint8)
        arrays[f"{split}_labels"] = rng.integers(0, 10, size).astype(np.int32)
    return arrays


def make_files(arrays: Arrays) -> dict[str, bytes]:
    """The four gzipped IDX files by name."""
    files = {}
    for split, prefix in _PREFIXES.items():
        for kind, name in (("images", "images-idx3"), ("labels", "labels-idx1")):
            data = idx_bytes(arrays[f"{split}_{kind}"].astype(np.uint8))
            files[f"{prefix}-{name}-ubyte.gz"] = gzip.compress(data, mtime=0)
    return files


def make_source(files: dict[str, bytes], *mirrors: str, like: ImageSource = MNIST) -> ImageSource:
    """A source with these files, published on the mirrors."""
    remote = tuple(
        RemoteFile(name, len(data), hashlib.sha256(data).hexdigest())
        for name, data in files.items()
    )
    return dataclasses.replace(like, files=remote, mirrors=mirrors, splits=tuple(SIZES.items()))


def assert_holds(data: ImageDataset, arrays: Arrays) -> None:
    for name, expected in arrays.items():
        actual = getattr(data, name)
        assert actual.dtype == expected.dtype
        np.testing.assert_array_equal(actual, expected)
