import json

import pytest

from tests.experiments.starting import assert_refused, start


@pytest.mark.slow
def test_the_near_rule_is_learnt_and_the_far_one_is_not(tmp_path):
    """Short versions of both presets: the limits themselves are in the README's table."""
    losses = {}
    for preset in ("short", "long"):
        run = tmp_path / preset
        done = start(
            "binary_sequence",
            f"--preset={preset}",
            "--steps=1200",
            "--eval_every=600",
            "--learning_rate=0.01",
            f"--workdir={run}",
        )
        assert done.returncode == 0, done.stderr
        result = json.loads((run / "result.json").read_text())
        losses[preset] = result["test_loss"]
        assert result["bayes_loss"] == pytest.approx(0.34657, abs=1e-5)
        assert (run / "curves.png").exists()
        assert (run / "contexts.png").exists()
    assert losses["short"] == pytest.approx(0.3466, abs=0.005)
    assert losses["long"] == pytest.approx(0.6931, abs=0.005)

    again = start("binary_sequence", "--eval_only", f"--workdir={tmp_path / 'short'}")
    assert again.returncode == 0, again.stderr
    assert f"test loss {losses['short']:.4f}" in again.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--window=7"], "--window: A row of 2000 steps can't be cut into windows of 7"),
        (["--lag=0"], "--lag must be at least 1"),
        (["--row_length=5", "--lag=9"], "--row_length"),
    ],
)
def test_mistakes_end_with_one_sentence_and_code_2(arguments, message):
    assert_refused(start("binary_sequence", *arguments), message)
