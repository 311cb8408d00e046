"""Words by letters and what they sound like: CMUdict, or an invented language."""

from __future__ import annotations

import os
import re

from rnnjax.data import spelling
from rnnjax.data.originals import Originals, read_originals
from rnnjax.data.pairs import PairDataset, Pairs
from rnnjax.data.source import Progress, RemoteFile
from rnnjax.data.stand_in import check_dataset, or_stand_in
from rnnjax.errors import DataError, DataUnavailableError

CMUDICT = Originals(
    name="cmudict_g2p",
    files=(
        RemoteFile(
            "g014b2b.train",
            2_717_073,
            "5882433c3a14a9a0614b5f724ce74872851092e816852c82d6b74913b2085384",
        ),
        RemoteFile(
            "g014b2b.test",
            306_441,
            "9beeeed7726f4954bee1dbb3c5b41f50a71227557eca70b259fbd63c9cad1bb9",
        ),
    ),
    licence="BSD, two clauses (copyright 1993-2015 Carnegie Mellon University)",
    homepage="https://github.com/steveash/jg2p",
)
"""The split on which papers are compared, 106,837 and 12,000 words."""

DATASETS = ("auto", CMUDICT.name, "spelling")
EVERY = 20
"""Of the training words, in order of the alphabet, each twentieth validates."""

_LINE = re.compile(r"(\S+)\t(\S+(?: \S+)*)")


def load(
    dataset: str = "auto",
    data_dir: str | os.PathLike[str] | None = None,
    *,
    timeout: float = 4.0,
    progress: Progress | None = None,
) -> PairDataset:
    """Returns words and their sounds in three parts.

    Sources are letters between blanks, references phonemes; all pronunciations of a word that the
    dictionary has are right answers, its first one first.

    Args:
        dataset: ``"cmudict_g2p"``, ``"spelling"`` (`rnnjax.data.spelling`), or ``"auto"``: the
            former, and where that is neither here nor to be had, the latter with a ``warning``.
        data_dir: A folder with one named "cmudict_g2p" in it, or that one itself; as in TFDS, it
            is otherwise ``$TFDS_DATA_DIR`` or ``~/tensorflow_datasets``.
        timeout: Seconds within which a server has to begin to answer.
        progress: Told how far downloads are.

    Raises:
        DataUnavailableError: The data is neither here nor to be had.
        DataError: ``dataset`` is unknown, or the data is unusable.
    """
    check_dataset(dataset, DATASETS)
    if dataset == "spelling":
        return _spelling(None)

    def made_up(error: DataUnavailableError) -> PairDataset:
        return _spelling(
            f"NO DICTIONARY IS USED: {sum(spelling.SIZES.values()):,} words of an invented "
            f"language stand in for it. {error} To insist on the dictionary, say "
            f"--dataset={CMUDICT.name}."
        )

    return or_stand_in(dataset, data_dir, lambda: _cmudict(data_dir, timeout, progress), made_up)


def words(contents: bytes) -> dict[str, tuple[str, ...]]:
    r"""The words of a dictionary in order of the alphabet, and the pronunciations of each.

    Args:
        contents: In UTF-8, one pronunciation a line: the word, a tab, phonemes between blanks.

    Raises:
        DataError: It is something else.

    >>> words(b"READ\tR EH D\nA\tAH\nREAD\tR IY D\n")
    {'A': ('AH',), 'READ': ('R EH D', 'R IY D')}
    """
    try:
        lines = contents.decode().removesuffix("\n").split("\n")
    except UnicodeDecodeError as error:
        raise DataError(f"A dictionary can't be read ({error}); replace the file.") from error
    found: dict[str, dict[str, None]] = {}
    for number, line in enumerate(lines, start=1):
        match = _LINE.fullmatch(line)
        if match is None:
            raise DataError(
                f"Line {number:,} of a dictionary is {line[:40]!r}, where a word, a tab and its "
                "phonemes were expected; replace the file."
            )
        found.setdefault(match[1], {})[match[2]] = None
    return {word: tuple(found[word]) for word in sorted(found)}


def _cmudict(
    data_dir: str | os.PathLike[str] | None, timeout: float, progress: Progress | None
) -> PairDataset:
    found = read_originals(CMUDICT, data_dir, timeout=timeout, progress=progress)
    train, test = (list(words(contents).items()) for contents in found.contents.values())
    learnt = [entry for place, entry in enumerate(train, start=1) if place % EVERY]
    return PairDataset(
        CMUDICT.name,
        found.origin,
        CMUDICT.licence,
        "letters",
        "phonemes",
        train=_pairs(learnt),
        validation=_pairs(train[EVERY - 1 :: EVERY]),
        test=_pairs(test),
    )


def _pairs(entries: list[tuple[str, tuple[str, ...]]]) -> Pairs:
    return Pairs(
        tuple(" ".join(word) for word, _ in entries), tuple(sounds for _, sounds in entries)
    )


def _spelling(warning: str | None) -> PairDataset:
    return PairDataset(
        "spelling",
        "words of an invented language, written by a program",
        "none needed",
        "letters",
        "phonemes",
        **spelling.generate(),
        warning=warning,
        best_exact=1.0,
    )
