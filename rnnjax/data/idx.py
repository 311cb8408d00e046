"""The IDX format in which MNIST and its successors are published."""

from __future__ import annotations

import gzip
import math
import os
import zlib

import numpy as np

from rnnjax.data.source import DataError

_UINT8 = 8


def read_idx(path: str | os.PathLike[str]) -> np.ndarray:
    """Returns the array of unsigned bytes in a gzipped IDX file.

    The file begins with two zero bytes, the type of an element, the number of axes and the length
    of each as a big-endian 32-bit integer (http://yann.lecun.com/exdb/mnist/).

    Args:
        path: A file such as ``train-images-idx3-ubyte.gz``.

    Raises:
        DataError: The file is not such a file, or not a whole one.
    """
    try:
        with gzip.open(path) as file:
            data = file.read()
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(
            f"{path} is no whole gzip file ({error}); remove it, then it is downloaded again."
        ) from error
    if len(data) < 4 or data[:3] != bytes([0, 0, _UINT8]) or len(data) < 4 + 4 * data[3]:
        raise DataError(
            f"{path} is not an IDX file of unsigned bytes; remove it, then it is downloaded again."
        )
    shape = tuple(np.frombuffer(data, ">u4", count=data[3], offset=4).tolist())
    body = np.frombuffer(data, np.uint8, offset=4 + 4 * data[3])
    if body.size != math.prod(shape):
        raise DataError(
            f"{path} holds {body.size:,} bytes where its header announces the shape "
            f"{shape}; remove it, then it is downloaded again."
        )
    return body.reshape(shape)
