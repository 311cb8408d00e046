"""The script on the reviews that a small grammar writes."""

import json
import re
import shutil

import jax
import jax.export
import jax.numpy as jnp
import numpy as np
import pytest

from experiments import imdb_sentiment
from rnnjax.data.text import Vocabulary
from rnnjax.experiment.command_line import merge
from rnnjax.experiment.saved import saved_config
from rnnjax.reports.tables import count_params
from tests.experiments.starting import assert_refused, start


@pytest.mark.parametrize(("preset", "size"), [("bilstm64", 377_985), ("lstm100", 213_301)])
def test_presets_have_the_articles_parameter_counts(preset, size):
    config = merge(imdb_sentiment.Config, imdb_sentiment.PRESETS, {"preset": preset})
    model = imdb_sentiment.build_model(config, config.num_words)
    params = jax.eval_shape(model.init, jax.random.key(0), jnp.zeros((1, 4), jnp.int32))
    assert count_params(params) == size


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A finished run: a small network that has learnt something."""
    folder = tmp_path_factory.mktemp("imdb") / "run"
    done = start(
        "imdb_sentiment",
        "--dataset=grammar",
        "--max_length=64",
        "--hidden_size=16",
        "--dropout=0.1",
        "--word_dropout=0",
        "--learning_rate=0.01",
        "--num_validation=1000",
        "--epochs=2",
        f"--workdir={folder}",
    )
    assert done.returncode == 0, done.stderr
    assert re.search(r"baseline bag of words: test accuracy 0\.[45]\d+ \(beaten\)", done.stdout)
    return folder


@pytest.mark.slow
def test_order_is_learnt(run):
    result = json.loads((run / "result.json").read_text())
    assert result["dataset"] == "grammar"
    assert result["test_accuracy"] > 0.8, "a bag of words reaches 0.5"
    assert result["roc_auc"] > 0.8
    assert result["baselines"]["bag of words"]["test_accuracy"] == pytest.approx(0.5, abs=0.05)
    assert result["test_accuracy"] == result["best_validation"]["test_accuracy"]
    mistakes = json.loads((run / "mistakes.json").read_text())
    sureness = [abs(m["probability"] - 0.5) for m in mistakes]
    assert sureness == sorted(sureness, reverse=True)
    assert all((m["probability"] > 0.5) != m["label"] for m in mistakes)
    assert (run / "curves.png").exists()


@pytest.mark.slow
def test_a_saved_run_judges_sentences(run):
    good = "The acting was not boring, it was truly brilliant."
    bad = "The acting was not brilliant, it was truly boring."
    done = start(
        "imdb_sentiment", f"--workdir={run}", "--predict=-", stdin=f"{good}\n{bad}\n".encode()
    )
    assert done.returncode == 0, done.stderr
    first, second = done.stdout.strip().splitlines()[-2:]
    assert first.startswith("favourable"), done.stdout
    assert second.startswith("unfavourable"), done.stdout


@pytest.mark.slow
def test_a_sentence_is_judged_as_it_is_alone(run):
    settings = saved_config(imdb_sentiment.Config(workdir=str(run)))
    judge = imdb_sentiment.trained_reader(settings)
    sentences = [f"The {word} was not boring." for word in ("acting", "plot", "humour")]
    together = judge([*sentences, "x"] * 10)
    assert len(together) == 40
    assert together[:3] == pytest.approx([judge([s])[0] for s in sentences], abs=1e-6)
    assert together[:4] * 10 == together


@pytest.mark.slow
def test_markup_and_colons_are_letters_and_an_answer_is_a_line(run):
    review = f"see [/spoiler] he :smile: dies [red] {'and it goes on ' * 20}end"
    done = start("imdb_sentiment", f"--workdir={run}", "--predict=-", stdin=review.encode())
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].endswith(f"%  {review}")


@pytest.mark.slow
def test_an_exported_run_judges_the_same(run, tmp_path):
    out = tmp_path / "out"
    done = start("imdb_sentiment", f"--workdir={run}", f"--export={out}")
    assert done.returncode == 0, done.stderr
    model = jax.export.deserialize(bytearray((out / "model.stablehlo").read_bytes()))
    vocabulary = Vocabulary.from_json((out / "vocabulary.json").read_text())
    config = imdb_sentiment.Config(workdir=str(run), predict="-")
    for sentence in ("The acting was not boring, it was truly brilliant.", "Boring."):
        tokens = np.array(vocabulary.encode_all([sentence])[0])[None]  # as long as it is
        logits = model.call(tokens.astype(np.int32), np.ones(tokens.shape, bool))["logits"]
        settings = saved_config(config)
        judged = imdb_sentiment.trained_reader(settings)([sentence])
        assert jax.nn.sigmoid(logits)[0] == pytest.approx(judged[0], abs=1e-6)


@pytest.mark.slow
def test_what_cannot_be_judged_is_refused(run, tmp_path):
    say = f"--workdir={run}"
    assert_refused(start("imdb_sentiment", say, "--predict="), "--predict: ")
    assert_refused(start("imdb_sentiment", say, "--predict=-"), "--predict: ")
    binary = start("imdb_sentiment", say, "--predict=-", stdin=b"\x1f\x8b\x08\x00\xff")
    assert_refused(binary, "not UTF-8")
    other = tmp_path / "other"
    shutil.copytree(run, other)
    words = json.loads((other / "vocabulary.json").read_text())
    assert words  # a vocabulary of other words, in the same form
    (other / "vocabulary.json").write_text(
        (other / "vocabulary.json").read_text().replace("boring", "borinq")
    )
    assert_refused(
        start("imdb_sentiment", f"--workdir={other}", "--predict=good"),
        "not the one that the parameters",
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--max_length=0"], "--max_length must be at least 1"),
        (["--dropout=1"], "--dropout must be below 1"),
        (["--predict=good"], "--predict needs --workdir"),
        (["--dataset=grammar", "--num_validation=8000"], "leaves none of the 8000"),
    ],
)
def test_mistakes_end_with_one_sentence_and_code_2(arguments, message):
    assert_refused(start("imdb_sentiment", *arguments), message)
