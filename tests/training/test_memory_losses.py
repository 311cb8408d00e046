from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest

from rnnjax.data import long_sequences
from rnnjax.training.memory_losses import scoring

RNG = np.random.default_rng(0)


def cross_entropy(logits, labels):
    chosen = np.take_along_axis(logits.astype(float), labels[..., None], axis=-1)[..., 0]
    return np.log(np.exp(logits.astype(float)).sum(axis=-1)) - chosen


def metrics_of(task, answers, targets):
    return scoring(task, lambda params: params, targets, "test")(jnp.asarray(answers))


def test_sums_count_as_right_where_they_are_near():
    answers, targets = np.array([1.0, 0.5, 0.2]), np.array([1.03, 0.5, 0.25], np.float32)
    found = metrics_of("adding", answers, targets)
    assert found["test_accuracy"] == pytest.approx(2 / 3)
    assert found["test_loss"] == pytest.approx((0.03**2 + 0.05**2) / 3, abs=1e-8)
    both = metrics_of("adding", np.stack((answers, targets)), targets)
    assert both["test_accuracy"].tolist() == pytest.approx([2 / 3, 1])


def test_copying_pays_for_all_steps_and_counts_the_symbols():
    _, targets = long_sequences.made_up("copy", 3, number=1).test
    targets = targets[:6]
    logits = RNG.normal(size=(6, 23, 9)).astype(np.float32)
    found = metrics_of("copy", logits, targets)
    losses = cross_entropy(logits, targets)
    assert found["test_loss"] == pytest.approx(losses.mean(), rel=1e-5)
    hits = logits[:, 13:].argmax(-1) == targets[:, 13:]
    assert found["test_accuracy"] == pytest.approx(hits.mean(), rel=1e-6)


def test_knowing_where_but_not_what_is_the_limit_of_copying():
    data = long_sequences.made_up("copy", 30, number=1)
    logits = np.full((50, 50, 9), -40.0, np.float32)
    logits[:, :40, 0] = logits[:, 40:, 1:] = 40
    found = metrics_of("copy", logits, data.test.targets[:50])
    (limit,) = data.baselines().values()
    assert found["test_loss"] == pytest.approx(limit["test_loss"], rel=1e-6)


def test_parity_is_asked_after_the_last_bit():
    targets = RNG.integers(0, 2, (8, 5)).astype(np.int32)
    logits = RNG.normal(size=(8, 5, 2)).astype(np.float32)
    found = metrics_of("parity", logits, targets)
    losses = cross_entropy(logits[:, -1], targets[:, -1])
    assert found["test_loss"] == pytest.approx(losses.mean(), rel=1e-6)
    assert found["test_accuracy"] == np.mean(logits[:, -1].argmax(-1) == targets[:, -1])
