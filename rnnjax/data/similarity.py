"""How alike sentences are: SICK, a table of one's own, or sentences that a program makes.

SICK has 9,840 pairs of captions, each with the mean of ten people's scores (Marelli et al., "A SICK
cure for the evaluation of compositional distributional semantic models", LREC 2014).
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from rnnjax.data import slot_sentences, word_vectors
from rnnjax.data.originals import Originals, read_originals
from rnnjax.data.sentence_pairs import HIGHEST, LOWEST, Scored, SentencePairs, words_of
from rnnjax.data.source import Progress, RemoteFile
from rnnjax.data.stand_in import check_dataset, or_stand_in
from rnnjax.data.word_vectors import WordVectors
from rnnjax.errors import DataError, DataUnavailableError

DATASETS = ("auto", "sick", "slot_sentences")
COLUMNS = ("sentence_A", "sentence_B", "relatedness_score")

SICK = Originals(
    name="sick",
    files=(
        RemoteFile(
            "SICK.txt",
            2_432_648,
            "1539c2d059809b5bd40694e26d8121cc85b6b496f91c7b40f2fc83bbd7dcd957",
        ),
        RemoteFile(
            "glove.6B.50d.sick.txt",
            984_055,
            "0dcb1e62ab6045b43c391e3304457cac0564ecd90699107bbbe74aa5faeab1b6",
        ),
    ),
    licence="SICK: CC BY-NC-SA 3.0 (Marelli et al. 2014); GloVe's vectors: PDDL 1.0",
    homepage="https://github.com/kkalouli/SICK-processing (SICK.txt) and "
    "https://nlp.stanford.edu/projects/glove (of glove.6B.50d.txt the rows of its words)",
)
EVERY = 10
"""Of a table of one's own every tenth pair validates, and every tenth tests."""


def load(
    dataset: str = "auto",
    data_dir: str | os.PathLike[str] | None = None,
    *,
    pairs: str | None = None,
    vectors: str | None = None,
    seed: int = 0,
    timeout: float = 4.0,
    progress: Progress | None = None,
) -> SentencePairs:
    """Returns pairs of sentences with scores.

    Args:
        dataset: ``"sick"``; ``"slot_sentences"`` (`rnnjax.data.slot_sentences`); or ``"auto"``: the
            former, and where it is not here, the latter with a ``warning``. A ``data_dir`` is a
            wish for what it holds, so that with one ``"auto"`` never stands in.
        data_dir: A folder with ``sick`` in it, or that one itself, as for
            `rnnjax.data.source.data_root`.
        pairs: A table of one's own instead, with tabs and the columns ``sentence_A``,
            ``sentence_B`` and ``relatedness_score`` from 1 to 5.
        vectors: A file in GloVe's text form instead of the vectors that come with SICK; a table of
            one's own needs it.
        seed: Of what a program makes.
        timeout: Seconds within which a server has to begin to answer.
        progress: Told how far downloads are.

    Raises:
        DataUnavailableError: The data are neither here nor to be had.
        DataError: ``dataset`` is unknown, or a file is not what was expected.
    """
    check_dataset(dataset, DATASETS)
    if pairs is not None:
        return _own(pairs, vectors)
    if dataset == "slot_sentences":
        return slot_sentences.stand_in(seed=seed)

    def read() -> SentencePairs:
        found = read_originals(SICK, data_dir, timeout=timeout, progress=progress)
        return _sick(*found, vectors)

    def made_up(error: DataUnavailableError) -> SentencePairs:
        return slot_sentences.stand_in(
            "NOT SICK: sentences that a program makes stand in for it, and the results cannot be "
            f"compared with its. {error} To insist on it, say --dataset=sick.",
            seed=seed,
        )

    return or_stand_in(dataset, data_dir, read, made_up)


def _sick(contents: dict[str, bytes], origin: str, vectors: str | None) -> SentencePairs:
    table, glove = (file.name for file in SICK.files)
    scored, own = read_table(contents[table].decode(), table, (*COLUMNS, "SemEval_set"))
    chosen = [
        scored.chosen(i for i, part in enumerate(own) if part == name)
        for name in ("TRAIN", "TRIAL", "TEST")
    ]

    def known(wanted: Iterable[str]) -> WordVectors:
        if vectors is not None:
            return word_vectors.read(vectors, wanted)
        return word_vectors.parse(io.BytesIO(contents[glove]), wanted, glove)

    return _with_vectors(SICK.name, origin, SICK.licence, chosen, known)


def read_table(text: str, name: str, columns: tuple[str, ...]) -> tuple[Scored, list[str]]:
    """Reads pairs with scores from a table with tabs and a header.

    Args:
        text: of the file.
        name: to call it by in a complaint.
        columns: the names of those with the first sentence, the second, the score, and perhaps
            the part that a pair belongs to.

    Returns:
        The pairs, and the part of each, or nothing.

    Raises:
        DataError: a column is missing, a sentence has no word, or a score is none from 1 to 5.
    """
    reader = csv.reader(io.StringIO(text, newline=""), delimiter="\t", quoting=csv.QUOTE_NONE)
    try:
        rows = list(reader)
    except csv.Error as error:
        raise DataError(f"{name} is no table with tabs ({error}); mend it.") from None
    header = rows[0] if rows else []
    if missing := [column for column in columns if column not in header]:
        raise DataError(
            f"{name} has no column {missing[0]!r}; its first line must name {', '.join(columns)}, "
            "with tabs between."
        )
    places = [header.index(column) for column in columns]
    pairs, scores, parts = [], [], []
    for line, row in enumerate(rows[1:], 2):
        if not row:
            continue
        if len(row) != len(header):
            raise DataError(
                f"{name}, line {line}: {len(row)} cells, but the header has {len(header)}; mend "
                "that line."
            )
        one, other, score, *part = (row[place] for place in places)
        if not (words_of(one) and words_of(other)):
            raise DataError(f"{name}, line {line}: a sentence has no word; leave the pair out.")
        scores.append(_score(score, name, line))
        pairs.append((one, other))
        parts += part
    if not pairs:
        raise DataError(f"{name} has no pairs below its header; give some.")
    first, second = zip(*pairs, strict=True)
    return Scored(first, second, np.array(scores, np.float32)), parts


def _score(text: str, name: str, line: int) -> float:
    try:
        score = float(text)
    except ValueError:
        score = np.nan
    if not LOWEST <= score <= HIGHEST:
        raise DataError(
            f"{name}, line {line}: {text[:20]!r} is no score from {LOWEST:g} to {HIGHEST:g}; mend "
            "that line."
        )
    return score


def _own(path: str, vectors: str | None) -> SentencePairs:
    """A user's table: every tenth pair validates, and every tenth tests."""
    if vectors is None:
        raise DataError(
            "--pairs needs the vectors of its words: name a file in GloVe's text form with "
            "--vectors."
        )
    try:
        text = Path(path).expanduser().read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} can't be read ({error}); give a table with tabs.") from None
    scored, _ = read_table(text, path, COLUMNS)
    count = len(scored.scores)
    if count < EVERY:
        raise DataError(f"{path} has {count} pairs; at least {EVERY} are needed.")
    last = np.arange(count) % EVERY
    masks = last < EVERY - 2, last == EVERY - 2, last == EVERY - 1
    chosen = [scored.chosen(np.flatnonzero(own)) for own in masks]
    name = Path(path).stem
    return _with_vectors(
        name, path, "your own", chosen, lambda wanted: word_vectors.read(vectors, wanted)
    )


def _with_vectors(
    name: str,
    origin: str,
    licence: str,
    parts: list[Scored],
    known: Callable[[Iterable[str]], WordVectors],
) -> SentencePairs:
    sentences = (s for part in parts for side in (part.first, part.second) for s in side)
    wanted = {word for sentence in sentences for word in words_of(sentence)}
    train, validation, test = parts
    return SentencePairs(name, origin, licence, train, validation, test, known(wanted))
