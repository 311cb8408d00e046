"""Losses and figures of scores, against SciPy and figures by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import entropy, rankdata

from rnnjax.training.similarity_losses import (
    as_scores,
    similarity_losses,
    similarity_metrics,
    target_distribution,
)

SCORES = np.array([1.0, 1.4, 3.0, 4.75, 5.0])


@pytest.mark.usefixtures("x64")
def test_a_score_is_the_mean_of_its_distribution():
    found = np.asarray(target_distribution(jnp.asarray(SCORES)))
    np.testing.assert_allclose(found.sum(axis=1), 1)
    np.testing.assert_allclose(found @ np.arange(1, 6), SCORES)
    assert ((found > 0).sum(axis=1) <= 2).all()


@pytest.mark.usefixtures("x64")
def test_the_loss_of_logits_is_the_divergence_from_the_distribution():
    logits = np.random.default_rng(0).normal(size=(5, 5))
    found = similarity_losses(jnp.asarray(logits), jnp.asarray(SCORES))
    for own, row, score in zip(found, logits, SCORES, strict=True):
        p = np.maximum(0, 1 - abs(score - np.arange(1, 6)))
        q = np.exp(row) / np.exp(row).sum()
        assert own == pytest.approx(entropy(p, q), abs=1e-10)
        assert as_scores(row[None])[0] == pytest.approx(q @ np.arange(1, 6), abs=1e-10)
    gradient = jax.grad(lambda x: similarity_losses(x, jnp.asarray(SCORES)).sum())(logits)
    assert np.isfinite(gradient).all()


@pytest.mark.usefixtures("x64")
def test_how_alike_is_a_score_between_one_and_five():
    alike = jnp.array([0.0, 0.1, 0.5, 1.0, 1.0])
    np.testing.assert_allclose(as_scores(alike), [1, 1.4, 3, 5, 5])
    found = similarity_losses(alike, jnp.asarray(SCORES))
    np.testing.assert_allclose(found, [0, 0, 0, 0.0625**2, 0], atol=1e-12)


def test_figures_are_those_of_their_names_for_each_seed():
    rng = np.random.default_rng(0)
    found, given = rng.integers(1, 6, (2, 30)).astype(float), rng.normal(size=30)
    several = similarity_metrics(found, given, "validation")
    for seed, own in enumerate(found):
        expected = {
            "loss": np.square(own - given).mean(),
            "pearson": np.corrcoef(own, given)[0, 1],
            "spearman": np.corrcoef(rankdata(own), rankdata(given))[0, 1],
        }
        one = similarity_metrics(own, given)
        for name, value in expected.items():
            assert several[f"validation_{name}"][seed] == pytest.approx(value)
            assert one[f"test_{name}"] == pytest.approx(value)
            assert one[f"test_{name}"].shape == ()
    assert similarity_metrics(np.ones(30), given)["test_pearson"] == 0
