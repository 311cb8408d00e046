"""The script on sentences that a program makes."""

from __future__ import annotations

import json

import jax
import numpy as np
import pytest

from rnnjax.data import slot_sentences
from rnnjax.data.sentence_pairs import encoded
from tests.experiments.starting import assert_refused, start


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("similarity") / "run"
    done = start(
        "text_similarity", "--dataset=slot_sentences", "--hidden_size=24", "--epochs=12",
        "--learning_rate=0.01", "--head=manhattan", "--pooling=mean", "--max_length=8",
        f"--workdir={folder}",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder, done.stdout


@pytest.mark.slow
def test_synonyms_are_learnt(run):
    folder, said = run
    result = json.loads((folder / "result.json").read_text())
    assert result["test_pearson"] > 0.93
    baselines = result["baselines"]
    assert max(own["test_pearson"] for own in baselines.values()) < result["test_pearson"]
    assert len(result["furthest"]) == 5
    assert "furthest from people" in said
    for name in ("curves", "scores", "units"):
        assert (folder / f"{name}.png").stat().st_size > 10_000


@pytest.mark.slow
def test_sentences_of_a_user_are_compared(run, tmp_path):
    folder, _ = run
    pair = "the man hides the cup in the sea | the gentleman conceals the mug in the ocean"
    done = start("text_similarity", f"--workdir={folder}", f"--compare={pair}")
    assert done.returncode == 0, done.stderr
    score = float(done.stdout.split()[0])
    assert score > 3.5
    out = tmp_path / "out"
    done = start("text_similarity", f"--workdir={folder}", f"--export={out}")
    assert done.returncode == 0, done.stderr
    model = jax.export.deserialize(bytearray((out / "model.stablehlo").read_bytes()))
    _, *words = json.loads((out / "words.json").read_text())
    sides = [array for s in pair.split("|") for array in encoded([s], tuple(words), 8)]
    assert float(np.asarray(model.call(*sides)["scores"])[0]) == pytest.approx(score, abs=0.006)
    asked = slot_sentences.stand_in().test.second[0]
    done = start("text_similarity", f"--workdir={folder}", f"--nearest={asked}")
    assert done.returncode == 0, done.stderr
    assert asked in done.stdout.splitlines()[0]
    assert_refused(
        start("text_similarity", f"--workdir={folder}", "--compare=qwxyz | the man"),
        "none of the words of 'qwxyz'",
    )
    assert_refused(
        start("text_similarity", f"--workdir={folder}", "--compare=the man"),
        "two sentences",
    )
