"""The IDX format in which MNIST and its successors are published."""

from __future__ import annotations

import functools
import gzip
import math
import struct
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from rnnjax.data.reading import UnusableError, read_up_to, reading
from rnnjax.data.source import damaged_download
from rnnjax.storage.files import open_file

_UINT8 = 8


def read_idx(path: Path, shape: Sequence[int]) -> np.ndarray:
    """Returns the array of unsigned bytes in a gzipped IDX file.

    The file begins with two zero bytes, the type of an element, the number of axes and the length
    of each as a big-endian 32-bit integer (http://yann.lecun.com/exdb/mnist/).

    Args:
        path: A file such as ``train-images-idx3-ubyte.gz``.
        shape: What its header must announce; no more than that is unpacked.

    Raises:
        DataError: The file is not such a file, or not a whole one.
    """
    with (
        reading(functools.partial(damaged_download, path), "it"),
        open_file(path) as packed,
        gzip.open(packed) as file,
    ):
        start = read_up_to(file, 4)
        if len(start) < 4 or start[:3] != bytes([0, 0, _UINT8]):
            raise UnusableError("it is not an IDX file of unsigned bytes")
        axes = struct.Struct(f">{start[3]}I")
        lengths = read_up_to(file, axes.size)
        if len(lengths) < axes.size:
            raise UnusableError("it ends within its header")
        if axes.unpack(lengths) != tuple(shape):
            # Up to 255 lengths would make a long sentence.
            found = ", ".join(map(str, axes.unpack(lengths)[:4]))
            more = ", …" if start[3] > 4 else ""
            raise UnusableError(
                f"its header announces the shape ({found}{more}), where {tuple(shape)} was expected"
            )
        size = math.prod(shape)
        body = read_up_to(file, size + 1)
        if len(body) != size:
            found = f"{len(body):,}" if len(body) < size else "more"
            raise UnusableError(f"it holds {found} bytes where its header announces {size:,}")
    return np.frombuffer(body, np.uint8).reshape(shape)
