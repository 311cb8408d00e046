"""Characters as strokes of a pen: kanji, the alphabets of Omniglot, or noisy polygons.

The drawings are those of https://github.com/hardmaru/sketch-rnn-datasets with its arrays of objects
laid end to end in plain ones, so that no pickle is read.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from rnnjax.data import polygons
from rnnjax.data.drawings import DRAWS, END, LIFTED, Drawings, DrawingsDataset
from rnnjax.data.reading import UnusableError, reading
from rnnjax.data.source import Progress, data_root
from rnnjax.data.stand_in import check_dataset, or_stand_in
from rnnjax.errors import DataError, DataUnavailableError

HOMEPAGE = "https://github.com/hardmaru/sketch-rnn-datasets"
FOLDER = "strokes"


class Source(NamedTuple):
    """What is known of a file of strokes."""

    sha256: str
    """Of the values, as `digest` has it: files of the same values may differ in their packing."""
    licence: str


SOURCES = {
    "kanji": Source(
        "d3c9be126eccfb30cc5a385ea0211162ec925b1e6dbab05bdbeb2e7f997345f9",
        "CC BY-SA 3.0, KanjiVG, copyright Ulrich Apel",
    ),
    "omniglot": Source(
        "95cd0a7ad9cf0747e571c7007432e24dca1fcbb77231992f8c1a26c6d217d0ef",
        "MIT, copyright 2015 Brenden Lake",
    ),
}
DATASETS = ("auto", *SOURCES, "polygons")
PARTS = {"train": "train", "validation": "valid", "test": "test"}
"""Of a data set, and what the file calls them."""


def load(
    dataset: str = "auto",
    data_dir: str | os.PathLike[str] | None = None,
    *,
    seed: int = 0,
    progress: Progress | None = None,
) -> DrawingsDataset:
    """Returns drawings, their offsets divided by the training offsets' standard deviation.

    Args:
        dataset: ``"kanji"``, ``"omniglot"``, ``"polygons"`` (`rnnjax.data.polygons`); or
            ``"auto"``: kanji, and where they are not here, polygons with a ``warning``. A
            ``data_dir`` is a wish for what it holds, so that with one ``"auto"`` never stands in.
        data_dir: A folder with ``strokes`` in it, or that one itself, as for
            `rnnjax.data.source.data_root`.
        seed: Of the polygons.
        progress: Never told anything, since nothing is downloaded.

    Raises:
        DataUnavailableError: The data are neither here nor to be had.
        DataError: ``dataset`` is unknown, or a file is not what was expected.
    """
    del progress
    check_dataset(dataset, DATASETS)
    if dataset == "polygons":
        return polygons.stand_in(seed=seed)
    name = "kanji" if dataset == "auto" else dataset
    source, root = SOURCES[name], data_root(data_dir)
    paths = [folder / f"{name}.npz" for folder in (root / FOLDER, root)]
    path = next((path for path in paths if path.is_file()), None)

    def read() -> DrawingsDataset:
        if path is None:
            raise DataUnavailableError(
                f"{paths[0]} is not there, and no server is known that has it: docs/drawing.md "
                f"tells how to make it of what {HOMEPAGE} has, or name a folder that holds it with "
                "--data_dir."
            )
        scale, parts = _read(path, source)
        train, validation, test = (parts[part] for part in PARTS)
        return DrawingsDataset(name, str(path), source.licence, scale, train, validation, test)

    def made_up(error: DataUnavailableError) -> DrawingsDataset:
        return polygons.stand_in(
            "NOT KANJI: noisy polygons that a program draws stand in for them, and the results "
            f"cannot be compared with theirs. {error} To insist on them, say --dataset=kanji.",
            seed=seed,
        )

    return or_stand_in(dataset, data_dir, read, made_up)


def digest(arrays: Mapping[str, np.ndarray]) -> str:
    """The SHA-256 of the values of all parts, in hexadecimal digits; raises as `read_parts`."""
    found = hashlib.sha256()
    for own in PARTS.values():
        found.update(arrays[f"{own}_strokes"].astype("<i2").tobytes())
        found.update(arrays[f"{own}_starts"].astype("<i4").tobytes())
    return found.hexdigest()


def _read(path: Path, source: Source) -> tuple[float, dict[str, Drawings]]:
    advice = "replace it as docs/drawing.md tells, or name another folder with --data_dir"
    with reading(lambda what: DataError(f"{what}; {advice}."), str(path)):
        with np.load(path) as file:
            arrays = {name: file[name] for name in file.files}
        found = read_parts(arrays)
        if digest(arrays) != source.sha256:
            raise UnusableError("it holds other drawings than were published")
    return found


def read_parts(arrays: Mapping[str, np.ndarray]) -> tuple[float, dict[str, Drawings]]:
    """The scale of offsets, and the drawings of each part.

    Args:
        arrays: of each part ``<part>_strokes``, rows of two offsets and whether the pen is lifted
            after them, all drawings end to end, and ``<part>_starts``, where each begins and the
            last ends.

    Raises:
        UnusableError: an array has another form.
        KeyError: one is missing.
    """
    found = {}
    for part, own in PARTS.items():
        strokes, starts = arrays[f"{own}_strokes"], arrays[f"{own}_starts"]
        if strokes.ndim != 2 or strokes.shape[1] != 3 or starts.ndim != 1 or len(starts) < 2:
            raise UnusableError(
                f"{own}_strokes has the shape {strokes.shape} and {own}_starts {starts.shape}, "
                "where rows of three numbers and two or more places were expected"
            )
        if starts[0] != 0 or starts[-1] != len(strokes) or np.any(np.diff(starts) < 1):
            raise UnusableError(f"{own}_starts does not rise from 0 to the {len(strokes):,} points")
        if not np.isin(strokes[:, 2], (DRAWS, LIFTED)).all():
            raise UnusableError(f"{own}_strokes has pens that are neither 0 nor 1")
        found[part] = strokes, starts
    scale = float(found["train"][0][:, :2].std(dtype=np.float64))
    longest = max(int(np.diff(starts).max()) for _, starts in found.values())
    drawings = {}
    for part, (strokes, starts) in found.items():
        offsets, pens = strokes[:, :2] / scale, strokes[:, 2].astype(np.int32)
        pens[starts[1:] - 1] = END
        places = starts[1:-1]
        each = zip(np.split(offsets, places), np.split(pens, places), strict=True)
        drawings[part] = Drawings.of(list(each), longest)
    return scale, drawings
