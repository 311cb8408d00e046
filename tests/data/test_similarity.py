"""Pairs of sentences: what is read, made up, and reached by simple means."""

import numpy as np
import pytest

from rnnjax.data import similarity, similarity_baselines, slot_sentences, word_vectors
from rnnjax.data.sentence_pairs import Scored, encoded
from rnnjax.errors import DataError, DataUnavailableError
from rnnjax.training.similarity_losses import similarity_metrics

HEADER = "id\tsentence_A\tsentence_B\trelatedness_score\n"
GLOVE = b"a 1 2\ndog 0.5 -1\nruns 3 4\ncat 0 1\n"


def test_vectors_are_those_of_the_words_that_are_wanted(tmp_path):
    found = word_vectors.parse(GLOVE.splitlines(), ["dog", "a", "unseen"], "v.txt")
    assert found.words == ("<unknown>", "a", "dog")
    assert found.matrix.tolist() == [[0, 0], [1, 2], [0.5, -1]]
    headed = [b"4 2", *GLOVE.splitlines()]
    assert word_vectors.parse(headed, ["cat"], "v.txt").matrix.tolist() == [[0, 0], [0, 1]]
    path = tmp_path / "v.txt"
    path.write_bytes(GLOVE)
    assert word_vectors.read(str(path), ["runs"]).matrix[1].tolist() == [3, 4]


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([b"a 1 2", b"dog 1"], "line 2: a word and 2 numbers"),
        ([b"a 1 2", b"dog 1 x"], "line 2"),
        ([b"a 1 nan"], "line 1"),
        ([b"once upon a time"], "none of the words"),
        ([], "none of the words"),
    ],
)
def test_what_are_no_vectors_is_told(lines, said):
    with pytest.raises(DataError, match=said):
        word_vectors.parse(lines, ["a", "dog"], "v.txt")


def test_sentences_are_numbers_of_words_and_never_empty():
    found = encoded(["A dog runs!", "", "cat cat unseen a"], ("?", "a", "cat", "dog"), 3)
    assert found.numbers.tolist() == [[1, 3, 0], [0, 0, 0], [2, 2, 0]]
    assert found.mask.tolist() == [[True] * 3, [True, False, False], [True] * 3]


def test_a_table_of_ones_own_is_divided(tmp_path):
    table, vectors = tmp_path / "mine.tsv", tmp_path / "v.txt"
    rows = [f"{i}\ta dog {i}\ta cat runs\t{1 + i / 5}\n" for i in range(20)]
    table.write_text(HEADER + "".join(rows))
    vectors.write_bytes(GLOVE)
    data = similarity.load(pairs=str(table), vectors=str(vectors))
    assert data.name == "mine"
    assert (len(data.train.scores), len(data.validation.scores)) == (16, 2)
    assert data.test.first == ("a dog 9", "a dog 19")
    assert data.vectors.words == ("<unknown>", "a", "cat", "dog", "runs")
    assert "16 to train, 2 to validate, 2 to test" in data.described()
    with pytest.raises(DataError, match="name a file in GloVe's text form with --vectors"):
        similarity.load(pairs=str(table))
    table.write_text(HEADER + rows[0])
    with pytest.raises(DataError, match="has 1 pairs; at least 10"):
        similarity.load(pairs=str(table), vectors=str(vectors))
    with pytest.raises(DataError, match="can't be read"):
        similarity.load(pairs=str(tmp_path / "none.tsv"), vectors=str(vectors))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no column 'sentence_A'"),
        ("sentence_A\tsentence_B\n", "no column 'relatedness_score'"),
        (HEADER, "no pairs below its header"),
        (f"{HEADER}1\ta\tb\n", "line 2: 3 cells, but the header has 4"),
        (f"{HEADER}1\ta\t...\t3\n", "line 2: a sentence has no word"),
        (f"{HEADER}1\ta\tb\t6\n", "line 2: '6' is no score from 1 to 5"),
        (f"{HEADER}1\ta\tb\tgood\n", "'good' is no score"),
        (f"{HEADER}1\t{'a' * 200_000}\tb\t3\n", "no table with tabs"),
    ],
)
def test_what_is_no_table_of_pairs_is_told(text, said):
    with pytest.raises(DataError, match=said):
        similarity.read_table(text, "mine.tsv", similarity.COLUMNS)


def test_a_stand_in_says_that_it_is_one(monkeypatch):
    def none(*args, **options):
        raise DataUnavailableError("It is not here.")

    monkeypatch.setattr(similarity, "read_originals", none)
    assert "NOT SICK" in str(similarity.load().warning)
    for dataset, data_dir in (("sick", None), ("auto", "anywhere")):
        with pytest.raises(DataUnavailableError):
            similarity.load(dataset, data_dir)
    assert similarity.load("slot_sentences").warning is None
    with pytest.raises(DataError, match="no data set 'songs'"):
        similarity.load("songs")


def test_made_up_scores_count_the_slots_that_mean_the_same():
    part = slot_sentences.pairs(200, np.random.default_rng(0))
    meaning = {
        word: number
        for number, both in enumerate(both for slot in slot_sentences.SLOTS for both in slot)
        for word in both.split("|")
    }
    for one, other, score in zip(*part, strict=True):
        a, b = ([meaning[w] for w in s.split() if w in meaning] for s in (one, other))
        assert len(a) == len(b) == 4
        assert score == 1 + sum(x == y for x, y in zip(a, b, strict=True))
    differ = [a != b for a, b, score in zip(*part, strict=True) if score == 5]
    assert any(differ)
    assert slot_sentences.stand_in().test.first == slot_sentences.stand_in().test.first


def test_simple_means_see_what_they_are_named_after():
    data = slot_sentences.stand_in()
    small = data._replace(train=data.train.chosen(range(150)), test=data.test.chosen(range(100)))
    features = similarity_baselines.Features(small)
    pair = Scored(("the man",), ("the lady man",), np.ones(1, np.float32))
    assert features.overlap(pair).tolist() == [2 / 3]
    a, b = (features.vectors(own).mean(axis=0) for own in ("the man", "the lady man"))
    cosine = a @ b / np.linalg.norm(a) / np.linalg.norm(b)
    assert features.cosine(pair)[0] == pytest.approx(cosine)
    assert np.isfinite(features.made(small.train)).all()
    found = similarity_baselines.metrics(small, similarity_metrics)
    assert len(found) == 4
    assert 0.5 < found["overlap of words"]["test_pearson"] < 1
