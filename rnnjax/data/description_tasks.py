"""Pictures with descriptions by name: emoji, scenes of MNIST's digits, or of a program's."""

from __future__ import annotations

import os

from rnnjax.data import emoji, scenes
from rnnjax.data.described_pictures import DescribedPictures
from rnnjax.data.source import Progress
from rnnjax.data.stand_in import check_dataset, or_stand_in
from rnnjax.errors import DataError, DataUnavailableError

DATASETS = ("auto", "emoji", "mnist_scenes", "seven_segments")


def load(
    dataset: str = "auto",
    data_dir: str | os.PathLike[str] | None = None,
    *,
    style: str | None = None,
    language: str | None = None,
    seed: int = 0,
    cache_dir: str | os.PathLike[str] | None = None,
    timeout: float = 4.0,
    progress: Progress | None = None,
) -> DescribedPictures:
    """Returns pictures with descriptions, in parts.

    Args:
        dataset: ``"emoji"`` (`rnnjax.data.emoji`), ``"mnist_scenes"`` (`rnnjax.data.scenes`),
            ``"seven_segments"`` (the same scenes of digits that a program draws), or ``"auto"``:
            emoji, and where they are neither here nor to be had, the seven segments with a
            ``warning``. A ``data_dir`` is a wish for what it holds, so that with one ``"auto"`` is
            ``"emoji"``.
        data_dir: A folder that holds prepared TFDS data (MNIST), or original files in a folder
            ``emoji``; as in TFDS, it is otherwise ``$TFDS_DATA_DIR`` or ``~/tensorflow_datasets``.
        style: Of emoji, as for `rnnjax.data.emoji.arranged`; ``"google"`` where none is said.
        language: Likewise; ``"english"`` where none is said.
        seed: Of the scenes: other seeds draw others.
        cache_dir: Where decoded MNIST is kept; by default the user's cache folder.
        timeout: Seconds within which a server has to begin to answer.
        progress: Told how far downloads and preparation are.

    Raises:
        DataUnavailableError: The data is neither here nor to be had.
        DataError: ``dataset`` is unknown, the data is unusable, or a style or language is asked of
            scenes, which have one only.
    """
    check_dataset(dataset, DATASETS)
    if dataset not in ("auto", "emoji"):
        if style is not None or language is not None:
            raise DataError(
                f"A style and a language are those of emoji, of which {dataset} has none; leave "
                "them out, or take emoji."
            )
        if dataset == "seven_segments":
            return scenes.stand_in(seed=seed)
        return scenes.load(
            data_dir, seed=seed, cache_dir=cache_dir, timeout=timeout, progress=progress
        )

    def read() -> DescribedPictures:
        return emoji.load(
            data_dir,
            style=style or "google",
            language=language or "english",
            timeout=timeout,
            progress=progress,
        )

    def made_up(error: DataUnavailableError) -> DescribedPictures:
        return scenes.stand_in(
            "NO EMOJI ARE USED: scenes of seven-segment digits that a program draws stand in for "
            f"them, and the results cannot be compared with theirs. {error} To insist on emoji, "
            "say --dataset=emoji.",
            seed=seed,
        )

    return or_stand_in(dataset, data_dir, read, made_up)
