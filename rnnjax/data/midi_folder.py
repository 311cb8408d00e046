"""A folder of MIDI files of one's own, as piano rolls."""

from __future__ import annotations

from pathlib import Path

from rnnjax.data.midi_file import read_midi
from rnnjax.data.music_pieces import Pieces
from rnnjax.data.piano_rolls import Parts
from rnnjax.errors import DataError

EVERY = 10


def read_folder(path: str, per_quarter: int) -> Parts:
    """Reads all ``.mid`` and ``.midi`` files of a folder and those below, in order of their names.

    Every tenth piece tests, and the one before each of these validates; of fewer than ten the last
    tests and the last but one validates.

    Args:
        path: of the folder.
        per_quarter: frames of a quarter note.

    Raises:
        UsageError: mido is not installed.
        DataError: There are fewer than three files, or one can't be read.
    """
    folder = Path(path).expanduser()
    files = sorted(p for p in folder.rglob("*") if p.suffix.lower() in (".mid", ".midi"))
    if len(files) < 3:
        raise DataError(
            f"{path} holds {len(files)} MIDI files (.mid); at least 3 are needed: to learn from, "
            "to validate and to test."
        )
    pieces = []
    for file in files:
        try:
            contents = file.read_bytes()
        except OSError as error:
            raise DataError(f"{file} can't be read ({error.strerror}); take it out.") from None
        pieces.append(read_midi(contents, str(file), per_quarter))
    every = min(EVERY, len(pieces))
    places = [i % every for i in range(len(pieces))]
    kinds = {every - 1: 2, every - 2: 1}
    chosen = [[p for p, i in zip(pieces, places, strict=True) if kinds.get(i, 0) == part]
              for part in range(3)]  # fmt: skip
    return Parts(*map(Pieces.of, chosen))
