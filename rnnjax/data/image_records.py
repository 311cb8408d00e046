"""Images as IDX files, as the records of TFDS and as arrays."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from rnnjax.data.idx import read_idx
from rnnjax.data.image_sources import DIGITS, ImageSource
from rnnjax.data.records import damaged, published_order, read_examples
from rnnjax.data.source import Progress

_FILES = {
    "train": ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"),
    "test": ("t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"),
}


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
        {"image": tfds.features.Image(shape=(28, 28, 1)), "label": labels}
    )


def image_examples(paths: Mapping[str, Path]) -> dict[str, Iterator[tuple[int, dict[str, Any]]]]:
    """Returns for every split the examples for TFDS, from the paths of the four IDX files."""
    return {
        split: _split_examples(paths[images], paths[labels])
        for split, (images, labels) in _FILES.items()
    }


def _split_examples(images_path: Path, labels_path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    pairs = zip(read_idx(images_path), read_idx(labels_path), strict=True)
    for index, (image, label) in enumerate(pairs):
        png = io.BytesIO()
        Image.fromarray(image).save(png, format="PNG")
        png.seek(0)
        yield index, {"image": png, "label": int(label)}


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
        images = np.empty((size, 28, 28), np.uint8)
        labels = np.empty(size, np.int32)
        examples = read_examples(source, folder, split, encoded=["image"])
        places = published_order(split, size)
        for done, (place, example) in enumerate(zip(places, examples, strict=True), start=1):
            images[place] = _pixels(folder, example["image"])
            labels[place] = example["label"]
            if progress is not None and (done % 1000 == 0 or done == size):
                progress(f"decoding {source.name} {split}", done, size)
        if labels.min() < 0 or labels.max() >= len(source.class_names):
            raise damaged(folder, f"split {split!r} has a label outside of its classes")
        arrays |= {f"{split}_images": images, f"{split}_labels": labels}
    return arrays


def _pixels(folder: Path, png: bytes) -> np.ndarray:
    try:
        with Image.open(io.BytesIO(png), formats=["PNG"]) as image:
            pixels = np.asarray(image)
    except (OSError, SyntaxError, ValueError) as error:
        raise damaged(folder, f"an image cannot be decoded ({error})") from error
    if pixels.shape != (28, 28) or pixels.dtype != np.uint8:
        raise damaged(
            folder, f"an image is {pixels.dtype} {pixels.shape}, where uint8 (28, 28) was expected"
        )
    return pixels
