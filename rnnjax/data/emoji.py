"""Emoji: small pictures in two hands, Google's and Twitter's, with their names in two languages.

Names are those of Unicode's Common Locale Data Repository. Which emoji trains, validates or tests
is decided by the SHA-256 of its code points, modulo 10: 0 tests, 1 validates, the others train.
"""

from __future__ import annotations

import collections
import csv
import hashlib
import io
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from rnnjax.data.described_pictures import DescribedPictures, Part, joined
from rnnjax.data.originals import Originals, read_originals
from rnnjax.data.png import read_rgba_png
from rnnjax.data.reading import UnusableError
from rnnjax.data.source import Progress, RemoteFile
from rnnjax.errors import DataError

SIDE = 32
"""Pixels on each side of a picture."""
CELL = SIDE + 2
"""Of a picture on its sheet, with a border of one pixel."""
HANDS = ("google", "twitter")
STYLES = (*HANDS, "both", "unknown_hand")
LANGUAGES = ("english", "chinese")
UNSEEN_COMBINATIONS = "unseen combinations"
BLANK = "␣"
"""How a blank inside of a Chinese name is written, since blanks stand between its characters."""

EMOJI = Originals(
    name="emoji",
    files=(
        RemoteFile(
            "google-32.png",
            5_806_664,
            "b417e9f6cd4bbc10656bbfd5e13b6e9a2545b55e6a4cf7312d75be1faaa34952",
        ),
        RemoteFile(
            "twitter-32.png",
            4_901_480,
            "2767ef2e87cbfb6cc12ac46596c339549afaf0ae8771cf51100c8853f6bde632",
        ),
        RemoteFile(
            "emoji.tsv",
            389_301,
            "d82d4552d8d13616243b1c2fb9c1cc14d5820e5bc7a0be195acd4700c4806ca3",
        ),
    ),
    licence=(
        "Google's pictures (Noto Emoji) Apache 2.0, Twitter's (Twemoji) CC BY 4.0, names (CLDR) "
        "Unicode License v3, the sheets' package (emoji-datasource) MIT"
    ),
    homepage=(
        "https://github.com/iamcal/emoji-data (the sheets of emoji-datasource 16.0.0; emoji.tsv "
        "joins its table with the names of CLDR 48.2)"
    ),
)
_COLUMNS = ("unified", "sheet_x", "sheet_y", "name_en", "name_zh", "split")
_PARTS = ("train", "validation", "test")
_WORD = re.compile(r"[^\W_]+")


class Emoji(NamedTuple):
    """One of them: its code points, where it stands on both sheets, its part and its names."""

    unified: str
    column: int
    row: int
    part: str
    english: str
    chinese: str


def english(name: str) -> str:
    """The words of a name: lower case, without anything but letters and digits.

    >>> english("family: man, woman, girl"), english("flag: Côte d’Ivoire")
    ('family man woman girl', 'flag côte d ivoire')
    """
    return " ".join(_WORD.findall(name.lower()))


def chinese(name: str) -> str:
    """The characters of a name, each a word; a blank among them is written `BLANK`.

    >>> chinese("按键: 1")
    '按 键 : ␣ 1'
    """
    return " ".join(name.replace(" ", BLANK))


_WRITTEN = {"english": english, "chinese": chinese}


def as_name(description: str, language: str) -> str:
    """A description as people write it.

    >>> as_name("按 键 : ␣ 1", "chinese"), as_name("grinning face", "english")
    ('按键: 1', 'grinning face')
    """
    if language == "english":
        return description
    return description.replace(" ", "").replace(BLANK, " ")


def part_of(unified: str) -> str:
    """Whether the emoji of these code points trains, validates or tests.

    >>> part_of("1F600"), part_of("1F604"), part_of("1F608")
    ('train', 'validation', 'test')
    """
    rest = int(hashlib.sha256(unified.encode()).hexdigest(), 16) % 10
    return {0: "test", 1: "validation"}.get(rest, "train")


def table(tsv: bytes) -> list[Emoji]:
    """The emoji of a table with the columns of ``emoji.tsv``.

    Raises:
        DataError: It is something else.
    """
    try:
        lines = io.StringIO(tsv.decode(), newline="")
        reader = csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE, strict=True)
        rows = [[row[name] for name in _COLUMNS] for row in reader]
        found = [Emoji(u, int(x), int(y), part, en, zh) for u, x, y, en, zh, part in rows]
    except (UnicodeDecodeError, csv.Error, KeyError, TypeError, ValueError) as error:
        raise _no_table(f"it can't be read ({error})") from error
    for number, emoji in enumerate(found, start=2):
        if emoji.part != part_of(emoji.unified):
            raise _no_table(f"line {number:,} has it in another part than its code points say")
        if min(emoji.column, emoji.row) < 0 or not english(emoji.english) or not emoji.chinese:
            raise _no_table(f"line {number:,} has no place on the sheets, or no name")
    if {emoji.part for emoji in found} != set(_PARTS):
        raise _no_table("there is none to train, to validate or to test")
    return found


def _no_table(why: str) -> DataError:
    return DataError(f"The table of emoji is damaged: {why}; replace emoji.tsv.")


def on_white(rgba: np.ndarray) -> np.ndarray:
    r"""What is seen of pixels with alpha in front of a white wall, uint8 ``[..., 3]``.

    .. math:: \operatorname{round}\bigl((\alpha\, c + (255 - \alpha) \cdot 255) / 255\bigr)

    Args:
        rgba: red, green, blue and alpha, uint8 ``[..., 4]``.
    """
    colour, alpha = rgba[..., :3].astype(np.uint16), rgba[..., 3:].astype(np.uint16)
    return ((colour * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)


def pictures(sheet: bytes, emoji: Sequence[Emoji], name: str = "a sheet") -> np.ndarray:
    """The pictures of emoji on white, uint8 ``[N, 32, 32, 3]``.

    Args:
        sheet: a PNG file with alpha, of as many rows and columns of cells of 34 x 34 pixels as
            the places of the emoji need.
        emoji: all of the sheet.
        name: of the file, for the error.

    Raises:
        DataError: It is another image.
    """
    side = CELL * (1 + max(max(one.column, one.row) for one in emoji))
    try:
        pixels = read_rgba_png(sheet, side, side)
    except UnusableError as error:
        raise DataError(f"{name} of the emoji is damaged: {error}; replace it.") from error
    cells = on_white(pixels).reshape(side // CELL, CELL, side // CELL, CELL, 3)
    found = cells[[one.row for one in emoji], :, [one.column for one in emoji]]
    return np.ascontiguousarray(found[:, 1:-1, 1:-1])


def unseen_combinations(
    asked: Sequence[str], training: Iterable[str], least: int = 3
) -> np.ndarray:
    """Which descriptions are new, though each of their words is known, bool ``[N]``.

    Args:
        asked: N descriptions.
        training: those that were learnt from.
        least: the number of training descriptions in which each word has to be.
    """
    known = set(texts := list(training))
    counts = collections.Counter(word for text in texts for word in set(text.split()))
    return np.array(
        [text not in known and all(counts[w] >= least for w in text.split()) for text in asked],
        dtype=bool,
    )


def arranged(
    emoji: Sequence[Emoji],
    drawn: Mapping[str, np.ndarray],
    style: str = "google",
    language: str = "english",
) -> tuple[Part, Part, Part, dict[str, Part]]:
    """What trains, validates, and tests, and further tests.

    Args:
        emoji: N of them.
        drawn: their pictures by hand, each uint8 ``[N, 32, 32, 3]``.
        style: one of `HANDS`; ``"both"`` for the pictures of both, one hand after the other; or
            ``"unknown_hand"``, a test of known things in a hand that is not known of them: all of
            Google's and Twitter's of the training part train, the rest of Twitter's validates and
            tests. The others have a further test, `UNSEEN_COMBINATIONS`: those of the test part
            whose words are each in three training names or more, but together in none.
        language: one of `LANGUAGES`.
    """
    names = [_WRITTEN[language](getattr(one, language)) for one in emoji]
    parts = np.array([one.part for one in emoji])
    whole = {
        hand: Part(drawn[hand], tuple((name,) for name in names))
        for hand in (HANDS if style in ("both", "unknown_hand") else (style,))
    }

    def part(name: str) -> Part:
        return joined([hand.chosen(parts == name) for hand in whole.values()])

    if style == "unknown_hand":
        google, twitter = (whole[hand] for hand in HANDS)
        train = joined([google, twitter.chosen(parts == "train")])
        return train, twitter.chosen(parts == "validation"), twitter.chosen(parts == "test"), {}
    training = [name for name, its in zip(names, parts, strict=True) if its == "train"]
    asked = (parts == "test") & unseen_combinations(names, training)
    unseen = joined([hand.chosen(asked) for hand in whole.values()])
    return part("train"), part("validation"), part("test"), {UNSEEN_COMBINATIONS: unseen}


def load(
    data_dir: str | os.PathLike[str] | None = None,
    *,
    style: str = "google",
    language: str = "english",
    timeout: float = 4.0,
    progress: Progress | None = None,
) -> DescribedPictures:
    """Returns the emoji with their names.

    Args:
        data_dir: As for `rnnjax.data.originals.read_originals`.
        style: As for `arranged`.
        language: As for `arranged`.
        timeout: As for `rnnjax.data.originals.read_originals`.
        progress: Likewise.

    Raises:
        DataUnavailableError: They are neither here nor to be had.
        DataError: A file is missing or another than was published, or there is no such style or
            language.
    """
    for kind, value, known in (("style", style, STYLES), ("language", language, LANGUAGES)):
        if value not in known:
            raise DataError(
                f"There is no {kind} {value!r} of emoji; take one of {', '.join(known)}."
            )
    found = read_originals(EMOJI, data_dir, timeout=timeout, progress=progress)
    emoji = table(found.contents["emoji.tsv"])
    drawn = {}
    for hand in HANDS:
        if style in (hand, "both", "unknown_hand"):
            name = f"{hand}-{SIDE}.png"
            drawn[hand] = pictures(found.contents[name], emoji, name)
    train, validation, test, tests = arranged(emoji, drawn, style, language)
    return DescribedPictures(
        EMOJI.name, train, validation, test, tests, found.origin, EMOJI.licence
    )
