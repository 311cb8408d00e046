from __future__ import annotations

import jax
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree

from experiments.comparison.group import Plan
from experiments.comparison.questions import noise
from rnnjax.errors import UsageError
from tests.experiments.comparison.asking import SMALL, study_of


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    study = study_of("noise", tmp_path_factory.mktemp("noise"), **SMALL)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(noise, "EVALUATIONS", 4)
        patch.setattr(noise, "NUM_ROWS", 30)
        groups, run = [], study.run
        patch.setattr(study, "run", lambda *given: groups.extend(found := run(*given)) or found)
        yield study, noise.answer(study), {group.name: group for group in groups}


@pytest.mark.slow
def test_the_noise_is_that_of_single_examples(asked):
    """From a whole matrix of gradients, a row for each example."""
    _, answer, groups = asked
    group = groups["as_is"]
    chosen = np.random.default_rng(0).choice(1500, 30, replace=False)
    images, labels = (a[chosen] for a in group.problem.data)
    flat, unflatten = ravel_pytree(group.params_of(0, 1))

    def losses(flat):
        return group.problem.loss(unflatten(flat), (), (images, labels), jax.random.key(0))[0]

    gradients = np.asarray(jax.jacrev(losses)(flat), np.float64)
    spread = gradients.var(axis=0, ddof=1).sum()
    signal = (gradients.mean(axis=0) ** 2).sum() - spread / 30
    assert group.curve("noise")[0, 1, -1] == pytest.approx(spread, rel=1e-3)
    assert group.curve("signal")[0, 1, -1] == pytest.approx(signal, rel=2e-3, abs=1e-4)
    first = answer.tables[1].rows[0]
    ratio = group.curve("signal")[0, :, :1].mean() / group.curve("noise")[0, :, :1].mean()
    assert first[1].value == pytest.approx(1 / ratio if ratio > 0 else np.inf)
    assert first[0] == "1 to 1"


@pytest.mark.slow
def test_measuring_changes_no_run(asked, tmp_path):
    group = asked[2]["as_is"]
    plain = study_of("noise", tmp_path, **SMALL, schedule="constant")
    (alone,) = plain.run([Plan("alone", {"eval_every": group.config.eval_every})])
    np.testing.assert_array_equal(alone.curve("test_loss"), group.curve("test_loss"))


@pytest.mark.slow
def test_runs_differ_in_their_noise_alone(asked):
    _, answer, groups = asked
    assert list(groups) == ["as_is", "batch_40", "batch_160", "decayed", "averaged"]
    sizes = [group.config.batch_size for group in groups.values()]
    assert sizes == [20, 40, 160, 20, 20]
    assert {group.result["steps"] for group in groups.values()} == {40}
    assert [row[0] for row in answer.tables[0].rows][1] == "batches of 40"
    assert answer.sentences[0].startswith("The gradient noise scale is ")
    assert sum("seed by seed" in sentence for sentence in answer.sentences) == 4


def test_restlessness_is_the_deviation_of_noise_and_no_trend():
    class Curves:
        def curve(self, name):
            steps = np.arange(20_000.0)
            wild = np.random.default_rng(0).normal(0, 0.3, 20_000)
            return np.stack([wild, 1e-4 * steps, wild + 1e-4 * steps])[None]

    wild, trend, both = noise._restlessness(Curves(), "test_loss")  # pyright: ignore
    assert wild == pytest.approx(0.3, rel=0.03)
    assert trend == pytest.approx(0, abs=1e-4)
    assert both == pytest.approx(wild, rel=1e-3)


def test_windows_are_no_independent_examples(tmp_path):
    with pytest.raises(UsageError, match="no batch of independent ones can be drawn"):
        noise.answer(study_of("noise", tmp_path, "binary_sequence"))
