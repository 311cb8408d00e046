"""Who speaks: Japanese vowels, two files of one's own, or made-up voices.

Nine men say two vowels; a frame of each recording has twelve coefficients (Kudo, Toyama and
Shimbo, "Multidimensional curve classification using passing-through regions", Pattern Recognition
Letters 20, 1999).
"""

from __future__ import annotations

import os
from pathlib import Path

from rnnjax.data import drifting_voices
from rnnjax.data.labelled_sequences import LabelledSequences, Sequences
from rnnjax.data.originals import Originals, read_originals
from rnnjax.data.reading import own_file
from rnnjax.data.source import Progress, RemoteFile
from rnnjax.data.stand_in import check_dataset, or_stand_in
from rnnjax.data.ts_file import TsFile, read_ts
from rnnjax.errors import DataError, DataUnavailableError

DATASETS = ("auto", "japanese_vowels", "drifting_voices")

JAPANESE_VOWELS = Originals(
    name="japanese_vowels",
    files=(
        RemoteFile(
            "JapaneseVowels_TRAIN.ts",
            487_971,
            "68a430eabd919cc77f40b1f5f3bc0dcafacc1486bca9260785aeb7d262cc78cd",
        ),
        RemoteFile(
            "JapaneseVowels_TEST.ts",
            649_132,
            "b3d41d6a0ca3bcad3afb9ca7d4365382aa51341e2e58bae2a574babdda5b9462",
        ),
    ),
    licence="CC BY 4.0 (Kudo, Toyama, Shimbo 1999; the UCI archive)",
    homepage="https://archive.ics.uci.edu/dataset/128/japanese+vowels, as .ts files of the UEA "
    "archive, https://timeseriesclassification.com",
)


def load(
    dataset: str = "auto",
    data_dir: str | os.PathLike[str] | None = None,
    *,
    files: tuple[str, str] | None = None,
    seed: int = 0,
    timeout: float = 4.0,
    progress: Progress | None = None,
) -> LabelledSequences:
    """Returns sequences with classes.

    Args:
        dataset: ``"japanese_vowels"``; ``"drifting_voices"`` (`rnnjax.data.drifting_voices`); or
            ``"auto"``: the former, and where they are not here, the latter with a ``warning``. A
            ``data_dir`` is a wish for what it holds, so that with one ``"auto"`` never stands in.
        data_dir: A folder with ``japanese_vowels`` in it, or that one itself, as for
            `rnnjax.data.source.data_root`.
        files: Two ``.ts`` files of one's own instead, to learn from and to test with.
        seed: Of the made-up voices.
        timeout: Seconds within which a server has to begin to answer.
        progress: Told how far downloads are.

    Raises:
        DataUnavailableError: The data are neither here nor to be had.
        DataError: ``dataset`` is unknown, or a file is not what was expected.
    """
    check_dataset(dataset, DATASETS)
    if files is not None:
        both = [read_ts(own_file(path, "a .ts file"), path) for path in files]
        name = Path(files[0]).stem.removesuffix("_TRAIN")
        return _joined(name, f"{files[0]} and {files[1]}", "your own", *both)
    if dataset == "drifting_voices":
        return drifting_voices.stand_in(seed=seed)

    def read() -> LabelledSequences:
        source = JAPANESE_VOWELS
        contents, origin = read_originals(source, data_dir, timeout=timeout, progress=progress)
        both = [read_ts(contents[file.name], file.name) for file in source.files]
        return _joined(source.name, origin, source.licence, *both)

    def made_up(error: DataUnavailableError) -> LabelledSequences:
        return drifting_voices.stand_in(
            "NOT THE JAPANESE VOWELS: voices that a program makes up stand in for them, and the "
            f"results cannot be compared with theirs. {error} To insist on them, say "
            "--dataset=japanese_vowels.",
            seed=seed,
        )

    return or_stand_in(dataset, data_dir, read, made_up)


def _joined(name: str, origin: str, licence: str, train: TsFile, test: TsFile) -> LabelledSequences:
    if train.class_names != test.class_names:
        raise DataError(
            f"The files to train and to test name different classes ({', '.join(train.class_names)}"
            f"; {', '.join(test.class_names)}); give two of one data set."
        )
    sizes = [file.sequences[0].shape[1] for file in (train, test)]
    if sizes[0] != sizes[1]:
        raise DataError(
            f"The files have {sizes[0]} and {sizes[1]} features; give two of one data set."
        )
    longest = max(len(one) for file in (train, test) for one in file.sequences)
    to_train, to_test = (
        Sequences.of(file.sequences, file.labels, longest) for file in (train, test)
    )
    return LabelledSequences(name, origin, licence, train.class_names, to_train, to_test)
