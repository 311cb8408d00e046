import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rnnjax.devices.layout import Layout
from rnnjax.training.evaluation import (
    Predictor,
    classification_metrics,
    regressing,
    regression_metrics,
)


@pytest.mark.parametrize("batch_size", [1, 3, 7, 100])
def test_every_example_is_predicted_whatever_the_batch_size(batch_size):
    x = np.random.default_rng(0).normal(size=(7, 2)).astype(np.float32)
    predict = Predictor(lambda w, x: x @ w, x, batch_size)
    w = jnp.array([[1.0, 2.0, 3.0], [-1.0, 0.5, 0.0]])
    np.testing.assert_allclose(predict(w), x @ np.asarray(w), rtol=1e-6)


@pytest.mark.parametrize("own_inputs", [False, True])
def test_every_seed_predicts_with_its_own_parameters(own_inputs):
    layout = Layout.over(jax.devices()[:1], num_seeds=2)
    x = np.random.default_rng(0).normal(size=(2, 7, 2)).astype(np.float32)
    inputs = x if own_inputs else x[0]
    predict = Predictor(lambda w, x: x @ w, inputs, 3, layout, own_inputs=own_inputs)
    w = np.random.default_rng(1).normal(size=(2, 2, 3)).astype(np.float32)
    np.testing.assert_allclose(predict(jnp.asarray(w)), inputs @ w, rtol=1e-5)


def test_metrics_of_seeds_and_of_single_logits():
    logits = jnp.array([[2.0, -1.0, 0.5], [-3.0, -1.0, 4.0]])
    labels = np.array([1, 0, 0])
    together = classification_metrics(logits, labels, binary=True)
    for seed, row in enumerate(logits):
        alone = classification_metrics(row, labels, binary=True)
        both = np.stack([jnp.zeros(3), row], axis=-1)  # the same with two classes
        assert together["test_loss"][seed] == pytest.approx(alone["test_loss"])
        assert alone["test_loss"] == pytest.approx(
            classification_metrics(jnp.asarray(both), labels)["test_loss"], rel=1e-5
        )
    np.testing.assert_allclose(together["test_accuracy"], [2 / 3, 1 / 3], rtol=1e-6)


def test_classification_metrics():
    logits = jnp.log(jnp.array([[0.7, 0.2, 0.1], [0.1, 0.3, 0.6], [0.5, 0.4, 0.1]]))
    metrics = classification_metrics(logits, np.array([0, 2, 1]))
    assert metrics["test_loss"] == pytest.approx(-np.log([0.7, 0.6, 0.4]).mean(), rel=1e-5)
    assert metrics["test_accuracy"] == pytest.approx(2 / 3)


def test_errors_of_a_regression_and_of_its_seeds():
    layout = Layout.over(jax.devices()[:1], num_seeds=2)
    x = np.random.default_rng(0).normal(size=(7, 5, 2)).astype(np.float32)
    y = np.random.default_rng(1).normal(size=(7, 5, 3)).astype(np.float32)
    w = np.random.default_rng(2).normal(size=(2, 2, 3)).astype(np.float32)
    predict, evaluate = regressing(lambda w, x: x @ w, x, y, layout, "validation", batch_size=3)
    assert predict(jnp.asarray(w)).shape == (2, 7, 5, 3)
    found = evaluate(jnp.asarray(w))
    for seed in range(2):
        errors = x @ w[seed] - y
        assert found["validation_loss"][seed] == pytest.approx((errors**2).mean(), rel=1e-5)
        assert found["validation_mae"][seed] == pytest.approx(np.abs(errors).mean(), rel=1e-5)
    with pytest.raises(ValueError, match=r"outputs \(7, 1\) and targets \(7,\) must have one"):
        regression_metrics(np.zeros((7, 1)), np.zeros(7))
