"""The handwritten digits that scikit-learn brings along, for where there is no network."""

from __future__ import annotations

from typing import Any

import numpy as np

NUM_TEST = 297


def load_digits() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Returns 1,797 real handwritten digits of 8x8 pixels in a fixed split.

    They are the test part of the UCI set "Optical Recognition of Handwritten Digits" (Alpaydin and
    Kaynak, 1998). The last 297 images test and the first 1,500 train. The images come writer by
    writer, so that hardly a hand that is tested has been seen in training; a shuffled split would
    look better than it is.

    Returns:
        ``train_images, train_labels, test_images, test_labels``: images uint8 ``[N, 8, 8]``, the
        sixteen steps of ink spread to 0..255, and labels int32 ``[N]``.
    """
    # It brings SciPy along and takes a second, which no other data set has need of.
    from sklearn import datasets

    bunch: Any = datasets.load_digits()
    images = np.rint(bunch.images * (255 / 16)).astype(np.uint8)
    labels = bunch.target.astype(np.int32)
    return images[:-NUM_TEST], labels[:-NUM_TEST], images[-NUM_TEST:], labels[-NUM_TEST:]
