"""Piano rolls in a ``.mat`` file of MATLAB 5: the form of the published sets of polyphonic music.

N. Boulanger-Lewandowski, Y. Bengio, P. Vincent, "Modeling temporal dependencies in high-dimensional
sequences", ICML 2012: ``traindata``, ``validdata``, ``testdata`` are cells of pieces ``[T, 88]``.
"""

from __future__ import annotations

import io
from typing import Any, NamedTuple

import numpy as np

from rnnjax.data.music_pieces import NUM_KEYS, Pieces
from rnnjax.errors import DataError

PARTS = ("traindata", "validdata", "testdata")


class Parts(NamedTuple):
    """Pieces to learn from, to choose by and to test with."""

    train: Pieces
    validation: Pieces
    test: Pieces


def read_rolls(contents: bytes, name: str) -> Parts:
    """Reads a file with all three parts.

    Args:
        contents: of the file.
        name: for messages.

    Raises:
        DataError: It is no such file; the message says what is wrong with it.
    """
    from scipy.io import loadmat  # it takes a while

    try:
        found = loadmat(io.BytesIO(contents), variable_names=PARTS)
    except Exception as error:  # whatever damage makes of it: scipy has no error of its own
        raise DataError(
            f"{name} can't be read as a file of MATLAB 5 ({str(error)[:100] or 'damaged'}); give "
            f"one with {', '.join(PARTS)}, each a cell of piano rolls [T, {NUM_KEYS}]."
        ) from None
    return Parts(*(_part(found, part, name) for part in PARTS))


def _part(found: dict[str, Any], part: str, name: str) -> Pieces:
    cells = found.get(part)
    if not isinstance(cells, np.ndarray) or cells.dtype != object or not cells.size:
        raise DataError(
            f"{name} has no pieces in {part}; expected were {', '.join(PARTS)}, each a cell of "
            f"piano rolls [T, {NUM_KEYS}]."
        )
    return Pieces.of([_piece(own, f"piece {i + 1} of {part}", name)
                      for i, own in enumerate(cells.ravel())])  # fmt: skip


def _piece(own: Any, place: str, name: str) -> np.ndarray:
    piece = np.asarray(own)
    if piece.dtype.kind not in "biuf" or piece.ndim != 2 or piece.shape[1] != NUM_KEYS:
        raise DataError(
            f"{name}: {place} has the shape {piece.shape} and the type {piece.dtype}; a piano roll "
            f"has a row of {NUM_KEYS} numbers, 0 or 1, for each step."
        )
    if len(piece) < 2 or not np.isin(piece, (0, 1)).all():
        what = "fewer than two steps" if len(piece) < 2 else "numbers other than 0 and 1"
        raise DataError(f"{name}: {place} has {what}; leave it out, or mend it.")
    return piece.astype(np.uint8)
