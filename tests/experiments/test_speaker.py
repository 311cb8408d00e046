"""The script on made-up voices."""

from __future__ import annotations

import json
from typing import Any

import jax
import numpy as np
import pytest

from experiments import speaker
from rnnjax import LSTM, Bidirectional
from rnnjax.data import drifting_voices
from rnnjax.models import SequenceClassifier
from tests.experiments.starting import assert_refused, start
from tests.running import quick_jit


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("speaker") / "run"
    done = start(
        "speaker", "--dataset=drifting_voices", "--hidden_size=32", "--epochs=12", "--hold_out",
        "--eval_every=500", f"--workdir={folder}",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder, done.stdout


@pytest.mark.slow
def test_voices_are_told_apart_about_as_well_as_can_be(run):
    folder, said = run
    result = json.loads((folder / "result.json").read_text())
    assert result["best_accuracy"] == drifting_voices.stand_in().best_accuracy
    assert result["test_accuracy"] > result["best_accuracy"] - 0.12
    assert set(result["baselines"]) == {
        "logistic regression on summaries", "nearest neighbour by summaries",
    }  # fmt: skip
    assert "best possible test accuracy" in said
    for name in ("curves", "confusion", "growing"):
        assert (folder / f"{name}.png").stat().st_size > 10_000
    history = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    assert "validation_accuracy" in history[0]


@pytest.mark.slow
def test_an_exported_run_tells_the_same(run, tmp_path):
    folder, _ = run
    out = tmp_path / "out"
    done = start("speaker", f"--workdir={folder}", f"--export={out}")
    assert done.returncode == 0, done.stderr
    model = jax.export.deserialize(bytearray((out / "model.stablehlo").read_bytes()))
    test = drifting_voices.stand_in().test
    logits = model.call(test.values, test.mask)["logits"]
    result = json.loads((folder / "result.json").read_text())
    reached = np.mean(np.asarray(logits).argmax(axis=-1) == test.labels)
    assert reached == pytest.approx(result["test_accuracy"], abs=1e-6)


@pytest.mark.parametrize("both_ways", [False, True])
@pytest.mark.usefixtures("x64")
def test_neither_the_side_of_the_padding_nor_batch_mates_change_anything(both_ways):
    layer = Bidirectional(LSTM(2, 3)) if both_ways else LSTM(2, 3)
    model = SequenceClassifier(layer, 4)
    rng = np.random.default_rng(0)
    values, lengths = rng.normal(size=(3, 7, 2)), np.array([7, 3, 1])
    mask = np.arange(7) < lengths[:, None]
    params = model.init(jax.random.key(0), values)["params"]
    params = jax.tree.map(lambda a: rng.normal(size=a.shape), params)
    logits = quick_jit(lambda xs, mask: model.apply({"params": params}, xs, mask=mask))
    found = logits(values, mask)
    before = np.stack([np.roll(own, 7 - n, axis=0) for own, n in zip(values, lengths, strict=True)])
    np.testing.assert_allclose(logits(before, mask[:, ::-1]), found, atol=1e-12)
    for row, length in enumerate(lengths):
        alone: Any = model.apply({"params": params}, values[row : row + 1, :length])
        np.testing.assert_allclose(alone, found[row : row + 1], atol=1e-12)


def test_files_that_do_not_belong_together_are_told(tmp_path):
    with pytest.raises(speaker.xp.UsageError, match="--train_file and --test_file belong together"):
        speaker.Config(train_file="mine.ts")
    mine = tmp_path / "mine.ts"
    mine.write_text("@data\n1,2:a\n")
    done = start("speaker", f"--train_file={mine}", f"--test_file={mine}")
    assert_refused(done, "names no classes")
