"""Music as frames: files as published and of one's own, a canon, and what tables make of them."""

import io
import json
import math

import numpy as np
import pytest
from scipy.io import savemat

from rnnjax.data import canon, chorales, roll_baselines
from rnnjax.data.music_pieces import Music, Pieces
from rnnjax.data.piano_rolls import PARTS, read_rolls
from rnnjax.errors import DataError, DataUnavailableError
from tests.data.original_files import publish


def cells(pieces):
    found = np.empty((1, len(pieces)), object)
    for i, piece in enumerate(pieces):
        found[0, i] = piece
    return found


def as_mat(**parts):
    file = io.BytesIO()
    savemat(file, {name: cells(pieces) for name, pieces in parts.items()})
    return file.getvalue()


def some(rng, *lengths):
    rolls = [np.zeros((n, 88), np.uint8) for n in lengths]
    for roll in rolls:
        roll[:, 30:60] = rng.random((len(roll), 30)) < 0.3
    return rolls


def rolls_of(rng):
    return {name: some(rng, 3, 6) for name in PARTS}


def test_published_rolls_are_read_and_moved_down_an_octave(tmp_path, monkeypatch):
    parts = rolls_of(np.random.default_rng(0))
    source = publish(chorales.ORIGINALS["jsb"], {"JSB_Chorales.mat": as_mat(**parts)}, tmp_path)
    monkeypatch.setitem(chorales.ORIGINALS, "jsb", source)
    data = chorales.load("jsb", tmp_path)
    found = list(data.test.each())
    for own, piece in zip(found, parts["testdata"], strict=True):
        np.testing.assert_array_equal(own[:, :-12], piece[:, 12:])
    assert data.test.lengths.tolist() == [3, 6]
    assert "public domain" in data.described()


def test_voices_become_symbols_and_sound_again(tmp_path, monkeypatch):
    pieces = {"train": [[[62, 60, -1, 50], [64, 60, 55, 50]]] * 2, "valid": [[[60] * 4] * 3],
              "test": [[[61, -1, 60, 52]] * 2]}  # fmt: skip
    contents = {"Jsb16thSeparated.json": json.dumps(pieces).encode()}
    source = publish(chorales.ORIGINALS["jsb16"], contents, tmp_path)
    monkeypatch.setitem(chorales.ORIGINALS, "jsb16", source)
    data = chorales.load("jsb16", tmp_path)
    assert data.pitches == (-1, *range(50, 65))
    assert data.train.frames[0].tolist() == [[13, 11, 0, 1], [15, 11, 6, 1]]
    assert np.flatnonzero(data.roll(data.train.frames[0])[0]).tolist() == [29, 39, 41]


def test_own_rolls_and_what_is_refused_of_them(tmp_path):
    parts = rolls_of(np.random.default_rng(1))
    own = tmp_path / "mine.mat"
    own.write_bytes(as_mat(**parts))
    data = chorales.load(roll=str(own), per_quarter=2)
    assert (data.name, data.per_quarter, data.train.lengths.tolist()) == ("mine", 2, [3, 6])
    np.testing.assert_array_equal(next(data.train.each()), parts["traindata"][0])
    with pytest.raises(DataError, match="can't be read"):
        chorales.load(roll=str(tmp_path / "none.mat"))
    whole = as_mat(**parts)
    for contents in (b"", b"no music" * 40, whole[:200], whole[: len(whole) // 2]):
        with pytest.raises(DataError, match=r"^x\.mat "):
            read_rolls(contents, "x.mat")
    wrong = {"no pieces in testdata": {**parts, "testdata": []},
             r"shape \(3, 87\)": {**parts, "validdata": [np.zeros((3, 87))]},
             "numbers other than 0 and 1": {**parts, "traindata": [np.full((3, 88), 2)]},
             "fewer than two steps": {**parts, "traindata": [np.zeros((1, 88))]}}  # fmt: skip
    for message, given in wrong.items():
        with pytest.raises(DataError, match=message):
            read_rolls(as_mat(**given), "x.mat")


def test_a_stand_in_says_that_it_is_one(monkeypatch):
    def none(*args, **options):
        raise DataUnavailableError("They are not here.")

    monkeypatch.setattr(chorales, "read_originals", none)
    assert "NOT THE CHORALES" in str(chorales.load().warning)
    for dataset, data_dir in (("jsb", None), ("auto", "anywhere")):
        with pytest.raises(DataUnavailableError):
            chorales.load(dataset, data_dir)
    assert chorales.load("canon").warning is None
    with pytest.raises(DataError, match="no data set 'songs'"):
        chorales.load("songs")


def test_the_second_voice_repeats_the_first_and_the_limit_is_the_entropy():
    roll = canon.canon(np.random.default_rng(0), 40)
    upper = roll[:, canon.SCALE].argmax(axis=1)
    assert set(np.diff(upper) % 7) == {0, 1, 6}
    np.testing.assert_array_equal(roll[8:, canon.SCALE - 12], roll[:-8, canon.SCALE])
    assert roll[:8].sum() == 8
    assert roll[8:].sum() == 64
    binary = -(math.log(1 / 3) / 3 + 2 * math.log(2 / 3) / 3)
    assert pytest.approx(3 * binary, abs=1e-12) == canon.BEST_LOSS
    assert round(canon.BEST_LOSS, 4) == 1.9095


def test_parts_of_a_long_piece_predict_each_frame_once():
    pieces = Pieces.of([np.arange(n)[:, None] for n in (9, 2, 5, 1)])
    parts = list(pieces.cut(4).each())
    predicted = [frame for part in parts for frame in part[1:, 0].tolist()]
    assert predicted == [*range(1, 9), 1, *range(1, 5)]
    assert max(map(len, parts)) == 5


def music(train, test, pitches=(), per_quarter=1):
    part = Pieces.of(train)
    return Music(name="x", origin="", licence="", train=part, validation=part, test=Pieces.of(test),
                 per_quarter=per_quarter, pitches=pitches)  # fmt: skip


def test_tables_of_keys_are_counts_written_out():
    rng = np.random.default_rng(2)
    train, test = some(rng, 7, 4), some(rng, 5, 2)
    data = music(train, test)
    for given in (False, True):
        nats = []
        for roll in test:
            for t in range(1, len(roll)):
                total = 0.0
                for key in range(88):
                    seen = [(int(r[s - 1, key]) if given else 0, int(r[s, key]))
                            for r in train for s in range(1, len(r))]  # fmt: skip
                    own = int(roll[t - 1, key]) if given else 0, int(roll[t, key])
                    total -= math.log((seen.count(own) + 1) / (
                        sum(a == own[0] for a, _ in seen) + 2))  # fmt: skip
                nats.append(total)
        assert roll_baselines.key_loss(data, given) == pytest.approx(np.mean(nats), abs=1e-10)


def test_tables_of_voices_are_counts_written_out():
    rng = np.random.default_rng(3)
    train, test = ([rng.integers(0, 3, (n, 2)) for n in own] for own in ((9, 6), (5, 3)))
    data = music(train, test, pitches=(-1, 60, 61), per_quarter=2)
    nats = []
    for piece in test:
        for t in range(1, len(piece)):
            total = 0.0
            for v in range(2):
                seen = [(s % 2, r[s - 1, v], r[s, v]) for r in train for s in range(1, len(r))]
                own = (t % 2, piece[t - 1, v], piece[t, v])
                same = sum(a[:2] == own[:2] for a in seen)
                total -= math.log((seen.count(own) + 1 / 3) / (same + 1))
            nats.append(total)
    assert roll_baselines.voice_loss(data, 2, 3) == pytest.approx(np.mean(nats), abs=1e-10)
    found = roll_baselines.metrics(data)["own last note and place in the quarter"]
    assert found["test_loss"] == pytest.approx(np.mean(nats) / 2, abs=1e-10)
