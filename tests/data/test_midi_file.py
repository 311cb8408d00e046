"""MIDI files: what mido writes, read by another reader, and what users may have."""

import contextlib
import io
import sys

import mido
import numpy as np
import pytest

from rnnjax.data import midi_file, midi_folder
from rnnjax.data.midi_file import Note, notes_of, notes_of_roll, read_midi, to_midi
from rnnjax.errors import DataError, UsageError
from tests.data import midi_bytes

NOTES = [Note(0, 2, 60, 0), Note(2, 3, 60, 0), Note(1, 6, 48, 3), Note(3, 4, 64, 0)]


def as_roll(notes):
    roll = np.zeros((max(note.end for note in notes), 88), np.uint8)
    for note in notes:
        roll[note.start : note.end, note.pitch - 21] = 1
    return roll


def test_another_reader_finds_the_notes_that_were_written():
    ticks, found = midi_bytes.parse(to_midi(NOTES, 4))
    scale = ticks // 4
    assert found == sorted((n.start * scale, n.end * scale, n.pitch, n.voice) for n in NOTES)


def test_what_was_written_is_read_as_the_same_roll():
    np.testing.assert_array_equal(read_midi(to_midi(NOTES, 4), "x.mid", 4), as_roll(NOTES))
    assert len(read_midi(to_midi(NOTES, 4), "x.mid", 2)) == 3
    short = read_midi(to_midi([Note(0, 1, 60), Note(4, 8, 62)], 4), "x.mid", 1)
    assert np.argwhere(short).tolist() == [[0, 39], [1, 41]]  # a short note lasts for one frame


def test_equal_neighbours_are_one_note():
    tracks = np.array([[60, -1], [60, 48], [62, 48], [62, -1], [-1, 50]])
    expected = [Note(0, 2, 60), Note(1, 3, 48, 1), Note(2, 4, 62), Note(4, 5, 50, 1)]
    assert notes_of(tracks) == expected
    roll = as_roll([Note(0, 3, 60), Note(1, 3, 64), Note(4, 5, 60)])
    assert notes_of_roll(roll) == [Note(0, 3, 60), Note(1, 3, 64), Note(4, 5, 60)]


def made(*messages, ticks=480):
    file = mido.MidiFile(type=0, ticks_per_beat=ticks)
    file.tracks.append(mido.MidiTrack(messages))
    written = io.BytesIO()
    file.save(file=written)
    return written.getvalue()


def test_drums_strange_keys_and_silence_in_front_are_left_out():
    on, off = (lambda kind: lambda note, time, channel=0: mido.Message(
        kind, note=note, time=time, channel=channel))("note_on"), mido.Message(
        "note_on", note=60, velocity=0, time=470)  # fmt: skip
    contents = made(on(40, 0, 9), on(10, 0), on(60, 960), off, on(61, 0), on(62, 480))
    roll = read_midi(contents, "x.mid", 1)
    assert np.argwhere(roll).tolist() == [[0, 39], [1, 40], [2, 41]]


def test_a_damaged_file_is_one_sentence():
    sound = to_midi(NOTES, 4)
    for contents in (
        b"",
        b"MThd",
        b"no music",
        sound[:-9],
        sound[:30],
        sound.replace(b"MTrk", b"X"),
    ):
        with pytest.raises(DataError, match=r"^own\.mid .*folder\.$"):
            read_midi(contents, "own.mid", 4)
    rng = np.random.default_rng(0)
    for _ in range(200):
        changed = bytearray(sound)
        changed[int(rng.integers(len(sound)))] = int(rng.integers(256))
        with contextlib.suppress(DataError):  # what else it raises would end the script
            read_midi(bytes(changed), "own.mid", 4)
    with pytest.raises(DataError, match="has no notes"):
        read_midi(made(), "own.mid", 4)
    far = made(mido.Message("note_on", note=60), mido.Message("note_off", note=60, time=2**27))
    with pytest.raises(DataError, match="lasts for 279,620 frames"):
        read_midi(far, "own.mid", 1)


def test_a_folder_is_divided_by_the_order_of_names(tmp_path):
    for i in range(12):
        (tmp_path / f"{i:02}.mid").write_bytes(to_midi([Note(0, 2, 40 + i)], 1))
    parts = midi_folder.read_folder(str(tmp_path), 1)
    keys = [[int(roll[0].argmax()) - 19 for roll in part.frames] for part in parts]
    assert keys == [[0, 1, 2, 3, 4, 5, 6, 7, 10, 11], [8], [9]]
    for i in range(3, 12):
        (tmp_path / f"{i:02}.mid").unlink()
    few = midi_folder.read_folder(str(tmp_path), 1)
    assert [int(part.frames[0, 0].argmax()) - 19 for part in few] == [0, 1, 2]
    (tmp_path / "02.mid").unlink()
    with pytest.raises(DataError, match="holds 2 MIDI files"):
        midi_folder.read_folder(str(tmp_path), 1)


def test_without_mido_one_sentence_says_what_brings_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "mido", None)
    with pytest.raises(UsageError, match=r"pip install -e '\.\[music\]' brings it"):
        midi_file.to_midi(NOTES, 4)
