"""Spoken digits from archives, telephone tones in their place, and the nearest recordings."""

from __future__ import annotations

import io
import tarfile

import numpy as np
import pytest
from scipy.io import wavfile

from rnnjax.data import nearest_digits, spoken_digits, string_scores, telephone_tones
from rnnjax.data.recordings import Recordings
from rnnjax.data.spoken_digits import SpokenDigits
from rnnjax.errors import DataError, DataUnavailableError
from tests.data.original_files import publish

FIRST, SECOND = (file.name for file in spoken_digits.SPOKEN_DIGIT.files)


def archive(members):
    """A compressed archive of ``{name: samples, or bytes}``, and of what does not belong there."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:xz") as packed:
        link = tarfile.TarInfo("set/recordings/0_eve_1.wav")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        packed.addfile(link)
        for name, samples in members.items():
            wave = io.BytesIO()
            if isinstance(samples, bytes):
                wave.write(samples)
            else:
                wavfile.write(wave, 8000, samples)
            info = tarfile.TarInfo(name)
            info.size = len(wave.getvalue())
            packed.addfile(info, io.BytesIO(wave.getvalue()))
    return file.getvalue()


def published(tmp_path, monkeypatch, first, second):
    files = {FIRST: archive(first), SECOND: archive(second)}
    source = publish(spoken_digits.SPOKEN_DIGIT, files, tmp_path)
    monkeypatch.setattr(spoken_digits, "SPOKEN_DIGIT", source)


def sound(length):
    return np.arange(length, dtype=np.int16)


def test_recordings_are_read_and_their_speakers_numbered(tmp_path, monkeypatch):
    first = {
        "set/recordings/7_zoe_12.wav": sound(300), "set/recordings/0_ann_3.wav": sound(200),
        "set/recordings/notes.txt": b"x", "../recordings/x_ann_1.wav": sound(9),
    }  # fmt: skip
    published(tmp_path, monkeypatch, first, {"set/recordings/5_bob_7.wav": sound(250)})
    data = spoken_digits.load("auto", tmp_path, cache_dir=tmp_path / "cache")
    own = data.recordings
    assert own.digits.tolist() == [7, 0, 5]
    assert own.voices.tolist() == [2, 1, 3]  # Bob is in the second archive
    assert own.takes.tolist() == [12, 3, 7]
    np.testing.assert_array_equal(own.wave(1) * 32768, sound(200))
    again = spoken_digits.load("spoken_digit", tmp_path, cache_dir=tmp_path / "cache")
    np.testing.assert_array_equal(again.recordings.samples, own.samples)


def test_what_is_no_recording_is_told(tmp_path, monkeypatch):
    published(tmp_path, monkeypatch, {"set/recordings/7_zoe_12.wav": b"RIFF"}, {})
    with pytest.raises(DataError, match=r"7_zoe_12\.wav can't be read"):
        spoken_digits.load("spoken_digit", tmp_path, cache_dir=tmp_path)
    both = np.stack((sound(200), sound(200)), axis=1)
    published(tmp_path, monkeypatch, {"set/recordings/7_zoe_12.wav": both}, {})
    with pytest.raises(DataError, match="no recording of one channel"):
        spoken_digits.load("spoken_digit", tmp_path, cache_dir=tmp_path)
    source = publish(spoken_digits.SPOKEN_DIGIT, {FIRST: b"no archive", SECOND: b""}, tmp_path)
    monkeypatch.setattr(spoken_digits, "SPOKEN_DIGIT", source)
    with pytest.raises(DataError, match="is damaged"):
        spoken_digits.load("spoken_digit", tmp_path, cache_dir=tmp_path)


def data_of(voices, takes, unheard=6):
    count = len(voices)
    waves = [np.full(400, i, np.int16) for i in range(count)]
    recordings = Recordings.of(waves, [i % 10 for i in range(count)], voices, takes)
    return SpokenDigits("x", "", "", recordings, unheard)


def test_takes_divide_the_known_voices_and_the_sixth_is_never_learnt_from():
    data = data_of([1, 1, 1, 2, 6, 6], [0, 7, 10, 49, 20, 0])
    which = {name: data.part(name).tolist() for name in ("train", "validation", "test", "unheard")}
    assert which == {
        "train": [False, False, True, True, False, False],
        "validation": [False, True, False, False, False, False],
        "test": [True, False, False, False, False, False],
        "unheard": [False, False, False, False, True, True],
    }
    other = data._replace(unheard=2)
    assert other.part("unheard").tolist() == [False, False, False, True, False, False]
    assert not (other.part("train") & (data.recordings.voices >= 2)).any()


def test_fixed_strings_know_their_boundaries():
    data = data_of([1, 1, 2, 2], [0, 1, 0, 1])
    heard = data.strings("test", 6, (2, 3))
    again = data.strings("test", 6, (2, 3))
    np.testing.assert_array_equal(heard.features, again.features)
    lasts = heard.ends - heard.begins
    for row, text in enumerate(heard.texts()):
        count = heard.strings.counts[row]
        assert len(text.split()) == count
        np.testing.assert_allclose(lasts[row, :count], 0.05)
        gaps = heard.begins[row, 1:count] - heard.ends[row, : count - 1]
        assert (gaps >= -1e-9).all()
        assert (gaps <= 0.1 + 1e-9).all()
        assert not heard.features[row, heard.mask[row].sum() :].any()


def test_a_stand_in_says_that_it_is_one(monkeypatch):
    def none(*args, **options):
        raise DataUnavailableError("They are not here.")

    monkeypatch.setattr(spoken_digits, "read_originals", none)
    monkeypatch.setattr(telephone_tones, "NUM_TAKES", 1)
    assert "NOT SPOKEN DIGITS" in str(spoken_digits.load().warning)
    for dataset, data_dir in (("spoken_digit", None), ("auto", "anywhere")):
        with pytest.raises(DataUnavailableError):
            spoken_digits.load(dataset, data_dir)
    data = spoken_digits.load("telephone_tones", leave_out=2)
    assert data.warning is None
    assert data.unheard == 2
    assert "voice 2: 10 recordings" in data.described()
    with pytest.raises(DataError, match="no data set 'songs'"):
        spoken_digits.load("songs")
    with pytest.raises(DataError, match="no voice 6 to leave out"):
        spoken_digits.load("telephone_tones", leave_out=6)


def test_a_tone_has_the_two_frequencies_of_its_key(monkeypatch):
    monkeypatch.setattr(telephone_tones, "NUM_TAKES", 1)
    own = telephone_tones.recorded()
    assert len(own.digits) == 60
    assert own.lengths.min() >= 480
    assert own.lengths.max() <= 1120
    power = noise = 0.0
    for number in range(60):
        wave = own.wave(number)
        spectrum = np.abs(np.fft.rfft(wave * np.hanning(len(wave)), 8000))
        low, high = telephone_tones.frequencies(int(own.digits[number]))
        assert abs(spectrum[650:1000].argmax() + 650 - low) < 0.02 * low
        assert abs(spectrum[1100:1600].argmax() + 1100 - high) < 0.02 * high
        power += np.square(wave).sum()
        noise += len(wave) * telephone_tones.NOISE**2
    np.testing.assert_allclose(power / noise, 11, rtol=0.05)  # 10 dB, and the noise itself


def test_scores_count_edits_and_distances():
    answers, references = ["1 2 3", "5 6"], ["1 3", "5 7"]
    figures = string_scores.rates(answers, references)
    assert figures == {"digit_error": 0.5, "string_accuracy": 0.0}
    begins, ends = np.array([[0.1, 0.5], [0.2, 0.6]]), np.array([[0.3, 0.7], [0.4, 0.8]])
    times = [[0.0, 0.4, 0.6], [0.45, 0.7]]
    found = string_scores.distances(answers, times, references, begins, ends)
    np.testing.assert_allclose(found, [0.1, 0.0, 0.05])


def test_pieces_lie_between_silence_and_long_ones_are_cut_where_it_is_quiet():
    energy = np.full(100, -1.0)
    energy[10:30] = energy[50:90] = 1.0
    energy[72] = -0.2
    frames = np.repeat(energy[:, None], 2, axis=1)
    found = nearest_digits.pieces(frames, 0.0, 6, 60)
    assert found == [(10, 30), (50, 90)]
    first, *cut = nearest_digits.pieces(frames, 0.0, 6, 30)
    assert first == (10, 30)
    assert cut[0][0] == 50
    assert cut[0][1] == cut[1][0]
    assert abs(cut[0][1] - 72) <= 2
    assert cut[1][1] == 90
    assert nearest_digits.pieces(frames, 0.0, 25, 60) == [(50, 90)]


def test_a_piece_is_stretched_to_one_length():
    frames = np.linspace(0, 1, 7)[:, None] * [[1.0, 3.0]]
    found = nearest_digits.stretched(frames).reshape(nearest_digits.FRAMES, 2)
    line = np.linspace(0, 1, nearest_digits.FRAMES)
    exact = (line - line.mean()) / line.std()
    np.testing.assert_allclose(found, np.repeat(exact[:, None], 2, axis=1), rtol=1e-4)


def test_the_nearest_recording_understands_what_it_has_heard(monkeypatch):
    rng = np.random.default_rng(0)
    time = np.arange(2400) / 8000
    waves, digits, voices, takes = [], [], [], []
    for digit in range(3):
        for take in (0, 5, 10, 11):
            chirp = np.sin(2 * np.pi * (300 + 900 * digit + 800 * time) * time)
            sound = 0.3 * chirp * np.hanning(2400) + 1e-4 * rng.normal(size=2400)
            waves.append(np.round(32768 * sound).astype(np.int16))
            digits.append(digit)
            voices.append(1)
            takes.append(take)
    recordings = Recordings.of(waves, digits, voices, takes)
    data = SpokenDigits("x", "", "", recordings, 6)
    heard = {name: data.strings(name, 5, (1, 1)) for name in ("validation", "test")}
    for name, values in (("THRESHOLDS", (-0.4, 5.0)), ("LONGEST_FRAMES", (80,))):
        monkeypatch.setattr(nearest_digits, name, values)
    found = nearest_digits.metrics(data, heard["validation"], {"test": heard["test"]})
    assert found.keys() == {"test_digit_error", "test_string_accuracy"}
    assert found["test_digit_error"] <= 0.2
