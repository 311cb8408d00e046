"""Chinese quatrains: four lines of five or of seven characters, from the Tang and Song dynasties.

A poem is written as its kind, ``<5>`` or ``<7>``, and its four lines, each with a line end. Of its
symbols some are given and not to be guessed: the kind, and the first line, after which the others
are written.
"""

from __future__ import annotations

import collections
import gzip
import zlib
from collections.abc import Sequence

import numpy as np

from rnnjax.data.originals import Originals
from rnnjax.data.source import RemoteFile
from rnnjax.data.symbols import UNITS, UNKNOWN, Symbols
from rnnjax.errors import DataError

KINDS = ("<5>", "<7>")
NUM_LINES = 4

QUATRAINS = Originals(
    name="quatrains",
    files=(
        RemoteFile(
            "train.tsv.gz",
            4_792_353,
            "626000fb9fed8083a4b4cfea9d7276046a9ac1c28356f7877e78b29dcb2a723b",
        ),
        RemoteFile(
            "validation.tsv.gz",
            130_144,
            "30c03117018b8f51422e837cf3a244609c330a2e906022630d3f50cb9f0da167",
        ),
        RemoteFile(
            "test.tsv.gz",
            128_321,
            "22f16d8e1e21b53b82a23f22e3e69218d708fbaf56338865cd6ec2ca2ddd1db3",
        ),
    ),
    licence="MIT (the collection, chinese-poetry); the poems are in the public domain",
    homepage="https://github.com/chinese-poetry/chinese-poetry",
)


def poems(contents: bytes) -> list[str]:
    r"""The poems of a file, each as it is written here.

    Args:
        contents: compressed, one poem a line: the dynasty and four lines, with tabs between.

    Raises:
        DataError: It is something else.

    >>> poems(gzip.compress("tang\t床前明月光\t疑是地上霜\t舉頭望明月\t低頭思故鄉\n".encode()))
    ['<5>床前明月光\n疑是地上霜\n舉頭望明月\n低頭思故鄉\n']
    """
    try:
        rows = [line.split("\t") for line in gzip.decompress(contents).decode().splitlines()]
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise DataError(f"A file of quatrains can't be read ({error}); replace it.") from error
    for number, (_, *lines) in enumerate(rows, start=1):
        lengths = {len(line) for line in lines}
        if len(lines) != NUM_LINES or len(lengths) != 1 or f"<{lengths.pop()}>" not in KINDS:
            raise DataError(f"Line {number:,} of a file of quatrains holds none; replace the file.")
    return [written(lines) for _, *lines in rows]


def written(lines: Sequence[str]) -> str:
    """A poem with its kind in front and its line ends."""
    return "".join((f"<{len(lines[0])}>", *(f"{line}\n" for line in lines)))


def symbols_of(train: Sequence[str]) -> Symbols:
    """The signs that occur more than once in the training poems, and `UNKNOWN` for all others."""
    counts = collections.Counter(UNITS["sign"][0]("".join(train)))
    often = [sign for sign, count in counts.most_common() if count > 1 and sign not in KINDS]
    return Symbols("sign", (*KINDS, UNKNOWN, *often))


def places(stream: np.ndarray, symbols: Symbols) -> tuple[np.ndarray, np.ndarray]:
    """Where each symbol of poems stands: in which line, and whether at its end.

    Args:
        stream: poems one after the other, int ``[N]``.
        symbols: of poems.

    Returns:
        The number of the line from 0, -1 for the kind, int ``[N]``; and bool ``[N]``.

    >>> symbols = symbols_of([written(["山山山山山"] * 4)] * 2)
    >>> lines, is_end = places(symbols.encode(written(["山" * 5] * 4)), symbols)
    >>> lines.tolist()[:8], int(lines[-1]), int(is_end.sum())
    ([-1, 0, 0, 0, 0, 0, 0, 1], 3, 4)
    """
    is_kind = np.isin(stream, [symbols.number(kind) for kind in KINDS])
    is_end = stream == symbols.number("\n")
    before = np.cumsum(is_end) - is_end
    at_start = np.maximum.accumulate(np.where(is_kind, np.arange(len(stream)), 0))
    return np.where(is_kind, -1, before - before[at_start]), is_end
