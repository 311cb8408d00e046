r"""Notes as sound: sines with a soft envelope.

A note of pitch p that lasts for d seconds is

.. math:: e(t) \sum_{n=1}^{3} \tfrac1{n^2} \sin(2 \pi n f t), \qquad f = 440 \cdot 2^{(p - 69)/12}

where e rises within 20 ms, fades as :math:`e^{-t}` and falls to nothing within the last 60 ms.
"""

from __future__ import annotations

import io
from collections.abc import Iterable

import numpy as np

from rnnjax.data.midi_file import Note

RATE = 22_050
ATTACK, RELEASE = 0.02, 0.06
LOUDEST = 0.8


def tone(pitch: int, seconds: float) -> np.ndarray:
    """One note, float32 ``[samples]``."""
    time = np.arange(round(seconds * RATE)) / RATE
    phase = 2 * np.pi * 440 * 2 ** ((pitch - 69) / 12) * time
    ramps = np.minimum(time / ATTACK, (seconds - time) / RELEASE)
    envelope = np.sin(np.pi / 2 * np.clip(ramps, 0, 1)) ** 2 * np.exp(-time)
    return (envelope * sum(np.sin(n * phase) / n**2 for n in (1, 2, 3))).astype(np.float32)


def to_wav(notes: Iterable[Note], per_quarter: int, *, beats_per_minute: float = 80) -> bytes:
    """A WAV file, one channel of 16 bits at 22,050 Hz.

    Args:
        notes: at least one, in any order.
        per_quarter: frames of a quarter note.
        beats_per_minute: quarters.
    """
    from scipy.io import wavfile  # it takes a while

    notes, frame = list(notes), 60 / beats_per_minute / per_quarter
    sound = np.zeros(round(max(note.end for note in notes) * frame * RATE) + RATE, np.float32)
    for note in notes:
        first, own = (
            round(note.start * frame * RATE),
            tone(note.pitch, frame * (note.end - note.start)),
        )
        sound[first : first + len(own)] += own
    scaled = sound * (LOUDEST * np.iinfo(np.int16).max / abs(sound).max())
    written = io.BytesIO()
    wavfile.write(written, RATE, scaled.astype(np.int16))
    return written.getvalue()
