"""Who speaks: files of one's own, made-up voices, and what simple methods make of them."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from rnnjax.data import sequence_baselines, speakers
from rnnjax.data.drifting_voices import Voices, stand_in
from rnnjax.data.labelled_sequences import LabelledSequences, Sequences
from rnnjax.errors import DataError, DataUnavailableError

HEADER = "@timeStamps false\n@classLabel true a b\n@data\n"


def test_sequences_are_padded_behind():
    found = Sequences.of([np.ones((2, 3)), np.full((4, 3), 2.0)], [1, 0], 5)
    assert found.values.shape == (2, 5, 3)
    assert found.lengths.tolist() == [2, 4]
    np.testing.assert_array_equal(found.mask.sum(axis=1), found.lengths)
    np.testing.assert_array_equal(found.values[0, 2:], 0)
    other = found.chosen(np.array([False, True]))
    assert other.labels.tolist() == [0]
    assert other.values.tolist() == found.values[1:].tolist()


def test_the_likeliest_voice_is_that_of_the_joint_normal_law():
    rng = np.random.default_rng(0)
    voices = Voices.drawn(rng)
    spoken = voices.speak(rng, np.array([0, 1]), 6)[1]
    found = voices.log_likelihoods(spoken)
    lags = np.abs(np.subtract.outer(np.arange(6), np.arange(6)))
    for k, (mean, decay) in enumerate(zip(voices.means, voices.decays, strict=True)):
        laws = [multivariate_normal(np.full(6, m), decay**lags) for m in mean]
        joint = sum(law.logpdf(track) for law, track in zip(laws, spoken.T, strict=True))
        constant = -0.5 * spoken.size * np.log(2 * np.pi)
        np.testing.assert_allclose(found[k], joint - constant, atol=1e-10)


def test_voices_have_the_moments_of_their_law():
    voices = Voices(np.array([[1.0, -2.0]]), np.array([0.8]))
    spoken = voices.speak(np.random.default_rng(1), np.array([0]), 20_000)[0]
    np.testing.assert_allclose(spoken.mean(axis=0), [1, -2], atol=0.1)
    apart = spoken - [1, -2]
    np.testing.assert_allclose((apart**2).mean(axis=0), 1, atol=0.1)
    np.testing.assert_allclose((apart[1:] * apart[:-1]).mean(axis=0), 0.8, atol=0.1)


def test_made_up_voices_can_be_told_apart_but_not_by_chance_alone():
    data = stand_in()
    assert data.best_accuracy is not None
    assert 0.8 < data.best_accuracy < 1
    assert data.train.lengths.min() == 7
    assert data.train.values.shape == (4000, 29, 4)
    assert stand_in().test.values.tolist() == data.test.values.tolist()
    assert stand_in(seed=1).best_accuracy != data.best_accuracy
    assert "8; 4,000 sequences to train, 400 to test" in data.described()


def test_two_files_of_ones_own_are_one_data_set(tmp_path):
    train, test = tmp_path / "mine_TRAIN.ts", tmp_path / "mine_TEST.ts"
    train.write_text(f"{HEADER}1,2:3,4:a\n5:6:b\n")
    test.write_text(f"{HEADER}1,2,3:4,5,6:b\n")
    data = speakers.load(files=(str(train), str(test)))
    assert data.name == "mine"
    assert data.class_names == ("a", "b")
    assert data.train.values.shape == (2, 3, 2)
    assert data.test.labels.tolist() == [1]
    test.write_text(f"{HEADER.replace('a b', 'a c')}1:2:a\n")
    with pytest.raises(DataError, match="different classes"):
        speakers.load(files=(str(train), str(test)))
    test.write_text(f"{HEADER}1:a\n")
    with pytest.raises(DataError, match="have 2 and 1 features"):
        speakers.load(files=(str(train), str(test)))
    with pytest.raises(DataError, match="can't be read"):
        speakers.load(files=(str(train), str(tmp_path / "none.ts")))


def test_a_stand_in_says_that_it_is_one(monkeypatch):
    def none(*args, **options):
        raise DataUnavailableError("They are not here.")

    monkeypatch.setattr(speakers, "read_originals", none)
    assert "NOT THE JAPANESE VOWELS" in str(speakers.load().warning)
    for dataset, data_dir in (("japanese_vowels", None), ("auto", "anywhere")):
        with pytest.raises(DataUnavailableError):
            speakers.load(dataset, data_dir)
    assert speakers.load("drifting_voices").warning is None
    with pytest.raises(DataError, match="no data set 'songs'"):
        speakers.load("songs")


def test_simple_methods_see_summaries_of_the_real_steps_alone():
    rng = np.random.default_rng(0)
    labels = np.arange(60) % 2
    spoken = [rng.normal(loc=3 * k, size=(int(rng.integers(2, 6)), 2)) for k in labels]
    every = Sequences.of(spoken, labels.tolist(), 9)
    data = LabelledSequences("x", "", "", ("a", "b"), every, every.chosen(labels >= 0))
    found = sequence_baselines.metrics(data)
    assert len(found) == 2
    assert all(figures["test_accuracy"] > 0.95 for figures in found.values())
    wider = every._replace(values=np.pad(every.values, ((0, 0), (0, 3), (0, 0)), constant_values=9))
    np.testing.assert_array_equal(
        sequence_baselines.summaries(wider), sequence_baselines.summaries(every)
    )
