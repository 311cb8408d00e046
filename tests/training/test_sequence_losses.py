"""The loss of symbols, beside its equation."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rnnjax.training.sequence_losses import mean_by_symbol, symbol_losses

RNG = np.random.default_rng(0)
LOGITS = RNG.normal(size=(3, 4, 5)) * 3
TARGETS = RNG.integers(0, 5, (3, 4))


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_a_loss_is_the_cross_entropy_with_the_smoothed_target(smoothing):
    log_probs = LOGITS - np.log(np.exp(LOGITS).sum(-1, keepdims=True))
    wanted = np.eye(5)[TARGETS] * (1 - smoothing) + smoothing / 5
    found = symbol_losses(jnp.asarray(LOGITS), jnp.asarray(TARGETS), smoothing)
    np.testing.assert_allclose(found, -(wanted * log_probs).sum(-1), atol=1e-10)


def test_half_precision_is_summed_in_float32():
    found = symbol_losses(jnp.asarray(LOGITS, jnp.bfloat16), jnp.asarray(TARGETS))
    assert found.dtype == jnp.float32


def test_the_mean_is_over_symbols_and_padding_reaches_nothing():
    there = jnp.asarray(np.arange(4) < np.array([4, 1, 2])[:, None])
    losses = jnp.where(there, jnp.asarray(RNG.random((3, 4))), jnp.nan)
    mean, slope = jax.value_and_grad(lambda x: mean_by_symbol(x, there).mean())(losses)
    np.testing.assert_allclose(mean, np.asarray(losses)[np.asarray(there)].mean(), rtol=1e-6)
    np.testing.assert_allclose(slope, np.where(there, 1 / 7, 0), rtol=1e-6)
    assert mean_by_symbol(losses[1:2], there[1:2] & False).tolist() == [0]
