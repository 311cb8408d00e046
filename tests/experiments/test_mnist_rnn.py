"""The script as a user starts it, on the digits that come with scikit-learn."""

import json

import jax
import pytest

from experiments import mnist_rnn
from rnnjax.experiment.command_line import merge
from rnnjax.reports.tables import count_params
from tests.experiments.starting import assert_refused, start


@pytest.mark.parametrize(
    ("preset", "size"), [("keras50", 4_460), ("keras32", 2_282), ("torch32", 2_314)]
)
def test_presets_have_the_articles_parameter_counts(preset, size):
    config = merge(mnist_rnn.Config, mnist_rnn.PRESETS, {"preset": preset})
    model = mnist_rnn.build_model(config, num_features=28, num_classes=10)
    images = jax.ShapeDtypeStruct((1, 28, 28), "float32")
    assert count_params(jax.eval_shape(model.init, jax.random.key(0), images)) == size


def test_a_run_leaves_everything_behind_and_can_be_evaluated(tmp_path):
    run = tmp_path / "run"
    done = start(
        "mnist_rnn",
        "--dataset=digits",
        "--cell=gru",
        "--hidden_size=32",
        "--steps=400",
        "--eval_every=150",
        f"--workdir={run}",
        module=True,
    )
    assert done.returncode == 0, done.stderr
    result = json.loads((run / "result.json").read_text())
    assert result["dataset"] == "digits"
    assert result["steps"] == 400
    assert result["num_params"] == 3 * 32 * (8 + 32 + 2) + 330
    assert 0.8 < result["test_accuracy"] <= 1
    assert result["test_accuracy"] == pytest.approx(
        sum(c["recall"] * c["support"] for n, c in result["classes"].items() if n != "mean")
        / result["classes"]["mean"]["support"]
    )
    metrics = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert [m["step"] for m in metrics] == [0, 150, 300, 399]
    assert metrics[-1]["test_accuracy"] == result["test_accuracy"]
    for name in ("curves", "confusion", "mistakes"):
        assert (run / f"{name}.png").stat().st_size > 10_000
    reached = result["baselines"]["ridge regression"]["test_accuracy"]
    assert 0.8 < reached < 0.95
    verdict = "beaten" if reached < result["test_accuracy"] else "NOT BEATEN by this run"
    assert f"ridge regression: test accuracy {reached:.4f} ({verdict})" in done.stdout

    before = sorted(p.name for p in run.iterdir())
    again = start("mnist_rnn", "--eval_only", f"--workdir={run}")
    assert again.returncode == 0, again.stderr
    assert f"test accuracy {result['test_accuracy']:.4f}" in again.stdout
    assert sorted(p.name for p in run.iterdir()) == before

    refused = start("mnist_rnn", "--dataset=digits", f"--workdir={run}")
    assert_refused(refused, "hidden_size is 32 there and 128 here")
    assert json.loads((run / "result.json").read_text()) == result


@pytest.mark.slow
def test_a_dry_run_shows_everything_and_writes_nothing(tmp_path):
    run = tmp_path / "run"
    done = start("mnist_rnn", "--dataset=digits", "--dry_run", f"--workdir={run}")
    assert done.returncode == 0, done.stderr
    assert "rnn/w_x" in done.stdout
    assert "scikit-learn" in done.stdout
    assert not run.exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--cell=transformer"], "--cell=transformer is unknown; expected one of: "),
        *(
            pytest.param(*mistake, marks=pytest.mark.slow)
            for mistake in [
                (["--hidden_size=many"], "hidden_size"),
                (["--learning_rate=nan"], "--learning_rate must be a positive number"),
                (["gru"], "stray argument 'gru'"),
                (["--no_such_flag=1"], "no_such_flag"),
                (["--dataset=mnist", "--data_dir=setup.cfg"], "setup.cfg"),
            ]
        ),
    ],
)
def test_mistakes_end_with_one_sentence_and_code_2(arguments, message):
    assert_refused(start("mnist_rnn", *arguments), message)
