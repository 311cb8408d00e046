"""Mixtures of Gaussians against the formula as it is written, in long numbers."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rnnjax.models.mixture_density import as_mixture, draw, log_density, num_outputs, pen_losses
from tests.running import quick_jit


def written_out(outputs, x, floor):
    """The log density of one point by inverse and determinant of each covariance."""
    outputs, x = (np.asarray(a, np.longdouble) for a in (outputs, x))
    weights, mean_x, mean_y, log_x, log_y, tilt = outputs[3:].reshape(6, -1)
    shares = np.exp(weights) / np.exp(weights).sum()
    total = np.longdouble(0)
    for k, share in enumerate(shares):
        rho, one, other = np.tanh(tilt[k]), np.exp(log_x[k]), np.exp(log_y[k])
        a, b, c = one**2 + floor**2, other**2 + floor**2, rho * one * other
        determinant = a * b - c**2
        u, v = x[0] - mean_x[k], x[1] - mean_y[k]
        distance = (b * u * u - 2 * c * u * v + a * v * v) / determinant
        pi = np.longdouble(np.pi)
        total += share * np.exp(-distance / 2) / (2 * pi * np.sqrt(determinant))
    return float(np.log(total))


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("tilt", [0.5, 6.0, -6.0])
def test_the_density_is_that_of_the_formula_also_where_rho_is_nearly_one(tilt):
    rng = np.random.default_rng(0)
    outputs = rng.normal(size=(5, num_outputs(4)))
    outputs[:, -4:] = tilt + 0.1 * rng.normal(size=(5, 4))
    x = rng.normal(size=(5, 2))
    log = quick_jit(lambda outputs, x: log_density(as_mixture(outputs), x, 0.01))
    found = log(outputs, x)
    expected = [written_out(*both, 0.01) for both in zip(outputs, x, strict=True)]
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-10)


def test_no_density_is_greater_than_the_bound_allows_and_gradients_are_finite():
    outputs = jnp.array([0.0, 0, 0, 0.0, 0.5, 0.5, -30.0, -30.0, 30.0])
    other = outputs.at[-3:].set(jnp.array([0.0, 0.0, -40.0]))  # wide, but thin across
    x = jnp.array([0.5, 0.5])

    log = quick_jit(jax.value_and_grad(lambda outputs: log_density(as_mixture(outputs), x)))
    for own in (outputs, other):
        value, gradient = log(own)
        assert value <= -np.log(2 * np.pi * 1e-4) + 1e-4
        assert np.isfinite(gradient).all()
    np.testing.assert_allclose(log(outputs)[0], -np.log(2 * np.pi * 1e-4), rtol=1e-5)
    np.testing.assert_allclose(log(other)[0], -np.log(2 * np.pi * 0.01 * 2**0.5), rtol=1e-4)


def test_half_precision_is_widened_before_anything_is_computed():
    mixture = as_mixture(jnp.zeros(num_outputs(2), jnp.bfloat16))
    assert {leaf.dtype for leaf in mixture} == {jnp.dtype("float32")}
    assert mixture.tilt.shape == (2,)


def test_the_loss_of_the_pen_is_that_of_a_softmax_and_padding_is_allowed():
    logits = np.array([[0.0, 1.0, 2.0], [3.0, 0.0, 0.0]], np.float32)
    mixture = as_mixture(jnp.asarray(np.concatenate((logits, np.zeros((2, 12))), axis=1)))
    found = pen_losses(mixture, jnp.array([2, -1]))
    assert float(found[0]) == pytest.approx(-np.log(np.exp(2) / np.exp([0, 1, 2]).sum()), abs=1e-6)
    assert np.isfinite(found).all()


def test_draws_have_the_moments_of_one_component_at_a_temperature():
    number, temperature = 40_000, 0.25
    outputs = [0, 1.0, -1.0, 9, -9, 1, 50, 2, 50, -1.0, 0, -0.5, 0, 1.2, 0]
    rows = jnp.broadcast_to(jnp.array(outputs, jnp.float32), (number, num_outputs(2)))
    drawing = quick_jit(lambda key: draw(key, as_mixture(rows), temperature, 0.3))
    points, pens = drawing(jax.random.key(0))
    one, other, rho = np.exp(-1.0), np.exp(-0.5), np.tanh(1.2)
    covariance = np.array([[one**2, rho * one * other], [rho * one * other, other**2]])
    covariance = temperature * (covariance + 0.09 * np.eye(2))
    np.testing.assert_allclose(np.mean(points, axis=0), [1, 2], atol=0.01)
    np.testing.assert_allclose(np.cov(np.asarray(points).T), covariance, atol=0.005)
    shares = np.exp(np.array([0, 4, -4])) / np.exp([0.0, 4, -4]).sum()
    np.testing.assert_allclose(np.bincount(pens, minlength=3) / number, shares, atol=0.005)
