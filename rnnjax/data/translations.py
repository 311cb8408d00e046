"""Sentences and their translations: Multi30k, two files of one's own, or number words."""

from __future__ import annotations

import os
from pathlib import Path

from rnnjax.data import multi30k, number_words
from rnnjax.data.pairs import PairDataset, Pairs, normalized
from rnnjax.data.reading import read_text
from rnnjax.data.source import Progress
from rnnjax.data.stand_in import check_dataset, or_stand_in
from rnnjax.errors import DataError, DataUnavailableError

DATASETS = ("auto", "multi30k", "numbers", "files")
HELD_OUT = 0.05
"""Of one's own pairs the share that tests, and again the share that validates."""
FEWEST_LINES = 3


def load(
    dataset: str = "auto",
    data_dir: str | os.PathLike[str] | None = None,
    *,
    direction: str | None = None,
    files: tuple[str | os.PathLike[str], str | os.PathLike[str]] | None = None,
    timeout: float = 4.0,
    progress: Progress | None = None,
) -> PairDataset:
    """Returns sentences with their translations in three parts.

    Args:
        dataset: ``"multi30k"`` (`rnnjax.data.multi30k`), ``"numbers"``
            (`rnnjax.data.number_words`), ``"files"`` with `files`, or ``"auto"``: what `files`
            names, else Multi30k, and where that is neither here nor to be had, the numbers with a
            ``warning``.
        data_dir: A folder with one named "multi30k" in it, or that one itself; as in TFDS, it is
            otherwise ``$TFDS_DATA_DIR`` or ``~/tensorflow_datasets``.
        direction: From what into what, such as "de-en" for German to English; by default that for
            Multi30k, and "en-de" for the numbers.
        files: Two files of one's own, as for `read_pair`.
        timeout: Seconds within which a server has to begin to answer.
        progress: Told how far downloads are.

    Raises:
        DataUnavailableError: The data is neither here nor to be had.
        DataError: ``dataset`` or ``direction`` is unknown, or the data is unusable.
    """
    check_dataset(dataset, DATASETS)
    if (files is not None) != (dataset == "files") and (files is None or dataset != "auto"):
        raise DataError(
            f"Two files of your own and the data set {dataset!r} contradict each other; 'files' is "
            "the one that reads them, and needs two."
        )
    if files is not None:
        return read_pair(*files)
    if dataset == "numbers":
        return _numbers(direction or "en-de")

    def read() -> PairDataset:
        return multi30k.read(direction or "de-en", data_dir, timeout=timeout, progress=progress)

    def made_up(error: DataUnavailableError) -> PairDataset:
        size = sum(number_words.SIZES.values())
        return _numbers(
            direction if direction in number_words.DIRECTIONS else "en-de",
            f"NO SENTENCES ARE TRANSLATED: {size:,} number words written by a program stand in for "
            f"them. {error} To insist on sentences, say --dataset=multi30k.",
        )

    return or_stand_in(
        dataset,
        data_dir,
        lambda: multi30k.read(direction or "de-en", data_dir, timeout=timeout, progress=progress),
        made_up,
    )


def read_pair(
    source_path: str | os.PathLike[str],
    target_path: str | os.PathLike[str],
    *,
    source_language: str = "source",
    target_language: str = "target",
) -> PairDataset:
    """Reads two text files of one's own, whose lines translate each other.

    What stands between blanks in a line are its tokens. The pairs stay in order: the last twentieth
    tests, the twentieth before it validates, each one line at least.

    Args:
        source_path: A text file in UTF-8, one sentence a line.
        target_path: The translations, as many lines.
        source_language: A word for what is translated from.
        target_language: Likewise into what.

    Raises:
        DataError: A file can't be read as text, is empty or has an empty line; they have different
            numbers of lines, or too few.
    """
    paths = [Path(path).expanduser() for path in (source_path, target_path)]
    sources, targets = (_lines(path) for path in paths)
    if len(sources) != len(targets):
        raise DataError(
            f"{paths[0]} has {len(sources):,} lines and {paths[1]} {len(targets):,}; each line of "
            "the one must be the translation of the same line of the other."
        )
    if len(sources) < FEWEST_LINES:
        raise DataError(
            f"{paths[0]} and {paths[1]} have {len(sources):,} lines, and {FEWEST_LINES} are needed "
            "for three parts; give thousands to learn from."
        )
    held_out = max(1, round(HELD_OUT * len(sources)))
    ends = len(sources) - 2 * held_out, len(sources) - held_out

    def part(start: int, stop: int | None) -> Pairs:
        answers = tuple((target,) for target in targets[start:stop])
        return Pairs(tuple(sources[start:stop]), answers)

    return PairDataset(
        "files",
        f"the files {paths[0]} and {paths[1]}",
        "that of the files' authors",
        source_language,
        target_language,
        train=part(0, ends[0]),
        validation=part(*ends),
        test=part(ends[1], None),
    )


def _lines(path: Path) -> list[str]:
    text = read_text(path, str(path))
    if not text.strip():
        raise DataError(f"{path} holds no text; give one sentence a line.")
    # At line feeds alone, which is what other programs count as lines.
    lines = [normalized(line) for line in text.removesuffix("\n").split("\n")]
    if "" in lines:
        raise DataError(
            f"Line {lines.index('') + 1:,} of {path} is empty; remove it together with the same "
            "line of the other file, or write a sentence there."
        )
    return lines


def _numbers(direction: str, warning: str | None = None) -> PairDataset:
    if direction not in number_words.DIRECTIONS:
        raise DataError(
            f"There are no number words for {direction!r}; take one of "
            f"{', '.join(number_words.DIRECTIONS)}."
        )
    source, target = (multi30k.LANGUAGES[code] for code in direction.split("-"))
    return PairDataset(
        f"number words {direction}",
        "number words written by a program",
        "none needed",
        source,
        target,
        **number_words.generate(direction),
        warning=warning,
        best_exact=1.0,
    )
