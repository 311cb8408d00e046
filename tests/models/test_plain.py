from __future__ import annotations

from typing import Any

import jax
import numpy as np
import pytest

from rnnjax.models.plain import PlainClassifier
from tests.cells_under_test import random_like

XS = np.random.default_rng(0).standard_normal((3, 4, 5))


def built(**options: Any) -> tuple[PlainClassifier, Any]:
    model = PlainClassifier(num_classes=6, **options)
    shapes = jax.eval_shape(model.init, jax.random.key(0), XS)
    return model, random_like(np.random.default_rng(1), shapes)


def test_logistic_regression_is_one_matrix(x64):
    model, variables = built()
    weights = variables["params"]["to_logits"]
    expected = XS.reshape(3, 20) @ weights["kernel"] + weights["bias"]
    np.testing.assert_allclose(np.asarray(model.apply(variables, XS)), expected, rtol=1e-12)
    assert weights["kernel"].shape == (20, 6)


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_a_hidden_layer_has_its_activation(x64, activation):
    model, variables = built(hidden_units=7, activation=activation)
    first, second = variables["params"]["to_hidden"], variables["params"]["to_logits"]
    hidden = XS.reshape(3, 20) @ first["kernel"] + first["bias"]
    hidden = np.maximum(hidden, 0) if activation == "relu" else np.tanh(hidden)
    expected = hidden @ second["kernel"] + second["bias"]
    np.testing.assert_allclose(np.asarray(model.apply(variables, XS)), expected, rtol=1e-12)


def test_its_initial_distribution_is_the_one_that_was_asked_for():
    model = PlainClassifier(6, hidden_units=200, initialization="torch")
    params: Any = model.init(jax.random.key(0), XS)["params"]
    bias = np.asarray(params["to_logits"]["bias"])
    assert 0 < np.abs(bias).max() <= 200**-0.5
    keras: Any = PlainClassifier(6, hidden_units=200).init(jax.random.key(0), XS)["params"]
    assert not np.any(keras["to_logits"]["bias"])
