"""MIDI files, read into piano rolls and written from notes, by mido."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from rnnjax.data.music_pieces import LOWEST_KEY, NUM_KEYS
from rnnjax.errors import DataError, UsageError

MOST_FRAMES, MOST_BYTES = 100_000, 20_000_000
DRUMS = 9
TICKS = 480
VELOCITY = 80


class Note(NamedTuple):
    """A note, in frames from the beginning."""

    start: int
    end: int
    pitch: int
    """MIDI number."""
    voice: int = 0


def library() -> Any:
    """The library mido.

    Raises:
        UsageError: It is not installed.
    """
    try:
        import mido
    except ModuleNotFoundError:
        raise UsageError(
            "MIDI files need the library mido, which is not installed; pip install -e '.[music]' "
            "brings it."
        ) from None
    return mido


def notes_of(tracks: np.ndarray) -> list[Note]:
    """What sounds, as notes: equal neighbours in time are one note.

    Args:
        tracks: MIDI numbers ``[T, V]`` of voices, -1 for silence.

    >>> notes_of(np.array([[60], [60], [-1], [62]]))
    [Note(start=0, end=2, pitch=60, voice=0), Note(start=3, end=4, pitch=62, voice=0)]
    """
    found = []
    for voice, track in enumerate(tracks.T):
        starts = np.flatnonzero(np.diff(track, prepend=-2))
        for start, end in zip(starts, [*starts[1:], len(track)], strict=True):
            if track[start] >= 0:
                found.append(Note(int(start), int(end), int(track[start]), voice))
    return sorted(found)


def notes_of_roll(roll: np.ndarray) -> list[Note]:
    """The same of a piano roll ``[T, 88]``, all in one voice."""
    tracks = np.where(roll, np.arange(LOWEST_KEY, LOWEST_KEY + NUM_KEYS), -1)
    return [note._replace(voice=0) for note in notes_of(tracks)]


def to_midi(notes: Iterable[Note], per_quarter: int, *, beats_per_minute: float = 80) -> bytes:
    """A MIDI file of notes, a track and a channel for each voice.

    Args:
        notes: in any order.
        per_quarter: frames of a quarter note, which divide 480.
        beats_per_minute: quarters.

    Raises:
        UsageError: mido is not installed.
    """
    mido = library()
    file = mido.MidiFile(type=1, ticks_per_beat=TICKS)
    heading = mido.MidiTrack()
    heading.append(mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(beats_per_minute)))
    file.tracks.append(heading)
    notes = list(notes)
    for voice in sorted({note.voice for note in notes}):
        # At one time what ends comes first, so that a note struck again is not cut off.
        own = [note for note in notes if note.voice == voice]
        events = [(note.start, 1, note.pitch) for note in own]
        events += [(note.end, 0, note.pitch) for note in own]
        track, before = mido.MidiTrack(), 0
        for frame, begins, pitch in sorted(events):
            kind, ticks = ("note_off", "note_on")[begins], round(frame * TICKS / per_quarter)
            track.append(
                mido.Message(kind, note=pitch, velocity=VELOCITY * begins, time=ticks - before,
                             channel=voice + (voice >= DRUMS))
            )  # fmt: skip
            before = ticks
        file.tracks.append(track)
    written = io.BytesIO()
    file.save(file=written)
    return written.getvalue()


def read_midi(contents: bytes, name: str, per_quarter: int) -> np.ndarray:
    """The piano roll of a MIDI file, uint8 ``[T, 88]``; drums and other keys are left out.

    Starts and ends are rounded to frames, and each note lasts for one at least. Frames follow the
    file's quarter notes, whatever the tempo. Silence before the first note is left out.

    Args:
        contents: of the file.
        name: for messages.
        per_quarter: frames of a quarter note.

    Raises:
        UsageError: mido is not installed.
        DataError: It is no MIDI file that can be read, has no notes, or is too long.
    """
    mido = library()
    if len(contents) > MOST_BYTES:
        raise DataError(f"{name} has {len(contents):,} bytes, too many for a piece; leave it out.")
    try:
        file = mido.MidiFile(file=io.BytesIO(contents), clip=True)
        ticks = file.ticks_per_beat
        spans = list(_spans(mido.merge_tracks(file.tracks)))
    except Exception as error:  # whatever damage makes of it: mido has no error of its own
        what = str(error)[:100] or type(error).__name__
        raise DataError(
            f"{name} can't be read as a MIDI file ({what}); mend it, or take it out of the folder."
        ) from None
    if not isinstance(ticks, int) or ticks <= 0 or not 0 < file.type + 1 < 3:
        raise DataError(
            f"{name} has no quarter notes, but times of another kind; a MIDI file of type 0 or 1 "
            "with ticks per quarter was expected."
        )
    notes = [_note(*span, per_quarter / ticks) for span in spans]
    return _roll([note for note in notes if 0 <= note.pitch - LOWEST_KEY < NUM_KEYS], name)


def _spans(messages: Iterable[Any]) -> Iterable[tuple[int, int, int]]:
    """Start and end in ticks, and pitch, of each note that is struck; drums are none."""
    now, sounding = 0, dict[tuple[int, int], int]()
    for message in messages:
        now += message.time
        if message.type not in ("note_on", "note_off") or message.channel == DRUMS:
            continue
        key = message.channel, message.note
        if (start := sounding.pop(key, None)) is not None:
            yield start, now, message.note
        if message.type == "note_on" and message.velocity > 0:
            sounding[key] = now
    for (_, pitch), start in sounding.items():
        yield start, now, pitch


def _note(start: int, end: int, pitch: int, scale: float) -> Note:
    first = round(start * scale)
    return Note(first, max(round(end * scale), first + 1), pitch)


def _roll(notes: Sequence[Note], name: str) -> np.ndarray:
    if not notes:
        raise DataError(f"{name} has no notes of a piano; take it out of the folder.")
    first, last = min(note.start for note in notes), max(note.end for note in notes)
    if not 2 <= last - first <= MOST_FRAMES:
        raise DataError(
            f"{name} lasts for {last - first:,} frames; from 2 to {MOST_FRAMES:,} were expected."
        )
    roll = np.zeros((last - first, NUM_KEYS), np.uint8)
    for note in notes:
        roll[note.start - first : note.end - first, note.pitch - LOWEST_KEY] = 1
    return roll
