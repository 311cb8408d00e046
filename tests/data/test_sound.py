"""Notes as sound."""

import io

import numpy as np
from scipy.io import wavfile

from rnnjax.data.midi_file import Note
from rnnjax.data.sound import RATE, to_wav, tone


def test_a_note_has_its_frequency_and_is_soft_at_both_ends():
    sound = tone(69, 1.0)
    heard = np.abs(np.fft.rfft(sound))
    assert heard.argmax() == 440
    assert abs(sound[[0, -1]]).max() < 1e-3
    assert abs(tone(81, 1.0)).max() < 2
    assert np.abs(np.fft.rfft(tone(81, 1.0))).argmax() == 880


def test_a_file_holds_the_notes_at_their_times():
    contents = to_wav([Note(0, 1, 69), Note(2, 4, 57)], 2, beats_per_minute=60)
    rate, sound = wavfile.read(io.BytesIO(contents))
    assert (rate, sound.dtype) == (RATE, np.int16)
    half = RATE // 2
    assert len(sound) == 4 * half + RATE
    assert np.abs(np.fft.rfft(sound[:half])).argmax() == 220
    assert not sound[half : 2 * half].any()
    assert np.abs(np.fft.rfft(sound[2 * half : 4 * half])).argmax() == 220
    assert 25_000 < abs(sound.astype(int)).max() < 27_000
