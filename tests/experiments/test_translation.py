"""The script on number words, and on two files of a user's."""

from __future__ import annotations

import io
import json
from types import SimpleNamespace
from typing import Any

import jax
import pytest
from matplotlib.image import imread
from rich.console import Console

from experiments import translation
from rnnjax.data.pairs import PairDataset, Pairs
from rnnjax.experiment.command_line import merge
from rnnjax.reports.tables import count_params
from tests.experiments.starting import assert_refused, start

TINY = (
    "--hidden_size=32", "--embedding_size=32", "--length_groups=1", "--max_length=12",
    "--dropout=0", "--readout_dropout=0", "--tied",
)  # fmt: skip


@pytest.mark.parametrize(
    ("preset", "published"),
    [("seq2seq", 13_898_501), ("cho", 14_219_781), ("bahdanau", 20_518_405)],
)
def test_presets_have_at_most_the_published_parameters(preset, published):
    config = merge(translation.Config, translation.PRESETS, {"preset": preset})
    model = translation.ed.build_model(config, 7_853, 5_893)
    params = jax.eval_shape(translation.pair_tasks.initial(config, model), jax.random.key(0))
    assert 0.98 * published < count_params(params) <= published


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("translation") / "run"
    done = start(
        "translation", "--dataset=numbers", *TINY, "--epochs=1", "--learning_rate=0.01",
        f"--workdir={folder}",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.slow
def test_number_words_are_learnt(run):
    result = json.loads((run / "result.json").read_text())
    assert result["test_bleu"] > 30
    assert result["test_perplexity"] < 3
    assert "tok:none" in result["bleu_signature"]
    assert result["bleu_by_length"].keys() == {"1 to 8 words", "9 to 12 words"}
    assert 1 < result["test_fed_back_perplexity"] < 1000
    assert 0 < result["baselines"]["word table"]["test_bleu"] < 100
    assert "raw_bleu" not in result
    assert (run / "curves.png").exists()
    assert imread(run / "attention.png").std() > 0.05
    assert imread(run / "lengths.png").std() > 0.05
    assert (run / "translations.txt").read_text().count("right: ") == 1_000


@pytest.mark.slow
def test_a_run_translates(run):
    done = start("translation", f"--workdir={run}", "--translate=-", stdin=b"seven\nten\n")
    assert done.returncode == 0, done.stderr
    first, second = done.stdout.splitlines()[-2:]
    assert first
    assert second
    one = start("translation", f"--workdir={run}", "--translate=ten")
    assert one.stdout.splitlines()[-1] == second
    three = start("translation", f"--workdir={run}", "--translate=ten", "--num_answers=3")
    lines = [line.strip().split("  ", 1) for line in three.stdout.splitlines()[-3:]]
    scores = [float(score) for score, _ in lines]
    assert sorted(scores, reverse=True) == scores
    assert len({text for _, text in lines}) == 3
    assert_refused(
        start("translation", f"--workdir={run}", f"--translate={'ten ' * 20}"),
        "a sentence of 20 words is longer than the 12 symbols",
    )


@pytest.mark.slow
def test_two_files_are_learnt_from(tmp_path):
    lines = ["a b c d", "b a", "c c d", "d a b"] * 20
    for name, text in (("x", lines), ("y", [line[::-1] for line in lines])):
        (tmp_path / name).write_text("\n".join(text) + "\n")
    files = (f"--source={tmp_path / 'x'}", f"--target={tmp_path / 'y'}")
    done = start(
        "translation", *files, *TINY, "--units=subwords", "--merges=3", "--epochs=1",
        "--batch_size=8", f"--workdir={tmp_path / 'run'}",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (tmp_path / "y").write_text("one\n")
    assert_refused(start("translation", *files, "--dry_run"), "has 80 lines and")


def test_one_file_alone_is_refused():
    with pytest.raises(translation.xp.UsageError, match="belong together"):
        translation.Config(source="x")


GERMAN = (
    "ein hund läuft .", "ein mann , der lacht .", "eine " * 20 + "sonnenblumenfelderreihe",
    "eine fußballmannschaft .", "zwei , die gehen und stehen , sind hier .", "drei frauen .",
)  # fmt: skip


def test_sentences_that_tell_are_found():
    assert translation.telling(GERMAN) == [1, 3, 0, 4]
    assert translation.telling(["...", "ten"]) == [1, 0]


def outcome(raw):
    """Of two seeds, of which the first one is right."""
    targets = ("a dog runs fast .", "the dog runs fast")
    own = Pairs(("ein hund rennt .", "der hund rennt"), tuple((t,) for t in targets), raw)
    text = io.StringIO()
    run: Any = SimpleNamespace(
        console=Console(file=text, width=200),
        data=PairDataset("mine", "here", "none", "German", "English", own, own, own),
        outputs=[list(targets), ["a dog runs fast .", "the cat runs fast"]],
    )
    return run, text


def test_raw_texts_are_told_where_they_are(monkeypatch):
    run, text = outcome(("A dog runs fast.", "The dog runs fast"))
    found = translation.against_raw(run)
    second = translation.raw_bleu(run.outputs[1], run.data.test.raw_references, "en").score
    assert found["raw_bleu"] == pytest.approx((100 + second) / 2)
    assert "tok:13a" in found["raw_bleu_signature"]
    assert f"against raw texts: BLEU {found['raw_bleu']:.2f} (nrefs:1|case:lc" in text.getvalue()
    assert translation.against_raw(outcome(None)[0]) == {}

    def missing(*_):
        raise translation.xp.UsageError("sacremoses is not installed")

    monkeypatch.setattr(translation, "raw_bleu", missing)
    assert translation.against_raw(run) == {}
    assert text.getvalue().endswith("sacremoses is not installed\n")


def test_a_table_of_words_is_a_baseline():
    run, _ = outcome(None)
    assert translation.baselines(run).keys() == {"word table"}
    assert translation.baselines(run)["word table"].keys() == {"test_bleu"}
