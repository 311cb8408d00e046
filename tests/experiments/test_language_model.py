"""The script as a user starts it, on brackets and on a text of one's own."""

from __future__ import annotations

import json
import random
import re
from typing import Any

import jax
import numpy as np
import pytest

from experiments import language_model
from rnnjax import LSTM, Dropout, OneHot, Stack
from rnnjax.data.corpora import Corpus
from rnnjax.data.symbols import Symbols
from rnnjax.devices.layout import Layout
from rnnjax.errors import UsageError
from rnnjax.experiment.command_line import merge
from rnnjax.experiment.saved import saved_config
from rnnjax.reports.tables import count_params
from tests.cells_under_test import random_like
from tests.experiments.starting import assert_refused, start

TINY = ("--hidden_size=12", "--num_layers=1", "--batch_size=20", "--window=20", "--eval_rows=10")


@pytest.mark.parametrize(
    ("preset", "size"),
    # LSTM: 4 H (V + H + 1), 4 H (2 H + 1) for the second layer, and (H + 1) V to the symbols.
    [("karpathy128", 512 * 216 + 129 * 87), ("karpathy256", 1024 * (344 + 513) + 257 * 87)],
)
def test_presets_have_the_papers_sizes(preset, size):
    config = merge(language_model.Config, language_model.PRESETS, {"preset": preset})
    model = language_model.build_model(config, 87)
    params = jax.eval_shape(language_model.initial(config, model), jax.random.key(0))
    assert count_params(params) == size


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, (0, 128, False, None)),
        ({"dataset": "brackets"}, (0, 128, False, None)),
        ({"dataset": "wikitext2"}, (200, 200, True, "2000,10000")),
        ({"preset": "small200"}, (200, 200, True, "2000,10000")),
        ({"preset": "poems"}, (256, 512, True, "1000,3000")),
        ({"dataset": "quatrains", "hidden_size": 9}, (256, 9, True, "1000,3000")),
    ],
)
def test_words_and_poems_have_defaults_of_their_own(given, expected):
    config = merge(language_model.Config, language_model.PRESETS, given)
    assert (config.embedding_size, config.hidden_size, config.tied, config.cutoffs) == expected


def test_words_can_be_cut_where_they_are_rare():
    flags: dict[str, Any] = {"cutoffs": "4,9", "embedding_size": 8, "hidden_size": 8, "tied": True}
    config = language_model.Config(**flags, div_value=2.0)
    model = language_model.build_model(config, 20)
    language_model.check_tails(model, "word")
    params = jax.eval_shape(language_model.initial(config, model), jax.random.key(0))
    assert params["embedding"]["table_2"].shape == (11, 2)
    for unit, number, message in (("byte", 20, "those of bytes"), ("word", 9, "--cutoffs must be")):
        with pytest.raises(UsageError, match=message):
            language_model.check_tails(language_model.build_model(config, number), unit)
    for text in ("", "1,", "1;2", "-1", "1,1e3", "9" * 5000, "many"):
        with pytest.raises(UsageError, match="such as 2000,10000, not"):
            language_model.Config(cutoffs=text)


@pytest.fixture(scope="module")
def novel(tmp_path_factory):
    """A file of words in random order."""
    rng = random.Random(0)
    words = ["der", "Löwe", "war", "gestern", "müde\n", "nie"]
    path = tmp_path_factory.mktemp("text") / "novel.txt"
    path.write_text(" ".join(rng.choice(words) for _ in range(6000)), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def trained(novel, tmp_path_factory):
    """A short run, and what it said."""
    run = tmp_path_factory.mktemp("runs") / "run"
    done = start(
        "language_model", f"--text={novel}", *TINY, "--epochs=3", "--learning_rate=0.02",
        f"--workdir={run}",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return run, done.stdout


def test_a_run_beats_what_counting_reaches_and_draws(trained):
    run, said = trained
    result = json.loads((run / "result.json").read_text())
    assert result["task"] == "language_model"
    assert result["dataset"] == "text"
    assert result["test_perplexity"] == pytest.approx(2.718281828 ** result["test_loss"], rel=1e-6)
    kinds = {name.split()[0]: figures for name, figures in result["baselines"].items()}
    assert set(kinds) == {"Witten-Bell", "Kneser-Ney"}
    assert 0.25 < kinds["Kneser-Ney"]["test_loss"] < result["test_loss"] < 1.5
    assert "NOT BEATEN by this run" in said
    assert "licence  that of the file's author" in said
    metrics = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert len(metrics) == 3
    assert metrics[-1]["validation_bits"] < metrics[0]["validation_bits"]
    for picture in ("curves", "context"):
        assert (run / f"{picture}.png").stat().st_size > 10_000
    page = (run / "text.html").read_text(encoding="utf-8")
    headings = re.findall("<h2>(.*?)</h2>", page)
    assert headings[0] == "Surprise"
    assert [h.split()[0] for h in headings[1:]] == ["Unit"] * 4 + ["Written"] * 3
    symbols = json.loads((run / "symbols.json").read_text())
    assert "ö" in symbols["symbols"]


@pytest.mark.slow
def test_it_is_evaluated_again(trained, novel):
    run, _ = trained
    result = json.loads((run / "result.json").read_text())
    again = start("language_model", "--eval_only", f"--workdir={run}")
    assert again.returncode == 0, again.stderr
    assert f"test loss {result['test_loss']:.4f}" in again.stdout


def test_how_it_is_tested_is_said_by_who_tests(trained):
    run, _ = trained
    asked = language_model.Config(workdir=str(run), eval_only=True, cache=7, dynamic="sgd")
    found = saved_config(asked)
    assert (found.cache, found.dynamic, found.hidden_size) == (7, "sgd", 12)


@pytest.mark.slow
def test_it_is_tested_with_a_cache_and_by_dynamic_evaluation(trained):
    run, _ = trained
    flags = ("--cache=20", "--dynamic=rms")
    again = start("language_model", "--eval_only", f"--workdir={run}", *flags)
    assert again.returncode == 0, again.stderr
    for what in ("with a cache of 20", "by dynamic evaluation (rms)"):
        assert f"{what}: test loss " in again.stdout


def test_it_writes_after_a_prompt_the_same_with_the_same_seed(trained):
    run, _ = trained
    flags = ("--sample", f"--workdir={run}", "--prompt=Löwe", "--length=40")
    one = start("language_model", *flags)
    assert one.returncode == 0, one.stderr
    text = one.stdout.removesuffix("\n")
    assert text.startswith("Löwe")
    assert len(text) == 44


@pytest.mark.slow
def test_samples_side_by_side_are_those_that_come_alone(trained):
    run, _ = trained
    flags = ("--sample", f"--workdir={run}", "--prompt=Löwe", "--length=40")
    alone = start("language_model", *flags).stdout.removesuffix("\n")
    several = start("language_model", *flags, "--num_samples=3", "--temperature=1")
    assert alone in several.stdout
    assert several.stdout.count("nats per character") == 3
    greedy = start("language_model", *flags, "--num_samples=2", "--temperature=0")
    texts = [part.strip("\n─") for part in greedy.stdout.split("nats per character")[1:]]
    assert texts[0].split("───")[0].strip(" ─\n") == texts[1].split("───")[0].strip(" ─\n")
    refused = start("language_model", *flags[:2], "--prompt=Ωmega")
    assert_refused(refused, "--prompt: 'Ω'")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--text=no_such_file.txt"], "can't be read (No such file or directory)"),
        (["--text=setup.cfg", "--dataset=brackets"], "go together as --dataset=text only"),
        (["--dataset=brackets", "--tied"], "--tied needs an --embedding_size"),
        (["--dataset=brackets", "--cutoffs=2"], "--cutoffs needs words"),
        (["--cutoffs=2000,many"], "--cutoffs must be whole numbers with commas between"),
        (["--dataset=brackets", "--batch_size=100000"], "take fewer rows, or a shorter window"),
        (["--sample"], "--sample needs --workdir"),
        (["--beam_size=2", "--num_samples=3"], "--num_samples can be at most --beam_size"),
        (["--sample", "--workdir=RUN", "--top_p=0"], "--top_p must be above 0, not 0.0"),
    ],
)
def test_mistakes_end_with_one_sentence_and_code_2(arguments, message):
    assert_refused(start("language_model", *arguments), message)


@pytest.mark.slow
def test_the_model_is_exported(trained, tmp_path):
    run, _ = trained
    done = start("language_model", f"--workdir={run}", f"--export={tmp_path / 'out'}")
    assert done.returncode == 0, done.stderr
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert {"model.stablehlo", "symbols.json"} <= names


def test_dropout_lies_where_it_is_asked_for():
    settings = {"num_layers": 2, "hidden_size": 3, "dropout": 0.4, "initialization": "torch"}

    def built(**more):
        config = language_model.Config(**settings | more)
        return language_model.build_model(config, 5).layer

    first, second = (LSTM(d, 3, initialization="torch") for d in (5, 3))
    assert built() == Stack((OneHot(first), second), dropout=0.4)
    assert built(variational=True) == Stack((OneHot(first), Dropout(second, inputs=0.4)))
    assert built(dropout=0.0, weight_drop=0.2) == Stack(
        (OneHot(Dropout(first, weights=0.2)), Dropout(second, weights=0.2))
    )


def test_penalties_are_added_to_the_loss():
    text = np.arange(40, dtype=np.int32) % 5
    symbols = Symbols("character", tuple("abcde"))
    corpus = Corpus("five", text, text, text, symbols, "here", "none")
    key, batch = jax.random.key(1), (text[:8].reshape(2, 4), text[1:9].reshape(2, 4))

    def loss(**more):
        sizes = {"hidden_size": 3, "num_layers": 1, "batch_size": 2, "window": 4, "dropout": 0.5}
        config = language_model.Config(**sizes | more)
        problem = language_model.problem(config, Layout.single(), corpus)
        shapes = jax.eval_shape(problem.init, jax.random.key(0))
        params = random_like(np.random.default_rng(0), shapes, 0.6)
        found = problem.model.apply(
            {"params": params}, *batch, problem.carry, training=True, rngs={"dropout": key},
            method="losses_and_outputs",
        )  # fmt: skip
        return problem.loss(params, problem.carry, batch, key)[0], found

    without, (_, each, outputs) = loss()
    np.testing.assert_array_equal(without, each.mean(axis=1))
    large = (outputs.dropped**2).mean(axis=(1, 2))
    quick = (np.diff(outputs.ys, axis=1) ** 2).mean(axis=(1, 2))
    np.testing.assert_allclose(loss(activation_penalty=2.0)[0], without + 2 * large, 1e-6)
    np.testing.assert_allclose(loss(slowness_penalty=3.0)[0], without + 3 * quick, 1e-6)
