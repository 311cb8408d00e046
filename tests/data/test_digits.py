from __future__ import annotations

import numpy as np
from sklearn import datasets

from rnnjax.data.digits import load_digits


def test_split_and_scale() -> None:
    train_images, train_labels, test_images, test_labels = load_digits()
    raw, labels = datasets.load_digits(return_X_y=True)
    assert (len(train_images), len(test_images)) == (1500, 297)
    images = np.concatenate([train_images, test_images])
    assert images.dtype == np.uint8
    assert images.max() == 255
    # By rows: the first eight numbers of a flat image are its top row.
    np.testing.assert_allclose(images.reshape(1797, 64) / 255, raw / 16, atol=0.5 / 255)
    np.testing.assert_array_equal(np.concatenate([train_labels, test_labels]), labels)
    assert train_labels.dtype == np.int32
    # Every digit is tested about equally often.
    assert np.bincount(test_labels).tolist() == [27, 31, 27, 30, 33, 30, 30, 30, 28, 31]
