"""Texts for language models, as numbers: published ones, one of the user's own, or brackets."""

from __future__ import annotations

import dataclasses
import functools
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np

from rnnjax.data import brackets, quatrains, review_streams, war_and_peace
from rnnjax.data.corpus_sources import (
    PENN_TREEBANK_FILES,
    TINY_SHAKESPEARE,
    WIKITEXT2,
    shakespeare,
)
from rnnjax.data.originals import read_originals
from rnnjax.data.quatrains import QUATRAINS
from rnnjax.data.reading import read_text
from rnnjax.data.review_records import IMDB
from rnnjax.data.source import Progress, data_root
from rnnjax.data.stand_in import check_dataset, or_stand_in
from rnnjax.data.symbols import Symbols
from rnnjax.data.war_and_peace import WAR_AND_PEACE
from rnnjax.errors import DataError, DataUnavailableError

DATASETS = (
    "auto", "tiny_shakespeare", *war_and_peace.SPLITS, "wikitext2", "penn_treebank", "quatrains",
    "imdb_reviews", "brackets", "text",
)  # fmt: skip
BRACKETS_SIZES = {"train": 1_000_000, "validation": 50_000, "test": 50_000}
PARTS = (0.8, 0.9)
"""Where the training part of a text ends, and where the test part begins."""
SHORTEST_TEXT = 1_000


@dataclasses.dataclass(frozen=True, eq=False)
class Corpus:
    """A text in three parts, each a stream of symbols.

    Attributes:
        name: The data really used.
        train: int32 ``[N]``, numbers of `symbols`.
        validation: Likewise.
        test: Likewise.
        symbols: Those that occur in training.
        origin: One phrase that says where the text came from.
        licence: One phrase that says who may do what with it.
        warning: Where other data than was asked for stand in, the sentence that says so.
        best_loss: The loss of the best possible model, where that is known.
        is_scored: ``is_scored(stream)``: which symbols of a part count in the loss, bool ``[N]``;
            by default all.
    """

    name: str
    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray
    symbols: Symbols
    origin: str
    licence: str
    warning: str | None = None
    best_loss: float | None = None
    is_scored: Callable[[np.ndarray], np.ndarray] = lambda stream: np.ones(len(stream), bool)

    @property
    def parts(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """What is for training, for validation and for testing."""
        return self.train, self.validation, self.test

    def described(self) -> str:
        """How long the parts are, how many symbols there are, and the licence."""
        named = zip(("train", "validate", "test"), self.parts, strict=True)
        told = ", ".join(f"{len(part):,} to {what}" for what, part in named)
        return (
            f"symbols  {told}; {len(self.symbols):,} different {self.symbols.unit}s\n"
            f"licence  {self.licence}"
        )


def load(
    dataset: str = "auto",
    data_dir: str | os.PathLike[str] | None = None,
    *,
    text: str | os.PathLike[str] | None = None,
    timeout: float = 4.0,
    progress: Progress | None = None,
) -> Corpus:
    """Returns a text in three parts.

    Args:
        dataset: ``"tiny_shakespeare"`` (characters, as TFDS splits them), ``"war_and_peace"`` or
            ``"war_and_peace_in_order"`` (bytes; `rnnjax.data.war_and_peace` has the splits),
            ``"wikitext2"`` (words), ``"penn_treebank"`` (words, of files of your own),
            ``"quatrains"`` (`rnnjax.data.quatrains`; the loss is that of the characters of lines
            2 to 4), ``"brackets"``
            (`rnnjax.data.brackets`), ``"text"`` with `text`, or ``"auto"``: what `text` names, else
            Shakespeare, and where that is neither here nor to be had, the brackets with a
            ``warning``.
        data_dir: A folder that holds prepared TFDS data, or original files in a folder of the data
            set's name; as in TFDS, it is otherwise ``$TFDS_DATA_DIR`` or
            ``~/tensorflow_datasets``.
        text: A file of one's own, in UTF-8: four fifths train, a tenth validates, a tenth tests.
        timeout: Seconds within which a server has to begin to answer.
        progress: Told how far downloads and preparation are.

    Raises:
        DataUnavailableError: The data is neither here nor to be had.
        DataError: ``dataset`` is unknown, or the data is unusable.
    """
    check_dataset(dataset, DATASETS)
    if (text is not None) != (dataset == "text") and (text is None or dataset != "auto"):
        raise DataError(f"--text=FILE and --dataset={dataset} go together as --dataset=text only.")
    if text is not None:
        return own_text(Path(text).expanduser())
    if dataset == "brackets":
        return _brackets(None)
    name = "tiny_shakespeare" if dataset == "auto" else dataset

    def made_up(error: DataUnavailableError) -> Corpus:
        return _brackets(
            f"NO TEXT IS USED: {sum(BRACKETS_SIZES.values()):,} brackets written by a program "
            f"stand in for it. {error} To insist on a text, say --dataset=tiny_shakespeare, or "
            "--text=FILE for one of your own."
        )

    return or_stand_in(
        dataset, data_dir, lambda: _READERS[name](data_dir, timeout, progress), made_up
    )


def own_text(path: Path) -> Corpus:
    """A text file of one's own, by characters.

    Raises:
        DataError: It can't be read, is empty or short, or is no text in UTF-8.
    """
    text = read_text(path, f"--text={path}")
    if len(text) < SHORTEST_TEXT:
        raise DataError(
            f"--text={path} holds {len(text):,} characters, which are too few to learn from; give "
            f"at least {SHORTEST_TEXT:,}, better a million."
        )
    ends = [round(share * len(text)) for share in PARTS]
    parts = text[: ends[0]], text[ends[0] : ends[1]], text[ends[1] :]
    return _of_texts("text", "character", parts, f"the file {path}", "that of the file's author")


def _of_texts(
    name: str, unit: str, parts: tuple[str, str, str], origin: str, licence: str
) -> Corpus:
    """Held-out symbols that never occur in training can't be predicted, and are left out."""
    symbols = Symbols.of(unit, parts[0])
    train, validation, test = parts
    if unit == "character":
        known = set(symbols.symbols)
        held_out = len(validation) + len(test)
        validation, test = ("".join(s for s in part if s in known) for part in (validation, test))
        if left_out := held_out - len(validation) - len(test):
            origin += f", without {left_out:,} held-out characters that training never saw"
    streams = symbols.encode(train), symbols.encode(validation), symbols.encode(test)
    return Corpus(name, *streams, symbols, origin, licence)


def _shakespeare(
    data_dir: str | os.PathLike[str] | None, timeout: float, progress: Progress | None
) -> Corpus:
    parts, origin = shakespeare(TINY_SHAKESPEARE, data_dir, timeout, progress)
    return _of_texts(TINY_SHAKESPEARE.name, "character", parts, origin, "public domain")


def _war_and_peace(
    split: str,
    data_dir: str | os.PathLike[str] | None,
    timeout: float,
    progress: Progress | None,
) -> Corpus:
    found = read_originals(WAR_AND_PEACE, data_dir, timeout=timeout, progress=progress)
    (contents,) = found.contents.values()
    # Byte for byte: its mark and its line ends belong to the text.
    used, numbers = np.unique(np.frombuffer(contents, np.uint8), return_inverse=True)
    return Corpus(
        split,
        *war_and_peace.SPLITS[split](numbers.astype(np.int32)),
        symbols=Symbols("byte", tuple(map(chr, used))),
        origin=found.origin,
        licence=WAR_AND_PEACE.licence,
    )


def _wikitext2(
    data_dir: str | os.PathLike[str] | None, timeout: float, progress: Progress | None
) -> Corpus:
    found = read_originals(WIKITEXT2, data_dir, timeout=timeout, progress=progress)
    train, validation, test = (contents.decode() for contents in found.contents.values())
    parts = train, validation, test
    return _of_texts(WIKITEXT2.name, "word", parts, found.origin, WIKITEXT2.licence)


def _penn_treebank(
    data_dir: str | os.PathLike[str] | None, timeout: float, progress: Progress | None
) -> Corpus:
    """A user's own files: they may not be passed on, so there is nothing to download."""
    root = data_root(data_dir)
    folders = [root / "penn_treebank", root]
    for folder in folders:
        paths = [folder / name for name in PENN_TREEBANK_FILES]
        if not all(path.is_file() for path in paths):
            continue
        try:
            train, validation, test = (path.read_text(encoding="utf-8") for path in paths)
        except (OSError, UnicodeDecodeError) as error:
            raise DataError(
                f"{folder} holds a Penn Treebank that can't be read ({error}); replace it."
            ) from error
        parts, origin = (train, validation, test), f"your files in {folder}"
        return _of_texts("penn_treebank", "word", parts, origin, "the LDC's; not to be passed on")
    raise DataUnavailableError(
        f"{', '.join(PENN_TREEBANK_FILES)} are not in {folders[0]}. The Penn Treebank may not be "
        "passed on, so it can't be downloaded here; name a folder that holds yours by --data_dir."
    )


def _quatrains(
    data_dir: str | os.PathLike[str] | None, timeout: float, progress: Progress | None
) -> Corpus:
    found = read_originals(QUATRAINS, data_dir, timeout=timeout, progress=progress)
    train, validation, test = map(quatrains.poems, found.contents.values())
    symbols = quatrains.symbols_of(train)

    def is_scored(stream: np.ndarray) -> np.ndarray:
        lines, is_end = quatrains.places(stream, symbols)
        return (lines > 0) & ~is_end

    return Corpus(
        QUATRAINS.name,
        symbols.encode("".join(train)),
        symbols.encode("".join(validation)),
        symbols.encode("".join(test)),
        symbols=symbols,
        origin=found.origin,
        licence=QUATRAINS.licence,
        is_scored=is_scored,
    )


def _reviews(
    data_dir: str | os.PathLike[str] | None, timeout: float, progress: Progress | None
) -> Corpus:
    found = review_streams.read(data_dir, timeout=timeout, progress=progress)
    return Corpus(
        IMDB.name, *found.parts, found.symbols, found.origin, "none is told (Maas et al. 2011)"
    )


_READERS: dict[str, Callable[..., Corpus]] = {
    "tiny_shakespeare": _shakespeare,
    **{split: functools.partial(_war_and_peace, split) for split in war_and_peace.SPLITS},
    "wikitext2": _wikitext2,
    "penn_treebank": _penn_treebank,
    "quatrains": _quatrains,
    "imdb_reviews": _reviews,
}


def _brackets(warning: str | None) -> Corpus:
    symbols = Symbols("character", tuple(brackets.SYMBOLS))

    def stream(seed: int, part: str) -> np.ndarray:
        return symbols.encode(brackets.generate(BRACKETS_SIZES[part], seed))

    return Corpus(
        "brackets",
        stream(0, "train"),
        stream(1, "validation"),
        stream(2, "test"),
        symbols=symbols,
        origin="brackets written by a program",
        licence="none needed",
        warning=warning,
        best_loss=brackets.best_loss(),
    )
