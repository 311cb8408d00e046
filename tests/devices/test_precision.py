"""What a model computes in, and what its parameters are kept in."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments import mnist_rnn
from rnnjax.devices.precision import computing_in, kept_in
from rnnjax.experiment import order

X = np.linspace(-1.0, 1.0, 12, dtype=np.float32).reshape(4, 3)
W = jnp.asarray(X.T[:, :2] + 0.3)


def apply(params, inputs, carry, *, scale):
    assert params.dtype == inputs.dtype == jnp.bfloat16
    assert carry.dtype == jnp.float32, "a recurrent state keeps its type"
    return carry, (inputs @ params) * scale


def test_bf16_is_for_computing_alone():
    model = computing_in("bf16", apply)
    carry = jnp.ones(3, jnp.float32)

    def loss(w):
        after, outputs = model(w, X, carry, scale=2)
        assert outputs.dtype == jnp.float32
        np.testing.assert_array_equal(after, carry)
        return (outputs**2).sum()

    exact = (2 * X.astype(np.float64) @ np.asarray(W, np.float64)) ** 2
    assert float(loss(W)) == pytest.approx(exact.sum(), rel=0.02)
    assert float(loss(W)) != pytest.approx(exact.sum(), rel=1e-5)
    assert jax.grad(loss)(W).dtype == jnp.float32


def test_whole_numbers_stay_what_they_are():
    model = computing_in("bf16", lambda params, inputs: (params[inputs], inputs))
    outputs, inputs = model(jnp.float32([1.0, 2.0]), jnp.arange(2))
    assert (outputs.dtype, inputs.dtype) == (jnp.float32, jnp.int32)


def test_parameters_are_kept_as_wide_as_needed():
    assert kept_in("bf16", W).dtype == kept_in("f32", W).dtype == jnp.float32
    with jax.enable_x64(True):
        assert kept_in("f64", W).dtype == jnp.float64


@pytest.mark.slow
def test_an_experiment_in_bf16_learns_what_it_does_in_f32(tmp_path):
    results = {}
    for precision in ("f32", "bf16"):
        config = mnist_rnn.Config(
            dataset="digits", hidden_size=32, steps=200, eval_every=100, precision=precision,
            workdir=str(tmp_path / precision),
        )  # fmt: skip
        results[precision] = order.run(mnist_rnn.EXPERIMENT, config)
    assert results["bf16"]["test_accuracy"] > 0.7
    assert results["bf16"]["test_loss"] == pytest.approx(results["f32"]["test_loss"], rel=0.1)
    assert results["bf16"]["test_loss"] != results["f32"]["test_loss"]
