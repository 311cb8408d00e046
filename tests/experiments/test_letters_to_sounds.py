"""The script on the invented language, whose rules have no exception."""

from __future__ import annotations

import io
import json
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from matplotlib.image import imread
from rich.console import Console

from experiments import letters_to_sounds as script
from rnnjax.data.pairs import PairDataset, Pairs
from rnnjax.experiment.command_line import merge
from rnnjax.experiment.encoder_decoder import aligning
from tests.experiments.starting import assert_refused, start
from tests.models.test_encoder_decoder import MODELS

TINY = (
    "--readout=wide",
    "--hidden_size=24", "--embedding_size=16", "--length_groups=1", "--beam_size=1",
    "--batch_size=64", "--learning_rate=0.01", "--epochs=1",
)  # fmt: skip
WORDS = Pairs(
    ("T H O U G H", "P H O N E", "A ' S", "T A N"),
    (("DH OW",), ("F OW N",), ("EY Z",), ("T AE N",)),
)


@pytest.fixture(scope="module")
def encoding():
    return script.encoding_of(script.Config(), WORDS)


def test_every_letter_and_phoneme_is_numbered(encoding):
    assert set(encoding.source.symbols[4:]) == set("THOUGPNEA'S")
    assert set(encoding.target.symbols[4:]) == {"DH", "OW", "F", "N", "EY", "Z", "T", "AE"}


def test_the_defaults_fit_the_dictionary():
    config = merge(script.Config, script.PRESETS, {"preset": "full"})
    assert (config.hidden_size, config.num_layers, config.beam_size) == (512, 2, 5)
    config = script.Config()
    assert config.max_length >= 22
    assert config.schedule == "cosine"
    small = merge(script.Config, script.PRESETS, {"preset": "small64"})
    assert small.decoder == "plain"
    assert not small.bidirectional


def test_a_word_is_spelt_as_the_data_spell_it(encoding):
    assert script.spelt("Tough's ", encoding, 24) == "T O U G H ' S"
    with pytest.raises(script.xp.UsageError, match="'tünn' has 'ü', which is no letter"):
        script.spelt("tünn", encoding, 24)
    with pytest.raises(script.xp.UsageError, match="has ' ', which is no letter"):
        script.spelt("to go", encoding, 24)
    with pytest.raises(script.xp.UsageError, match="a word of 5 letters is longer than the 4"):
        script.spelt("tonne", encoding, 4)


def test_rates_are_per_cent_and_any_pronunciation_is_right():
    found = script.rates(["R IY D", "T AH"], [("R EH D", "R IY D"), ("T UW", "T OW")])
    assert found == {"test_per": 20.0, "test_wer": 50.0}


def test_words_that_tell_are_found():
    words = ["C A T", "P H O N E", "O U G H T", "D O G", "A P H I D S A N D M O R E"]
    assert script.telling(words) == [2, 1, 0, 3]


def test_confusions_and_words_are_told():
    """Of two seeds together."""
    text = io.StringIO()
    run: Any = SimpleNamespace(
        console=Console(file=text, width=100),
        data=PairDataset("own", "here", "none", "letters", "sounds", WORDS, WORDS, WORDS),
        outputs=[["T OW", "F OW N", "EY S", "T AE N"], ["T OW", "F OW", "EY Z", "T AE N"]],
    )
    told = script.report(run)
    assert told["confusions"] == [
        {"is": "DH", "taken_for": "T", "times": 2}, {"is": "Z", "taken_for": "S", "times": 1},
    ]  # fmt: skip
    assert told["words"][0] == {"word": "THOUGH", "answer": "T OW", "right": ["DH OW"]}
    shown = text.getvalue()
    assert "commonest confusions" in shown
    assert "THOUGH: T OW\n  right: DH OW" in shown


@pytest.mark.parametrize("reverse", [False, True])
def test_columns_are_in_the_order_of_the_letters(monkeypatch, encoding, reverse):
    """The weights of a source that is read from its end are turned round."""
    encoding = script.ed.Encoding(encoding.source, encoding.target, reverse)
    given = {}

    def fake(model, params, sources, targets, *, start):
        given.update(sources=sources, targets=targets, start=start)
        ((source,), (target,)) = sources, targets
        return [np.arange(len(target) * len(source)).reshape(len(target), -1)]

    monkeypatch.setattr(script.ed, "alignments", fake)
    (weights,) = aligning(MODELS["attending"], encoding)({}, ["T A N"], ["T AE"])
    assert weights[0].tolist() == ([2, 1, 0] if reverse else [0, 1, 2])
    assert encoding.target.decode(given["targets"][0]) == "T AE"
    assert given["targets"][0][-1] == 2
    assert given["start"] == 1
    letters = encoding.source.decode(given["sources"][0])
    assert letters == ("N A T" if reverse else "T A N")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sounds") / "run"
    done = start("letters_to_sounds", "--dataset=spelling", *TINY, f"--workdir={folder}")
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.slow
def test_spelling_is_learnt_and_drawn(run):
    result = json.loads((run / "result.json").read_text())
    assert result["test_per"] < 40
    assert result["test_per"] < result["test_wer"] <= 100
    assert result["test_perplexity"] < 3
    assert result["test_fed_back_perplexity"] > 1
    assert result["baselines"].keys() == {"letter table", "letters in context", "joint n-grams"}
    assert result["baselines"]["letters in context"]["test_per"] < 5
    assert 0 < len(result["confusions"]) <= 10
    assert imread(run / "attention.png").std() > 0.05
    assert (run / "curves.png").exists()


@pytest.mark.slow
def test_a_run_pronounces(run):
    done = start("letters_to_sounds", f"--workdir={run}", "--pronounce=-", stdin=b"Ten\ncashoon\n")
    assert done.returncode == 0, done.stderr
    first, second = done.stdout.splitlines()[-2:]
    assert first.startswith("T")
    one = start("letters_to_sounds", f"--workdir={run}", "--pronounce=cashoon")
    assert one.stdout.splitlines()[-1] == second
    assert_refused(
        start("letters_to_sounds", f"--workdir={run}", "--pronounce=naïve"),
        "'naïve' has 'ï', which is no letter of the training words; give one word of abcdefg",
    )


@pytest.mark.slow
def test_no_attention_no_picture_of_it(tmp_path):
    done = start(
        "letters_to_sounds", "--dataset=spelling", "--preset=small64", "--hidden_size=8",
        "--length_groups=1", "--steps=2", f"--workdir={tmp_path / 'run'}",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "run/curves.png").exists()
    assert not (tmp_path / "run/attention.png").exists()
