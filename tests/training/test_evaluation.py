import jax.numpy as jnp
import numpy as np
import pytest

from rnnjax.training.evaluation import Predictor, classification_metrics


@pytest.mark.parametrize("batch_size", [1, 3, 7, 100])
def test_every_example_is_predicted_whatever_the_batch_size(batch_size):
    x = np.random.default_rng(0).normal(size=(7, 2)).astype(np.float32)
    predict = Predictor(lambda w, x: x @ w, x, batch_size)
    w = jnp.array([[1.0, 2.0, 3.0], [-1.0, 0.5, 0.0]])
    np.testing.assert_allclose(predict(w), x @ np.asarray(w), rtol=1e-6)


def test_classification_metrics():
    logits = jnp.log(jnp.array([[0.7, 0.2, 0.1], [0.1, 0.3, 0.6], [0.5, 0.4, 0.1]]))
    metrics = classification_metrics(logits, np.array([0, 2, 1]))
    assert metrics["test_loss"] == pytest.approx(-np.log([0.7, 0.6, 0.4]).mean(), rel=1e-5)
    assert metrics["test_accuracy"] == pytest.approx(2 / 3)
