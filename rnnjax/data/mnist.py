"""MNIST, Fashion-MNIST and the digits of scikit-learn as arrays."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from rnnjax.data.digits import load_digits
from rnnjax.data.image_records import decode_images, image_examples, image_features
from rnnjax.data.image_sources import DIGITS, FASHION_MNIST, MNIST, ImageSource
from rnnjax.data.prepare import find_or_prepare
from rnnjax.data.prepared_cache import PreparedCache
from rnnjax.data.source import Progress
from rnnjax.data.stand_in import check_dataset, or_stand_in
from rnnjax.errors import DataUnavailableError

_DECODER = 1  # raise it when the arrays change for the same records


class ImageDataset(NamedTuple):
    """Labelled grey images, split for training and testing.

    Attributes:
        name: The data really used: ``"mnist"``, ``"fashion_mnist"`` or ``"digits"``.
        train_images: uint8 ``[N, 28, 28]``, for the digits ``[N, 8, 8]``; 255 is full ink.
        train_labels: int32 ``[N]``.
        test_images: Like ``train_images``.
        test_labels: Like ``train_labels``.
        class_names: What each label stands for.
        origin: One phrase that says where the data came from.
        warning: Where other data than MNIST stands in for it, the sentence that says so.
    """

    name: str
    train_images: np.ndarray
    train_labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray
    class_names: tuple[str, ...]
    origin: str
    warning: str | None


SOURCES: Mapping[str, ImageSource] = {"mnist": MNIST, "fashion_mnist": FASHION_MNIST}
DATASETS = ("auto", *SOURCES, "digits")


def load(
    dataset: str = "auto",
    data_dir: str | os.PathLike[str] | None = None,
    *,
    cache_dir: str | os.PathLike[str] | None = None,
    timeout: float = 4.0,
    progress: Progress | None = None,
    sources: Mapping[str, ImageSource] = SOURCES,
) -> ImageDataset:
    """Returns MNIST or a data set like it, in the order in which it was published.

    A prepared TFDS folder is read if there is one; otherwise the original files are downloaded,
    verified and prepared there. The decoded arrays are cached.

    Args:
        dataset: ``"mnist"``, ``"fashion_mnist"``, ``"digits"`` (`rnnjax.data.digits`), or
            ``"auto"``: MNIST, and where it is neither here nor to be had, the digits with a
            ``warning``. A ``data_dir`` is a wish for what it holds, so that with one ``"auto"`` is
            ``"mnist"``; and prepared data that is damaged is always an error.
        data_dir: The TFDS folder, or the prepared folder itself; as in TFDS, it is otherwise
            ``$TFDS_DATA_DIR`` or ``~/tensorflow_datasets``. One that is empty or does not exist is
            where a download is prepared.
        cache_dir: Where the decoded arrays are kept; by default the user's cache folder.
        timeout: Seconds within which a server has to begin to answer.
        progress: Told how far downloads and preparation are.
        sources: Where each data set is published, for a mirror of one's own.

    Raises:
        DataUnavailableError: The data is neither here nor to be had.
        DataError: ``dataset`` is unknown, or the data is unusable.
    """
    if dataset == "digits":
        return _digits(None)
    check_dataset(dataset, DATASETS)
    source = sources["mnist" if dataset == "auto" else dataset]

    def read() -> ImageDataset:
        return load_images(
            source, data_dir, cache_dir=cache_dir, timeout=timeout, progress=progress
        )

    def made_up(error: DataUnavailableError) -> ImageDataset:
        return _digits(
            "MNIST IS NOT USED: the 1,797 digits of 8x8 pixels that come with "
            "scikit-learn stand in for it, and the results cannot be compared with "
            f"MNIST's. {error} To insist on MNIST, say --dataset=mnist."
        )

    return or_stand_in(dataset, data_dir, read, made_up)


def side_and_classes(name: str) -> tuple[int, tuple[str, ...]]:
    """Pixels on each side of an image, and what the labels stand for, in the data of a name."""
    if name in SOURCES:
        return 28, SOURCES[name].class_names
    return 8, DIGITS


def load_images(
    source: ImageSource,
    data_dir: str | os.PathLike[str] | None = None,
    *,
    cache_dir: str | os.PathLike[str] | None = None,
    timeout: float = 4.0,
    progress: Progress | None = None,
) -> ImageDataset:
    """Returns the images of ``source``; the arguments and errors are those of `load`.

    Args:
        source: What to load and where it is published.
        data_dir: As for `load`.
        cache_dir: As for `load`.
        timeout: As for `load`.
        progress: As for `load`.

    Raises:
        DataUnavailableError: As for `load`.
        DataError: As for `load`.
    """
    folder, origin = find_or_prepare(
        source,
        data_dir,
        lambda: image_features(source),
        lambda paths: image_examples(source, paths),
        timeout=timeout,
        progress=progress,
    )
    cache = PreparedCache(source, folder, [split for split, _ in source.splits], cache_dir)
    arrays = cache.load_or_build(
        "images", {"decoder": _DECODER}, lambda: decode_images(source, folder, progress)
    )
    return ImageDataset(
        name=source.name, class_names=source.class_names, origin=origin, warning=None, **arrays
    )


def _digits(warning: str | None) -> ImageDataset:
    return ImageDataset(
        "digits",
        *load_digits(),
        class_names=DIGITS,
        origin="the digits that come with scikit-learn",
        warning=warning,
    )
