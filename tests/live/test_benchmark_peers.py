"""The sides of the benchmark in PyTorch and Keras compute what rnnjax does."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from benchmarks.language.work import LanguageWork
from benchmarks.measure import Group
from benchmarks.peers import OURS, Settings
from benchmarks.process import SideFailedError
from benchmarks.runs import PEER_RUNS, Runner
from benchmarks.work import Row, Work

PEERS = ("torch", "keras_tensorflow", "keras_jax")
TEXT = Work("text", "lstm", 3, 4, 5, 6, 1, num_words=7, dense_size=8, bidirectional=True)
ROWS = [
    Row("rnn", "train", Work("rnn", "simple_rnn", 3, 4, 5, 6, two_biases=True)),
    Row("text", "train", TEXT),
    Row("text", "forward", TEXT),
    Row("layer", "train", Work("layer", "gru", 3, 4, 5, 6, every_step=True)),
    Row("layer", "forward", Work("layer", "lstm", 3, 4, 5, 6, every_step=True)),
    Row("lstm-stream", "stream", Work("stream", "lstm", 1, 1, 5, 6)),
    Row("gru-stream", "stream", Work("stream", "gru", 1, 1, 5, 6)),
]


@pytest.fixture(scope="module")
def group():
    with Group([OURS, *PEERS], Settings(threads=1), lambda text: None) as made:
        yield made


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.name}-{row.kind}")
def test_agreement(group, row):
    sides = group.measure_row(row, rounds=1, min_seconds=0.001)["sides"]
    for peer in PEERS:
        measured = sides[peer]
        assert measured["status"] == "timed", measured.get("reason")
        assert measured["ratio"]["median"] > 0
        if row.kind == "train":
            assert 0 < measured["differences"]["gradients"] < 1e-5
    variants = [v["variant"] for v in sides["keras_tensorflow"]["variants"]]
    assert len(variants) == (2 if row.kind == "stream" else 4)
    assert sides["keras_tensorflow"]["variant"] in variants


LETTERS = LanguageWork("letters", 3, 4, 11, 6)
WORDS = LanguageWork("words", 3, 5, 40, 8, 7, (10, 25), 2.0)
MANY = dataclasses.replace(LETTERS, batch=40, steps=60)
LANGUAGE_ROWS = [
    Row("letters", "train", LETTERS),
    Row("letters", "sample", MANY),
    Row("words", "train", WORDS),
]


@pytest.mark.parametrize("row", LANGUAGE_ROWS, ids=lambda row: f"{row.name}-{row.kind}")
def test_agreement_of_language_models(group, row):
    sides = group.measure_row(row, rounds=1, min_seconds=0.001)["sides"]
    for peer in PEERS:
        expected = "left out" if peer != "torch" and row.work.cutoffs else "timed"
        assert sides[peer]["status"] == expected, sides[peer].get("reason")
    assert len(sides["torch"]["variants"]) == (3 if row.kind == "sample" else 4)


@pytest.fixture
def runner(tmp_path):
    """Runs on images of which every class has a bright row of its own."""
    rng = np.random.default_rng(0)
    arrays = {}
    for name, count in (("train", 5000), ("test", 200)):
        labels = rng.integers(0, 10, count, np.int32)
        images = rng.integers(0, 30, (count, 28, 28)).astype(np.uint8)
        images[np.arange(count), 2 * labels + 6] += 200
        arrays |= {name: images, f"{name}_labels": labels}
    np.savez(tmp_path / "images.npz", **arrays)
    return Runner(tmp_path, data_dir=None, steps=501)


@pytest.mark.parametrize("side", PEER_RUNS)
def test_whole_runs_learn(runner, side):
    done = runner.run_side(side)
    assert done["test_accuracy"] > 0.5
    assert done["seconds"] > 0.5
    assert done["peak_memory"] > 100 * 2**20


def test_a_whole_run_without_data_fails(tmp_path):
    with pytest.raises(SideFailedError, match=r"code 1: FileNotFoundError"):
        Runner(tmp_path, data_dir=None).run_side("torch")
