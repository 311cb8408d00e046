"""The models that the experiments train, against a computation by hand."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rnnjax import GRU, LSTM, SimpleRNN, Stack
from rnnjax.bridges.named import from_named
from rnnjax.models import SequenceClassifier
from tests import oracles
from tests.cells_under_test import random_like
from tests.running import assert_close

MASK = np.array([[1, 1, 1, 1], [1, 1, 0, 0], [0, 1, 0, 1], [0, 0, 0, 0]], bool)


@pytest.mark.parametrize(
    ("layer", "initialization", "number"),
    [
        (SimpleRNN(28, 32), "keras", 2_282),
        (SimpleRNN(28, 32, initialization="torch"), "torch", 2_314),
        (SimpleRNN(28, 50), "keras", 4_460),
        (Stack((GRU(28, 64), GRU(64, 64))), "keras", 18_048 + 24_960 + 650),
    ],
)
def test_number_of_parameters(layer, initialization, number):
    model = SequenceClassifier(layer, num_classes=10, initialization=initialization)
    variables = jax.eval_shape(model.init, jax.random.key(0), jnp.zeros((2, 28, 28)))
    assert sum(leaf.size for leaf in jax.tree.leaves(variables)) == number


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("mask", [None, MASK], ids=["no mask", "mask"])
def test_logits_are_the_last_output_times_a_matrix(mask):
    model = SequenceClassifier(LSTM(3, 5), num_classes=4)
    rng = np.random.default_rng(2)
    xs = rng.standard_normal((4, 4, 3))
    variables = random_like(rng, jax.eval_shape(model.init, jax.random.key(0), xs))
    cell = from_named(LSTM(3, 5), variables["params"]["rnn"])
    dense = variables["params"]["to_logits"]
    carry = LSTM(3, 5).initial_carry((4,))
    *_, last = oracles.run(
        oracles.lstm(), cell, xs.swapaxes(0, 1), carry, mask=None if mask is None else mask.T
    )
    expected = last @ dense["kernel"] + dense["bias"]
    poisoned = xs if mask is None else np.where(mask[..., None], xs, np.nan)
    assert_close(jax.jit(model.apply)(variables, poisoned, mask=mask), expected)


@pytest.mark.usefixtures("optimised")
def test_padding_reaches_no_gradient_in_optimised_code():
    # Elsewhere in these tests programs are compiled in a hurry.
    model = SequenceClassifier(Stack((LSTM(3, 8), GRU(8, 8))), num_classes=4)
    xs = np.random.default_rng(3).standard_normal((4, 4, 3)).astype(np.float32)
    variables = model.init(jax.random.key(0), xs)

    @jax.jit
    def gradients(xs):
        def loss(variables, xs):
            logits: Any = model.apply(variables, xs, mask=MASK)
            return -jax.nn.log_softmax(logits)[np.arange(4), np.arange(4)].mean()

        return jax.value_and_grad(loss, argnums=(0, 1))(variables, xs)

    expected = gradients(xs)
    for poison in (np.nan, np.inf, -np.inf):
        poisoned = gradients(np.where(MASK[..., None], xs, np.float32(poison)))
        assert_close(poisoned, expected, tolerance=0.0)
    assert (np.asarray(expected[1][1])[~MASK] == 0).all()
    assert (np.asarray(expected[1][1])[MASK] != 0).all()


def test_the_dense_layer_starts_as_the_named_framework_has_it():
    def initial(initialization):
        model = SequenceClassifier(GRU(3, 100), num_classes=60, initialization=initialization)
        variables: Any = model.init(jax.random.key(0), jnp.zeros((1, 2, 3)))
        return jax.device_get(variables["params"]["to_logits"])

    dense = initial("keras")
    limit = np.sqrt(6 / 160)
    assert limit * 0.99 < np.abs(dense["kernel"]).max() <= limit
    assert (dense["bias"] == 0).all()
    dense = initial("torch")
    for weights in (dense["kernel"], dense["bias"]):
        assert 0.1 * 0.9 < np.abs(weights).max() <= 0.1
    assert (dense["bias"] != 0).all()
