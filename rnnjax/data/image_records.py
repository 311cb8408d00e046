"""Images as IDX files, as the records of TFDS and as arrays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from rnnjax.data.examples import IMAGE, LABEL
from rnnjax.data.idx import read_idx
from rnnjax.data.image_sources import DIGITS, ImageSource
from rnnjax.data.png import grey_png, read_grey_png
from rnnjax.data.reading import UnusableError
from rnnjax.data.records import published_order, read_examples
from rnnjax.data.source import Progress, damaged_download

_FILES = {
    "train": ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"),
    "test": ("t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"),
}


_HEIGHT, _WIDTH = 28, 28
_FEATURES = {"image": IMAGE, "label": LABEL}


def image_features(source: ImageSource) -> Any:
    """Returns the TFDS features of ``source``, the same as those of the stock builder."""
    import tensorflow_datasets as tfds

    # The stock builder of MNIST gives the number of its classes, that of Fashion-MNIST the names.
    labels = (
        tfds.features.ClassLabel(num_classes=10)
        if source.class_names == DIGITS
        else tfds.features.ClassLabel(names=source.class_names)
    )
    return tfds.features.FeaturesDict(
        {"image": tfds.features.Image(shape=(_HEIGHT, _WIDTH, 1)), "label": labels}
    )


def image_examples(
    source: ImageSource, paths: Mapping[str, Path]
) -> dict[str, Iterator[tuple[int, dict[str, Any]]]]:
    """Returns for every split the examples for TFDS.

    Args:
        source: What the files must hold.
        paths: The paths of the four IDX files by name.

    Raises:
        DataError: While the examples are taken: a file is damaged or holds something else.
    """
    sizes = dict(source.splits)
    return {
        split: _split_examples(paths[images], paths[labels], sizes[split], len(source.class_names))
        for split, (images, labels) in _FILES.items()
    }


def _split_examples(
    images_path: Path, labels_path: Path, size: int, num_classes: int
) -> Iterator[tuple[int, dict[str, Any]]]:
    images = read_idx(images_path, (size, _HEIGHT, _WIDTH))
    labels = read_idx(labels_path, (size,))
    if labels.max() >= num_classes:
        raise damaged_download(labels_path, f"it has the label {labels.max()}")
    for index, (image, label) in enumerate(zip(images, labels, strict=True)):
        yield index, {"image": grey_png(image), "label": int(label)}


def decode_images(
    source: ImageSource, folder: Path, progress: Progress | None
) -> dict[str, np.ndarray]:
    """Returns the arrays of a prepared folder: ``train_images``, ``train_labels`` and so on.

    Args:
        source: The data set that the folder must hold.
        folder: The prepared folder.
        progress: Told the number of images.

    Raises:
        DataError: The folder is damaged or holds something else.
    """
    arrays = {}
    for split, size in source.splits:
        images = np.empty((size, _HEIGHT, _WIDTH), np.uint8)
        labels = np.empty(size, np.int32)
        examples = read_examples(
            source, folder, split, _FEATURES, lambda values: _decode(source, values)
        )
        places = published_order(split, size)
        for done, (place, example) in enumerate(zip(places, examples, strict=True), start=1):
            images[place], labels[place] = example
            if progress is not None and (done % 1000 == 0 or done == size):
                progress(f"decoding {source.name} {split}", done, size)
        arrays |= {f"{split}_images": images, f"{split}_labels": labels}
    return arrays


def _decode(source: ImageSource, values: Mapping[str, Any]) -> tuple[np.ndarray, int]:
    if values["label"] not in range(len(source.class_names)):
        raise UnusableError(
            f"its label is {values['label']}, where 0 to {len(source.class_names) - 1} was expected"
        )
    return read_grey_png(values["image"], _HEIGHT, _WIDTH), values["label"]
